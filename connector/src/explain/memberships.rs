//! A membership in an explanation: its terms in the order in which they begin, each with what was heard of it, the
//! opportunity that it is on, its members, and what is in the way.

use std::collections::BTreeSet;

use runtime::json::text_at;
use runtime::mapping::{AdoptFrom, MappingDescriptor};
use runtime::queue::{ItemView, Store, StoreError, TreeRecord};
use runtime::row;
use serde::Serialize;
use serde_json::Value;

use super::item_shown;

/// The mapping of terms; the key of each begins with the membership's id.
const TERM: &str = "membership";
/// So many memberships of one story, one renewing the other, are followed.
const STORY_MAX: usize = 50;

/// One membership, over all its opportunities.
#[derive(Debug, Serialize)]
pub struct MembershipView {
    pub ticketure_id: String,
    pub number: Option<String>,
    /// The membership that it renews or takes the place of.
    pub previous: Option<String>,
    pub terms: Vec<Term>,
}

/// One term, as all its rows together say it.
#[derive(Debug, Serialize)]
pub struct Term {
    pub ticketure_id: String,
    pub from: String,
    pub until: Option<String>,
    pub level: Option<String>,
    pub status: Option<String>,
    /// In the order in which it happened.
    pub heard: Vec<Heard>,
    /// Its opportunity, where it has one so far.
    pub salesforce_id: Option<String>,
    /// What else the opportunity is, such as `cart c-1`: the money is that one's.
    pub shared_with: Option<String>,
    pub members: Vec<Member>,
    /// What waits, or failed.
    pub items: Vec<ItemView>,
    /// A call for it has no answer yet: Salesforce is asked before anything else is written.
    pub in_doubt: bool,
}

/// What one row said.
#[derive(Debug, Serialize)]
pub struct Heard {
    pub at: String,
    pub action: String,
    pub status: String,
    pub until: String,
    pub level: String,
}

/// Whom a term admits.
#[derive(Debug, Serialize)]
pub struct Member {
    pub ticketure_id: String,
    pub role: String,
    /// The contact role of the opportunity; `there`: somebody else's is there.
    pub salesforce_id: Option<String>,
}

/// The memberships that the id is of: their own, a term's, an opportunity's, or somebody's whom they name.
///
/// # Errors
/// When the store fails.
pub async fn of(store: &Store, id: &str, normal: &str) -> Result<Vec<MembershipView>, StoreError> {
    let Some(mapping) = generated::MAPPINGS.iter().find(|one| one.name == TERM) else {
        return Ok(Vec::new());
    };
    let mut views: Vec<MembershipView> = Vec::new();
    let mut to_show: Vec<String> = memberships_of(store, id, normal)
        .await?
        .into_iter()
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(membership) = to_show.pop() {
        if !seen.insert(membership.clone()) || seen.len() > STORY_MAX {
            continue;
        }
        let view = view(store, mapping, &membership).await?;
        if view.terms.is_empty() {
            continue;
        }
        to_show.extend(view.previous.clone());
        let next = store.roots_that_say(TERM, &membership).await?;
        to_show.extend(renewing(store, &membership, next).await?);
        views.push(view);
    }
    views.sort_by(|one, other| first(one).cmp(&first(other)));
    Ok(views)
}

fn first(view: &MembershipView) -> (Option<&str>, &str) {
    let from = view.terms.first().map(|term| term.from.as_str());
    (from, &view.ticketure_id)
}

/// The ids of memberships whose terms have to do with the id.
async fn memberships_of(
    store: &Store,
    id: &str,
    normal: &str,
) -> Result<BTreeSet<String>, StoreError> {
    let mut roots = store.roots_from(TERM, &format!("{id}:")).await?;
    for id in BTreeSet::from([id, normal]) {
        let trees = store.trees_of(id).await?.into_iter();
        roots.extend(trees.filter(|(tree, _)| tree == TERM).map(|(_, root)| root));
        let links = store.links_of(id).await?.into_iter();
        roots.extend(
            links
                .filter(|link| link.mapping == TERM)
                .map(|link| link.source_id),
        );
    }
    roots.extend(store.roots_that_say(TERM, id).await?);
    Ok(roots.iter().map(|root| membership_of(root)).collect())
}

/// A term's key is the membership's id and the day that the term begins.
fn membership_of(root: &str) -> String {
    root.rsplit_once(':').map_or(root, |(id, _)| id).to_owned()
}

/// Of the terms that name the membership those of others that renew it.
async fn renewing(
    store: &Store,
    membership: &str,
    roots: Vec<String>,
) -> Result<Vec<String>, StoreError> {
    let rows = store.tree_rows(TERM, roots).await?;
    let renews = rows.iter().filter(|row| {
        let row = serde_json::from_str::<Value>(&row.row).unwrap_or_default();
        text(&row, "previous_membership_id").as_deref() == Some(membership)
    });
    Ok(renews.map(|row| membership_of(&row.root)).collect())
}

async fn view(
    store: &Store,
    mapping: &'static MappingDescriptor,
    membership: &str,
) -> Result<MembershipView, StoreError> {
    let mut view = MembershipView {
        ticketure_id: membership.to_owned(),
        number: None,
        previous: None,
        terms: Vec::new(),
    };
    for root in store.roots_from(TERM, &format!("{membership}:")).await? {
        let rows = store.tree_rows(TERM, vec![root.clone()]).await?;
        let rows: Vec<Value> = rows
            .iter()
            .filter_map(|row| serde_json::from_str(&row.row).ok())
            .collect();
        let number = rows.iter().find_map(|row| text(row, "member_number"));
        let previous = rows
            .iter()
            .find_map(|row| text(row, "previous_membership_id"));
        view.number = view.number.or(number);
        view.previous = view.previous.or(previous);
        view.terms.push(term(store, mapping, root, &rows).await?);
    }
    view.terms.sort_by(|one, other| one.from.cmp(&other.from));
    Ok(view)
}

