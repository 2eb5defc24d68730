//! Contact roles of an opportunity that gets another primary contact.
//!
//! NPSP gives the primary role to the new one, whoever had it, and does not look whether they have a role already
//! (reference: NPSP, `OPP_OpportunityContactRoles_TDTM`; that it does so of a change as well is what we take it for). So
//! a role of ours that they have goes first, and every tree of the opportunity looks again who has one. Without NPSP the
//! role that they have becomes the primary one.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{StoreError, TreeRecord};
use runtime::retry::Verdict;
use runtime::salesforce::{COLLECTION_MAX, CallError, normalise};
use serde_json::{Map, Value};

use super::adopt::MEETS_MS;
use super::holders::once_more;
use super::roles::{self, SOMEBODYS, is_making};
use super::steps::Place;
use super::{Tree, Work, body, plan};
use crate::handlers::households::DONOR;
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};

pub(crate) const ROLE: &str = "OpportunityContactRole";
/// A batch is through by then.
const ONCE_MORE_MS: i64 = 30_000;
/// Says of a role that it is the primary one.
pub(super) const LEADS: &str = "IsPrimary";

/// An opportunity that is there and gets another primary contact: its tree's place, its id, and that of the contact
/// where NPSP makes the role.
struct Takeover {
    place: usize,
    opportunity: String,
    contact: Option<String>,
}

/// A primary role that is wanted where its contact has a role already.
pub(super) struct Leading {
    pub(super) place: Place,
    pub(super) role: Map<String, Value>,
    /// What the role is to say, but for whose it is and of what.
    pub(super) body: body::Body,
}

/// Is it a record that we made?
fn is_ours(record: &TreeRecord) -> bool {
    let id = &record.destination_id;
    !id.is_empty() && id != SOMEBODYS && !is_making(id)
}

impl TwoWaySync {
    /// Makes way for the primary roles that NPSP is about to move, or that are about to be made.
    pub(super) async fn make_way(&self, work: &mut Work) -> Result<(), StoreError> {
        for one in takeovers(work) {
            self.claim_roles(work, one.place, ROLE);
        }
        let takeovers = takeovers(work);
        let opportunities = takeovers.iter().map(|one| one.opportunity.as_str());
        let opportunities: BTreeSet<&str> = opportunities.collect();
        if opportunities.is_empty() {
            return Ok(());
        }
        let there = match self.roles_of(&opportunities).await {
            Ok(there) => there,
            Err(error) => {
                for one in &takeovers {
                    self.stop_unanswered(work, one.place, &error);
                }
                return Ok(());
            }
        };
        let kept = self.roles_known(work.root.object, &opportunities).await?;
        let mut gone: Vec<(usize, String)> = Vec::new();
        for one in &takeovers {
            let theirs = there.iter().filter(|role| one.meets(role));
            let ours = theirs.filter(|role| kept.iter().any(|kept| self.is_made(kept, role)));
            gone.extend(ours.filter_map(|role| Some((one.place, text(role, "Id")?))));
        }
        self.delete_roles(work, &gone).await;
        // What is kept of a role that may still be there is not forgotten: all of them are looked at anew.
        let is_stopped = |one: &Takeover| !work.trees.get(one.place).is_some_and(Tree::goes_on);
        if takeovers.iter().any(is_stopped) {
            for one in &takeovers {
                if let Some(tree) = work.trees.get_mut(one.place) {
                    tree.stop(self.again(MEETS_MS, "a contact role could not be taken away yet"));
                }
            }
            return Ok(());
        }
        let is_gone = |role: &&Map<String, Value>| {
            let id = text(role, "Id");
            gone.iter().any(|(_, gone)| Some(gone) == id.as_ref())
        };
        let (gone, left): (Vec<_>, Vec<_>) = there.iter().partition(is_gone);
        let is_wrong = |one: &TreeRecord| {
            let is_it = |role: &&&Map<String, Value>| self.is_made(one, role);
            let stands = left.iter().any(|role| is_it(&role));
            one.destination_id == SOMEBODYS
                || gone.iter().any(|role| is_it(&role))
                || (is_ours(one) && !stands)
        };
        let wrong = kept.into_iter().filter(is_wrong).collect();
        self.look_again(work, wrong).await
    }

