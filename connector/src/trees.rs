//! Records that are written together: a cart as an opportunity with its lines, payments, allocations and roles.
//!
//! A tree's rows are kept, and what there has to be in Salesforce follows from all of them (`wanted`), whatever the
//! order in which they came. Its root may be a record that is there already (`adopt`). What it refers to is resolved or
//! waited for (`references`, `lookups`). The difference from what was written before goes out (`plan`): a new tree as
//! one Composite Graph (`graphs`), changes step by step, so that nothing is ever more than its parent (`steps`). Which
//! records belong to a tree is said by the mappings, `part_of`; nothing here knows a cart.

mod adopt;
mod adopted;
mod ask;
mod body;
mod claims;
mod faults;
mod given;
mod graphs;
mod held;
mod holders;
mod keep;
mod late;
mod left_out;
mod lookups;
mod merged_roles;
mod moved;
mod outcome;
mod plan;
mod price_book;
mod references;
mod refused_fields;
mod renamed;
mod roles;
mod steps;
mod takeover;
#[cfg(test)]
#[cfg(feature = "demo")]
pub(crate) mod tests;
mod waits;
mod wanted;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use runtime::entity::Entity;
use runtime::mapping::{Lookup, MappingDescriptor};
use runtime::queue::{DecisionRecord, Item, Outcome, Problem, StoreError, TreeRecord};
use serde_json::{Map, Value};

use crate::handlers::households;
use crate::sync::TwoWaySync;
use crate::sync::meeting::Meeting;
use crate::to_salesforce::references::{BY_ID, Resolved};
pub(crate) use claims::children;
pub(crate) use holders::once_more;
pub(crate) use lookups::{Lookups, USED};
pub(crate) use merged_roles::Joined;
pub(crate) use roles::is_making;
pub(crate) use takeover::ROLE;
pub(crate) use waits::Woken;
pub(crate) use wanted::is_of_root;

/// The trees of a batch that have one mapping as their root.
pub(crate) struct Work {
    pub(crate) root: &'static MappingDescriptor,
    /// The mappings of a tree, each after those that its records come after.
    members: Vec<&'static MappingDescriptor>,
    npsp: bool,
    settings: Map<String, Value>,
    pub(crate) trees: Vec<Tree>,
    /// What no other batch takes over meanwhile.
    meeting: Option<Meeting>,
    /// Records of other mappings: Salesforce ids by mapping and source id.
    pub(crate) outside: Resolved,
    /// What look-ups found; nothing where the field stays empty.
    found: HashMap<(LookupId, String), Option<String>>,
    /// The keys of records that other batches wrote since.
    heard: Arc<waits::Heard>,
}

/// A look-up of the mappings is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LookupId(usize);

impl LookupId {
    fn of(lookup: &'static Lookup) -> Self {
        LookupId(std::ptr::from_ref(lookup) as usize)
    }
}