async fn term(
    store: &Store,
    mapping: &'static MappingDescriptor,
    root: String,
    rows: &[Value],
) -> Result<Term, StoreError> {
    let now = row::reduced(mapping, rows).unwrap_or_default();
    let now = now.into_iter().next().unwrap_or_default();
    let records = store.tree_records(TERM, vec![root.clone()]).await?;
    let links = store.links(TERM, vec![root.clone()]).await?;
    let salesforce_id = links.get(&root).map(|link| link.destination_id.clone());
    let mut keys = vec![root.clone()];
    keys.extend(
        salesforce_id
            .iter()
            .flat_map(|id| [id.clone(), format!("sf:{id}")]),
    );
    let mut heard: Vec<Heard> = rows.iter().map(heard).collect();
    heard.sort_by(|one, other| one.at.cmp(&other.at));
    Ok(Term {
        from: text(&now, "valid_from").unwrap_or_default(),
        until: text(&now, "valid_until"),
        level: text(&now, "level_name"),
        status: text(&now, "status"),
        heard,
        shared_with: shared_with(store, mapping, salesforce_id.as_ref()).await?,
        members: members(&now, &records),
        items: store.open_items(keys).await?,
        in_doubt: !store.intents(TERM, vec![root.clone()]).await?.is_empty(),
        salesforce_id,
        ticketure_id: root,
    })
}

/// The record of another mapping that the opportunity is too.
async fn shared_with(
    store: &Store,
    mapping: &'static MappingDescriptor,
    opportunity: Option<&String>,
) -> Result<Option<String>, StoreError> {
    let (Some(id), Some(tree)) = (opportunity, mapping.tree) else {
        return Ok(None);
    };
    for adopt in tree.adopt {
        if let AdoptFrom::Record { mapping, .. } = adopt.from {
            let links = store
                .links_by_destination(mapping, vec![id.clone()])
                .await?;
            if let Some(link) = links.into_values().next() {
                return Ok(Some(format!("{mapping} {}", link.source_id)));
            }
        }
    }
    Ok(None)
}

fn members(now: &Value, records: &[TreeRecord]) -> Vec<Member> {
    let membership = text(now, "id").unwrap_or_default();
    let all = now.get("members").and_then(Value::as_array);
    let all = all.into_iter().flatten().filter_map(|one| {
        let ticketure_id = text(one, "identity_id")?;
        let key = format!("{membership}:{ticketure_id}");
        let role = records.iter().find(|record| record.key == key);
        let id = role.map(|record| record.destination_id.clone());
        Some(Member {
            role: text(one, "role").unwrap_or_default(),
            // One that is about to be made has no id yet.
            salesforce_id: id.filter(|id| !crate::trees::is_making(id)),
            ticketure_id,
        })
    });
    all.collect()
}

fn heard(row: &Value) -> Heard {
    let of = |name: &str| text(row, name).unwrap_or_default();
    Heard {
        at: text(row, "updated_at").unwrap_or_else(|| of("$at")),
        action: of("action"),
        status: of("status"),
        until: of("valid_until"),
        level: of("level_name"),
    }
}

fn text(row: &Value, name: &str) -> Option<String> {
    text_at(row, &[name]).filter(|text| !text.is_empty())
}

/// For people.
pub fn shown(membership: &MembershipView) -> String {
    let mut shown = format!("membership  Ticketure {}", membership.ticketure_id);
    if let Some(number) = &membership.number {
        shown += &format!("  number {number}");
    }
    if let Some(previous) = &membership.previous {
        shown += &format!("  after {previous}");
    }
    shown.push('\n');
    shown += &membership.terms.iter().map(term_shown).collect::<String>();
    shown
}

fn term_shown(term: &Term) -> String {
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let place = match (&term.salesforce_id, &term.shared_with) {
        (Some(id), Some(other)) => format!("Salesforce {id}, that of {other}"),
        (Some(id), None) => format!("Salesforce {id}, its own"),
        (None, _) => "not in Salesforce".to_owned(),
    };
    let mut shown = format!(
        "  {} to {}  {}  {}  {place}\n",
        term.from,
        or_dash(&term.until),
        or_dash(&term.level),
        or_dash(&term.status)
    );
    for heard in &term.heard {
        shown += &format!(
            "    {:24} {:10} {:10} to {:10} {}\n",
            heard.at, heard.action, heard.status, heard.until, heard.level
        );
    }
    for member in &term.members {
        let role = match member.salesforce_id.as_deref() {
            Some("there") => "a role that was there".to_owned(),
            Some(id) => format!("role {id}"),
            None => "no role yet".to_owned(),
        };
        shown += &format!("    {:36} {:10} {role}\n", member.ticketure_id, member.role);
    }
    let items = term.items.iter().map(|item| item_shown(item, "    "));
    shown += &items.collect::<String>();
    if term.in_doubt {
        shown += "    a call for it has no answer yet: Salesforce is asked before anything else is written\n";
    }
    shown
}