    /// A tree that took a record over and does not know what of it was written was not known to have roles there: who
    /// leads there by a role that nobody had made looks again whose it is.
    pub(super) async fn lead_anew(&self, work: &mut Work) -> Result<(), StoreError> {
        let in_doubt = |tree: &Tree| tree.doubt && tree.goes_on();
        let shares = |tree: &Tree| tree.adopted.as_ref().is_some_and(|one| one.shared);
        let places = 0..work.trees.len();
        let is_it = |tree: &Tree| in_doubt(tree) && shares(tree);
        let places: Vec<usize> = places
            .filter(|place| work.trees.get(*place).is_some_and(is_it))
            .collect();
        for place in &places {
            self.claim_roles(work, *place, ROLE);
        }
        let trees = places.iter().filter_map(|place| work.trees.get(*place));
        let records = trees.filter(|tree| tree.goes_on());
        let records = records.filter_map(|tree| tree.root_id.as_deref().map(normalise));
        let records: BTreeSet<String> = records.collect();
        if records.is_empty() {
            return Ok(());
        }
        let records = records.iter().map(String::as_str).collect();
        let kept = self.roles_known(work.root.object, &records).await?;
        let led = kept
            .into_iter()
            .filter(|one| one.destination_id == SOMEBODYS && leads(one));
        self.look_again(work, led.collect()).await
    }

    /// Is the role the one that is kept, as far as is known?
    pub(crate) fn is_made(&self, kept: &TreeRecord, role: &Map<String, Value>) -> bool {
        let id = text(role, "Id");
        let mapping = self.mapping(&kept.mapping);
        // A primary role is not the member's role that was about to be made: NPSP made it.
        let leads = role.get(LEADS) == Some(&Value::Bool(true));
        let mapping = mapping.filter(|mapping| mapping.record.field(LEADS).is_some() == leads);
        let making = mapping.and_then(|mapping| roles::in_the_making_as(mapping, role));
        (is_ours(kept) && id == Some(normalise(&kept.destination_id)))
            || making.as_ref() == Some(&kept.destination_id)
    }

    /// Roles as Salesforce has them.
    async fn roles_of(
        &self,
        opportunities: &BTreeSet<&str>,
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let groups: Vec<Vec<Option<String>>> = opportunities
            .iter()
            .map(|id| vec![Some((*id).to_owned())])
            .collect();
        let select = ["Id", "OpportunityId", "ContactId", LEADS];
        self.salesforce
            .query_in(ROLE, &select, &["OpportunityId"], &groups)
            .await
    }

    /// The kept roles of the opportunities, whichever trees they are of. `object` is the opportunities'.
    pub(crate) async fn roles_known(
        &self,
        object: &str,
        opportunities: &BTreeSet<&str>,
    ) -> Result<Vec<TreeRecord>, StoreError> {
        let ids: Vec<String> = opportunities.iter().map(|id| (*id).to_owned()).collect();
        let all = self.handlers.iter().flat_map(|handler| handler.mappings());
        let is_root = |mapping: &&MappingDescriptor| {
            mapping.object == object && mapping.tree.is_some_and(|tree| tree.root == mapping.name)
        };
        let roots: Vec<&'static MappingDescriptor> = all.copied().filter(is_root).collect();
        let mut kept = Vec::new();
        for root in roots {
            let links = self
                .store
                .links_by_destination(root.name, ids.clone())
                .await?;
            let trees = links.into_values().map(|link| link.source_id).collect();
            let records = self.store.tree_records(root.name, trees).await?;
            kept.extend(records.into_iter().filter(|record| {
                let mapping = self.mapping(&record.mapping);
                mapping.is_some_and(|mapping| mapping.object == ROLE && plan::is_fixed(mapping))
            }));
        }
        Ok(kept)
    }

    /// Who is to have the primary role has another one of ours: it becomes that. Gives the places of these, with the
    /// roles.
    pub(super) async fn promote(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
        leading: Vec<Leading>,
    ) -> Result<Vec<(Place, Sent)>, StoreError> {
        let places = leading.iter().map(|one| one.place.0);
        let parents = places.filter_map(|place| work.trees.get(place)?.root_id.clone());
        let parents: BTreeSet<String> = parents.map(|id| normalise(&id)).collect();
        let parents = parents.iter().map(String::as_str).collect();
        let kept = self.roles_known(work.root.object, &parents).await?;
        let ours = |one: &Leading| kept.iter().any(|kept| self.is_made(kept, &one.role));
        let (promoted, others): (Vec<Leading>, Vec<Leading>) = leading.into_iter().partition(ours);
        let stays = |one: Leading| (one.place, Sent::Landed(String::new()));
        let mut sent: Vec<(Place, Sent)> = others.into_iter().map(stays).collect();
        let mut roles = BTreeMap::new();
        let records = promoted.into_iter().map(|one| {
            let id = text(&one.role, "Id");
            roles.insert(one.place, one.role);
            Record {
                of: one.place,
                key: format!("{}:{}:{}", mapping.name, one.place.0, one.place.1),
                id,
                body: Value::Object(one.body).to_string(),
                locks: Vec::new(),
            }
        });
        let records = records.collect();
        for (place, result) in self.in_calls(mapping, records).await {
            let id = roles.get(&place).and_then(|role| text(role, "Id"));
            match result {
                Sent::Landed(_) => sent.push((place, Sent::Landed(id.unwrap_or_default()))),
                other => {
                    roles.remove(&place);
                    sent.push((place, other));
                }
            }
        }
        // Their trees leave them alone from now on.
        let has_landed = |one: &TreeRecord| roles.values().any(|role| self.is_made(one, role));
        let left = kept
            .into_iter()
            .filter(has_landed)
            .map(|record| TreeRecord {
                destination_id: SOMEBODYS.to_owned(),
                ..record
            });
        self.store.keep_records(left.collect()).await?;
        Ok(sent)
    }