/// One tree: the items about it, and what becomes of it.
pub(crate) struct Tree {
    /// The source id of its root.
    pub(crate) id: String,
    items: Vec<Item>,
    /// Everything that was heard of it, by payload type.
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
    /// Rows of other trees about the same tickets and payments, by the source ids of their roots.
    pub(crate) others: BTreeMap<String, Vec<Value>>,
    pub(crate) wanted: Vec<Wanted>,
    /// Organizations that the rows name in the place of people, by their source ids.
    pub(crate) organizations: BTreeSet<String>,
    /// Records that are there and wanted no longer.
    gone: Vec<TreeRecord>,
    /// The record that its root is, where somebody else made it.
    adopted: Option<adopt::Adopted>,
    /// The record that its root would be, which is not there yet.
    waits_for: Option<(&'static str, String)>,
    /// Another tree has a better right to the record that its root was: it gets one of its own.
    given_up: Option<String>,
    /// A record of its own that it needs no longer: what it was to be on has come.
    outgrown: Option<String>,
    /// The record of another mapping that was the tree's root, which the rows do not name any longer.
    left: Option<String>,
    /// Earlier roots of the tree. An unanswered write of that time may still reach them.
    left_earlier: Vec<String>,
    /// The root's record in Salesforce.
    pub(crate) root_id: Option<String>,
    /// It was in Salesforce before this batch, as far as is known.
    was_there: bool,
    /// An earlier attempt may have written more than is known.
    doubt: bool,
    /// The root's own rows say that there shall be none: nobody is to wait for it.
    left_out: bool,
    /// It cannot go on: this happens to its items.
    pub(crate) stopped: Option<Outcome>,
    /// True after Salesforce refused a record of the tree for good. The other records are written.
    failed: bool,
    /// Errors of single records, which become problems.
    faults: Vec<faults::Fault>,
    /// Problems of the tree that do not stop it: errors, and amounts that wait for further rows.
    problems: Vec<Problem>,
    /// Beginnings of the causes whose problems are all in `problems` and `faults`.
    checked: &'static [&'static str],
    /// Edits of users that stay, for the conflict log.
    decisions: Vec<DecisionRecord>,
    /// Sent writes whose answers never came.
    unanswered: given::Unanswered,
    /// True if the error log has an edit of the tree by a user.
    edited: bool,
    /// True if Ticketure has sent a row since that edit, so usher restores the edited fields.
    told: bool,
    /// Records whose rows cannot be read.
    unsure: Vec<wanted::Unsure>,
    /// Another batch is at it: nothing is said of it here.
    elsewhere: bool,
    /// A call for it has no answer: what it did is asked for next time.
    open: bool,
    /// What has to be kept of what was written.
    written: Vec<TreeRecord>,
    /// Something of it can be written only when the rest has been: it goes once more.
    pub(crate) again: Option<&'static str>,
    /// True after a role of the tree was deleted: whoever has another reason for one checks again.
    lost_roles: bool,
    /// A field of the root's that is written when another one is, and its value: the other, it, the value.
    along: Option<(&'static str, &'static str, String)>,
}

/// A record that there has to be.
pub(crate) struct Wanted {
    pub(crate) mapping: &'static MappingDescriptor,
    /// The source id of the record.
    pub(crate) key: String,
    /// The source ids that earlier versions may have used for the record, the likeliest first.
    former: Vec<String>,
    pub(crate) record: Box<dyn Entity>,
    /// What it was given last; nothing where that is not known.
    base: Option<Box<dyn Entity>>,
    /// Its record in Salesforce.
    id: Option<String>,
    /// Look-ups without a stored value: the index of each field, and the id in Salesforce.
    ids_there: Vec<(usize, String)>,
    /// A field that only a create sets, and that is written once more, since a user has changed it.
    restores: Option<usize>,
}

impl Tree {
    /// Returns whether the tree goes on, and no other tree writes to its record.
    fn says_all(&self) -> bool {
        self.goes_on() && self.adopted.is_none()
    }

    fn new(id: String) -> Self {
        Tree {
            id,
            items: Vec::new(),
            rows: BTreeMap::new(),
            others: BTreeMap::new(),
            wanted: Vec::new(),
            organizations: BTreeSet::new(),
            gone: Vec::new(),
            adopted: None,
            waits_for: None,
            given_up: None,
            outgrown: None,
            left: None,
            left_earlier: Vec::new(),
            root_id: None,
            was_there: false,
            doubt: false,
            left_out: false,
            stopped: None,
            failed: false,
            faults: Vec::new(),
            problems: Vec::new(),
            checked: &[],
            decisions: Vec::new(),
            unanswered: given::Unanswered::default(),
            edited: false,
            told: false,
            unsure: Vec::new(),
            elsewhere: false,
            open: false,
            written: Vec::new(),
            again: None,
            lost_roles: false,
            along: None,
        }
    }

    /// The first reason counts.
    pub(crate) fn stop(&mut self, outcome: Outcome) {
        self.stopped.get_or_insert(outcome);
    }

    /// Adds a problem that does not stop the tree. The error log or the list of waiting items shows it.
    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Does it wait for its own root?
    fn waits_for_root(&self, root: &MappingDescriptor) -> bool {
        let own = root_key(root, &self.id);
        matches!(&self.stopped, Some(Outcome::Park { key, .. }) if *key == own)
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.stopped.is_none()
    }