    async fn delete_roles(&self, work: &mut Work, roles: &[(usize, String)]) {
        for call in roles.chunks(COLLECTION_MAX) {
            let ids: Vec<String> = call.iter().map(|(_, id)| id.clone()).collect();
            match self.salesforce.delete(&ids).await {
                Err(error) => {
                    for (place, _) in call {
                        let error = error.clone();
                        let sent = Sent::Unanswered { error, alone: true };
                        self.stop_for(work, *place, work.root.name, &sent);
                    }
                }
                Ok(results) => {
                    for ((place, _), result) in call.iter().zip(results) {
                        let errors = result.err().unwrap_or_default();
                        let error = errors.first();
                        // One that is gone already has made way.
                        let refused = error.is_some_and(|error| error.verdict() != Verdict::Stale);
                        if let Some(tree) = work.trees.get_mut(*place).filter(|_| refused) {
                            let outcome =
                                self.refused_record(tree, work.root, work.root, &errors, true);
                            tree.refuse(work.root, work.root, "", outcome);
                        }
                    }
                }
            }
        }
    }

    /// Of these roles it is asked once more whether they are there: by their trees, when the batch is through.
    pub(super) async fn look_again(
        &self,
        work: &mut Work,
        roles: Vec<TreeRecord>,
    ) -> Result<(), StoreError> {
        let (mut kept, mut again) = (Vec::new(), BTreeSet::new());
        for mut record in roles {
            record.destination_id.clear();
            let own = work.trees.iter_mut().find(|tree| tree.id == record.root);
            match own.filter(|_| record.tree == work.root.name) {
                Some(tree) => {
                    let is_it =
                        |mapping: &str, key: &str| mapping == record.mapping && key == record.key;
                    let wanted = tree.wanted.iter_mut();
                    for wanted in wanted.filter(|one| is_it(one.mapping.name, &one.key)) {
                        wanted.forget();
                    }
                    tree.gone.retain(|one| !is_it(&one.mapping, &one.key));
                    tree.written.push(record);
                }
                None => {
                    again.insert((record.tree.clone(), record.root.clone()));
                    kept.push(record);
                }
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        // Once more in a while, in case that this process ends before the second one.
        let later = self.now_ms() + ONCE_MORE_MS;
        for (tree, root) in &again {
            self.store.ask_at(tree, vec![root.clone()], later).await?;
        }
        self.store.keep_records(kept).await?;
        let items = again.iter().map(|(tree, root)| once_more(tree, root));
        self.store.add(items.collect()).await.map(|_| ())
    }
}

impl Takeover {
    /// Is the role one that the new primary contact has already, beside the primary one?
    fn meets(&self, role: &Map<String, Value>) -> bool {
        role.get(LEADS) != Some(&Value::Bool(true))
            && text(role, "OpportunityId").as_ref() == Some(&self.opportunity)
            && self.contact.is_some()
            && text(role, "ContactId") == self.contact
    }
}

fn takeovers(work: &Work) -> Vec<Takeover> {
    let going = work.trees.iter().enumerate();
    let going = going.filter(|(_, tree)| tree.goes_on());
    let all = going.flat_map(|(place, tree)| {
        let donors = tree.wanted.iter().filter_map(move |wanted| {
            let contact = body::changed_reference(work, tree, wanted, DONOR)?;
            let opportunity = wanted.id.clone()?;
            Some((opportunity, Some(normalise(&contact))))
        });
        let donors = donors.filter(|_| work.npsp);
        let mut gone = tree.gone.iter();
        let led = gone.any(|record| is_ours(record) && leads(record));
        let led = tree.root_id.clone().filter(|_| led);
        let all = donors.chain(led.map(|opportunity| (opportunity, None)));
        all.map(move |(opportunity, contact)| Takeover {
            place,
            opportunity: normalise(&opportunity),
            contact,
        })
    });
    all.collect()
}

/// Was the role made as the primary one?
fn leads(record: &TreeRecord) -> bool {
    let base: Value = serde_json::from_str(&record.base).unwrap_or_default();
    base.get(LEADS) == Some(&Value::Bool(true))
}

fn text(record: &Map<String, Value>, field: &str) -> Option<String> {
    record.get(field)?.as_str().map(normalise)
}