    fn attempts(&self) -> u32 {
        let attempts = self.items.iter().map(|item| item.attempts);
        attempts.max().unwrap_or_default()
    }
}

/// What waits for the root of a tree waits for this.
fn root_key(root: &MappingDescriptor, id: &str) -> String {
    format!("{}:{id}", root.name)
}

impl Wanted {
    /// Of which nothing is known yet.
    pub(crate) fn new(
        mapping: &'static MappingDescriptor,
        key: String,
        record: Box<dyn Entity>,
    ) -> Self {
        Wanted {
            mapping,
            key,
            former: Vec::new(),
            record,
            base: None,
            id: None,
            ids_there: Vec::new(),
            restores: None,
        }
    }

    /// Forgets its record in Salesforce.
    fn forget(&mut self) {
        (self.id, self.base) = (None, None);
        self.ids_there.clear();
    }
}

impl Work {
    /// Nothing to do yet.
    fn new(
        root: &'static MappingDescriptor,
        members: Vec<&'static MappingDescriptor>,
        npsp: bool,
        settings: Map<String, Value>,
    ) -> Self {
        Work {
            root,
            members,
            npsp,
            settings,
            trees: Vec::new(),
            meeting: None,
            outside: Resolved::new(),
            found: HashMap::new(),
            heard: Arc::default(),
        }
    }

    /// Returns the mappings whose records ask, the root first.
    fn asking(&self) -> Vec<&'static MappingDescriptor> {
        let others = self
            .members
            .iter()
            .filter(|member| member.name != self.root.name);
        std::iter::once(self.root).chain(others.copied()).collect()
    }

    /// The trees that go on.
    pub(crate) fn going(&mut self) -> impl Iterator<Item = &mut Tree> {
        self.trees.iter_mut().filter(|tree| tree.goes_on())
    }

    /// Is NPSP installed?
    pub(crate) fn npsp(&self) -> bool {
        self.npsp
    }

    /// Roots that are there and whose `field` comes to refer to another record, or whose `beside` is taken back, where
    /// they do not say `beside` themselves. Of what they had there, only what they were `given` is taken back: a root
    /// that was in doubt has what Salesforce says of it, which may be NPSP's.
    pub(crate) fn moving(
        &self,
        field: &str,
        beside: &str,
        given: &BTreeMap<String, String>,
    ) -> Vec<households::Moving> {
        let mut moving = Vec::new();
        let going = self.trees.iter().enumerate();
        for (place, tree) in going.filter(|(_, tree)| tree.goes_on()) {
            let says_beside = tree.wanted.iter().any(|wanted| {
                let index = wanted.mapping.record.field(beside);
                wanted.mapping.object == self.root.object
                    && index.is_some_and(|index| wanted.record.slot(index).text().is_some())
            });
            for wanted in tree.wanted.iter().filter(|_| !says_beside) {
                let is_taken_back =
                    said_no_longer(wanted, beside).is_some_and(|id| given.contains_key(&id));
                let id = match is_taken_back {
                    true => body::reference(self, tree, wanted, field),
                    false => body::changed_reference(self, tree, wanted, field),
                };
                if let (Some(opportunity), Some(donor)) = (wanted.id.clone(), id) {
                    moving.push(households::Moving {
                        tree: place,
                        opportunity,
                        donor,
                        is_taken_back,
                    });
                }
            }
        }
        moving
    }

    /// A setting that is a text.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str)
    }

    /// Values that roots were given in `field` and that no row says any longer: source ids, or Salesforce ids as they are
    /// in the field.
    pub(crate) fn said_no_longer(&self, field: &str) -> BTreeSet<String> {
        let trees = self.trees.iter().filter(|tree| tree.says_all());
        let wanted = trees.flat_map(|tree| &tree.wanted);
        let given = wanted.filter_map(|wanted| said_no_longer(wanted, field));
        given.collect()
    }

    /// Roots whose `field` was given one of these, and of which that is not said any longer, have none there.
    pub(crate) fn take_back(&mut self, field: &str, given: &BTreeMap<String, String>) {
        for tree in self.trees.iter_mut().filter(|tree| tree.says_all()) {
            for wanted in tree.wanted.iter_mut() {
                let Some(index) = wanted.mapping.record.field(field) else {
                    continue;
                };
                if said_no_longer(wanted, field).is_some_and(|id| given.contains_key(&id)) {
                    wanted.record.slot_mut(index).set_null();
                }
            }
        }
    }

    /// This value of a root's field is written when the other field is.
    pub(crate) fn write_along(
        &mut self,
        place: usize,
        with: &'static str,
        field: &'static str,
        value: String,
    ) {
        if let Some(tree) = self.trees.get_mut(place) {
            tree.along = Some((with, field, value));
        }
    }

    /// The names of mappings whose records these trees refer to.
    fn referred(&self) -> impl Iterator<Item = &'static str> + '_ {
        let fields = self
            .members
            .iter()
            .flat_map(|mapping| mapping.record.fields);
        fields.filter_map(|field| match field.kind {
            runtime::entity::Kind::Reference { mapping } => Some(mapping),
            _ => None,
        })
    }

    /// Does the mapping belong to these trees?
    fn is_member(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }
}

/// The value that a record was given last, in a field that is now absent or blank.
fn said_no_longer(wanted: &Wanted, field: &str) -> Option<String> {
    let index = wanted.mapping.record.field(field)?;
    let given = wanted.base.as_deref()?.slot(index).text()?.to_owned();
    wanted
        .record
        .slot(index)
        .text()
        .is_none()
        .then(|| given.trim_start_matches(BY_ID).to_owned())
}

impl TwoWaySync {
    /// All items about trees.
    pub(crate) async fn write_trees(&self, items: Vec<Item>, npsp: bool) -> Result<(), StoreError> {
        let mut by_root: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in items {
            let root = item.mapping.clone().unwrap_or_default();
            by_root.entry(root).or_default().push(item);
        }
        for (root, items) in by_root {
            if let Some(root) = self.mapping(&root) {
                self.write_trees_of(root, items, npsp).await?;
            }
        }
        Ok(())
    }

    async fn write_trees_of(
        &self,
        root: &'static MappingDescriptor,
        items: Vec<Item>,
        npsp: bool,
    ) -> Result<(), StoreError> {
        let items = self.without_held_trees(root, items).await?;
        if items.is_empty() {
            return Ok(());
        }
        let mut work = Work::new(root, self.members(root), npsp, Map::new());
        work.trees = by_id(items);
        work.heard = self.woken.listen();
        self.claim_trees(&mut work);
        self.keep_and_load(&mut work).await?;
        self.load_settings(&mut work).await;
        self.adopt_all(&mut work).await?;
        self.know_organizations(&mut work).await?;
        self.want_all(&mut work);
        self.stop_held(&mut work);
        self.know_all(&mut work).await?;
        self.refer_all(&mut work).await?;
        self.wake_for_buyers(&work).await?;
        self.place_families(&mut work).await?;
        self.ask_where_in_doubt(&mut work).await?;
        self.ask_for_making(&mut work).await;
        self.move_donations(&mut work).await?;
        for tree in &mut work.trees {
            plan::renew(tree, root);
        }
        self.look_up_all(&mut work).await?;
        if plan::renew_found(&mut work) {
            self.look_up_all(&mut work).await?;
        }
        self.begin_all(&work).await?;
        self.leave_all(&mut work).await?;
        self.make_way(&mut work).await?;
        self.write_graphs(&mut work).await;
        let placed = self.place_donations(&mut work).await?;
        self.write_steps(&mut work).await?;
        self.follow_donors(&mut work, placed).await?;
        self.look_at_roles_left(&mut work).await?;
        self.wait_for_found(&work).await?;
        self.finish(work).await
    }
}

fn by_id(items: Vec<Item>) -> Vec<Tree> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut trees: Vec<Tree> = Vec::new();
    for item in items {
        let place = *places.entry(item.key.clone()).or_insert_with(|| {
            trees.push(Tree::new(item.key.clone()));
            trees.len() - 1
        });
        if let Some(tree) = trees.get_mut(place) {
            tree.items.push(item);
        }
    }
    trees
}
