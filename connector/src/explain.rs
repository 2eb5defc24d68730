//! `usher explain RECORD`: both sides as last seen, what they agreed on, who won which field, and what is in the way.

mod carts;
mod memberships;
#[cfg(test)]
mod tests;
mod trees;

use std::collections::BTreeSet;

use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::LinkState;
use runtime::queue::{
    Decided, DecisionRecord, Gated, Intent, ItemView, Link, OpenReview, State, Store, StoreError,
    Tombstone,
};
use serde::Serialize;
use serde_json::Value;

use crate::settings::Settings;
use crate::terminal::{self, sentence};
use crate::{review, show};

/// Everything about one record.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    pub pairs: Vec<PairView>,
    /// Records that are written together, such as a cart's.
    pub trees: Vec<trees::TreeView>,
    /// Carts that name it as the buyer, or on a ticket.
    pub carts: Vec<carts::CartView>,
    /// Memberships that it has to do with, over all their opportunities.
    pub memberships: Vec<memberships::MembershipView>,
    /// Why Salesforce's record does not go back.
    pub gated: Vec<Gated>,
    /// Pairs that it was in.
    pub tombstones: Vec<Tombstone>,
    /// What a person is asked about it.
    pub reviews: Vec<OpenReview>,
    /// What was decided about it, the latest first.
    pub decided: Vec<Decided>,
    /// Waiting and failed items of its own that no other part shows.
    pub items: Vec<ItemView>,
}

/// One pair.
#[derive(Debug, Serialize)]
pub struct PairView {
    pub mapping: String,
    pub ticketure_id: String,
    pub salesforce_id: String,
    pub fields: Vec<FieldView>,
    /// Writes whose outcome is not known yet.
    pub open_intents: Vec<Intent>,
    /// The latest first.
    pub decisions: Vec<DecisionRecord>,
    /// Waiting and failed items, in either direction.
    pub items: Vec<ItemView>,
}

/// One field, in the words of Salesforce.
#[derive(Debug, Serialize)]
pub struct FieldView {
    pub field: &'static str,
    /// `mappings/contact.yaml:17`.
    pub line: Option<String>,
    pub agreed: Value,
    pub ticketure: Value,
    pub salesforce: Value,
}

/// Collects all that usher knows of a record, by either id. The sums of carts depend on the settings.
///
/// # Errors
/// When the store fails.
pub async fn explain(
    store: &Store,
    id: &str,
    settings: &Settings,
) -> Result<Explanation, StoreError> {
    let normal = runtime::salesforce::normalise(id);
    let mut links = store.links_of(id).await?;
    if links.is_empty() {
        links = store.links_of(&normal).await?;
    }
    let mut explanation = Explanation {
        gated: store.gated(Some(normal.clone())).await?,
        ..Explanation::default()
    };
    for mapping in mappings() {
        for (side, id) in [(Side::Source, id), (Side::Destination, normal.as_str())] {
            let found = store
                .tombstones(mapping.name, side, vec![id.to_owned()])
                .await?;
            explanation.tombstones.extend(found);
        }
    }
    for link in links {
        explanation
            .gated
            .extend(store.gated(Some(link.destination_id.clone())).await?);
        let mut mappings = mappings().filter(|mapping| mapping.tree.is_none());
        if let Some(mapping) = mappings.find(|mapping| mapping.name == link.mapping) {
            explanation.pairs.push(pair(store, mapping, link).await?);
        }
    }
    explanation.gated.dedup();
    explanation.trees = trees::of(store, id, &normal, settings).await?;
    // Rows name people by their ids in Ticketure.
    let pair = explanation.pairs.first();
    let named = pair.map_or(id, |pair| &pair.ticketure_id).to_owned();
    explanation.carts = carts::of(store, &named).await?;
    explanation.memberships = memberships::of(store, &named, &normal).await?;
    let told: BTreeSet<&String> = explanation
        .memberships
        .iter()
        .flat_map(|membership| membership.terms.iter().map(|term| &term.ticketure_id))
        .collect();
    // A term is told of once.
    explanation
        .trees
        .retain(|tree| !told.contains(&tree.ticketure_id));
    let ids = BTreeSet::from([id.to_owned(), normal.clone()]);
    explanation.items = store.open_items(ids.into_iter().collect()).await?;
    let shown = shown_items(&explanation);
    explanation.items.retain(|item| !shown.contains(&item.id));
    of_review(store, id, &normal, &mut explanation).await?;
    Ok(explanation)
}

/// The items that the parts about records show.
fn shown_items(explanation: &Explanation) -> BTreeSet<i64> {
    let pairs = explanation.pairs.iter().flat_map(|pair| &pair.items);
    let trees = explanation.trees.iter().flat_map(|tree| &tree.items);
    let terms = explanation.memberships.iter().flat_map(|one| &one.terms);
    let terms = terms.flat_map(|term| &term.items);
    pairs
        .chain(trees)
        .chain(terms)
        .map(|item| item.id)
        .collect()
}

/// The review list's part, by the ids of the record and of its pairs.
async fn of_review(
    store: &Store,
    id: &str,
    normal: &str,
    explanation: &mut Explanation,
) -> Result<(), StoreError> {
    let pairs = explanation.pairs.iter();
    let mut ids: Vec<String> = pairs.map(|pair| pair.ticketure_id.clone()).collect();
    ids.extend([id.to_owned(), format!("sf:{normal}")]);
    let open = store.reviews().await?.into_iter();
    explanation.reviews = open
        .filter(|review| {
            let named = [id, normal];
            let of_candidate = |found: &String| named.contains(&found.as_str());
            ids.contains(&review.source_id) || review.candidates.iter().any(of_candidate)
        })
        .collect();
    for mapping in mappings() {
        let only = Some((mapping.name.to_owned(), ids.clone()));
        explanation.decided.extend(store.decided(only).await?);
    }
    Ok(())
}

fn mappings() -> impl Iterator<Item = &'static MappingDescriptor> {
    generated::MAPPINGS.iter().copied()
}

async fn pair(
    store: &Store,
    mapping: &'static MappingDescriptor,
    link: Link,
) -> Result<PairView, StoreError> {
    let state = LinkState::from_json(mapping, &link.base);
    let fields = state
        .shown()
        .into_iter()
        .filter(|(_, agreed, source, destination)| {
            !(agreed.is_null() && source.is_null() && destination.is_null())
        })
        .map(|(field, agreed, ticketure, salesforce)| FieldView {
            field,
            line: mapping.place(field),
            agreed,
            ticketure,
            salesforce,
        })
        .collect();
    Ok(PairView {
        fields,
        open_intents: store
            .intents(mapping.name, vec![link.source_id.clone()])
            .await?,
        decisions: store.decisions(mapping.name, &link.source_id).await?,
        items: store
            .open_items(vec![link.source_id.clone(), link.destination_id.clone()])
            .await?,
        mapping: link.mapping,
        ticketure_id: link.source_id,
        salesforce_id: link.destination_id,
    })
}

/// For people.
pub fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    for pair in &explanation.pairs {
        text += &format!(
            "{}  Ticketure {}  Salesforce {}\n",
            pair.mapping, pair.ticketure_id, pair.salesforce_id
        );
        text += &format!(
            "  {:32} {:24} {:24} {}\n",
            "field", "agreed", "Ticketure", "Salesforce"
        );
        for field in &pair.fields {
            let mark = if field.ticketure == field.salesforce {
                ' '
            } else {
                '!'
            };
            text += &format!(
                "{mark} {:32} {:24} {:24} {}\n",
                field.field,
                plain(&field.agreed),
                plain(&field.ticketure),
                plain(&field.salesforce)
            );
        }
        for intent in &pair.open_intents {
            text += &format!(
                "  being written to {}: {}\n",
                side(intent.key.side),
                sentence(&intent.fields)
            );
        }
        for decision in &pair.decisions {
            text += &format!("  {}\n", decided(decision));
        }
        text += &items_shown(&pair.items);
    }
    text += &explanation
        .trees
        .iter()
        .map(trees::text)
        .collect::<String>();
    text += &explanation
        .carts
        .iter()
        .map(carts::text)
        .collect::<String>();
    text += &explanation
        .memberships
        .iter()
        .map(memberships::shown)
        .collect::<String>();
    text += &items_shown(&explanation.items);
    for gated in &explanation.gated {
        text += &format!(
            "  waits, {}: {} (since {})\n",
            gated.gate,
            gated.reason,
            show::time(gated.since_ms)
        );
    }
    for tombstone in &explanation.tombstones {
        let fate = match &tombstone.merged_into {
            Some(other) => format!("merged into {other}"),
            None => "deleted".to_owned(),
        };
        text += &format!(
            "  was {} {} = {}, {fate} in {}\n",
            tombstone.mapping,
            tombstone.source_id,
            tombstone.destination_id,
            side(tombstone.side)
        );
    }
    for asked in &explanation.reviews {
        text += &format!(
            "  a person is asked about {} {} since {}: {} (usher review)\n",
            asked.mapping,
            asked.source_id,
            show::time(asked.since_ms),
            asked.reason
        );
    }
    for answer in &explanation.decided {
        text += &format!("  {}\n", review::answer(answer).replace('\n', "\n  "));
    }
    if text.is_empty() {
        text = "nothing is known of this record: give the id of an identity in Ticketure, or of a record in Salesforce".to_owned();
    }
    text.trim_end().to_owned()
}

fn items_shown(items: &[ItemView]) -> String {
    items.iter().map(|item| item_shown(item, "  ")).collect()
}

/// Formats a waiting or failed item in one line: its state, since when, and the reason.
fn item_shown(item: &ItemView, indent: &str) -> String {
    let why = match (&item.error, &item.note) {
        (Some(error), _) => format!("{} {}", error.line(), error.help),
        (None, Some(note)) => note.clone(),
        (None, None) => item.payload_type.clone(),
    };
    let (why, since) = (sentence(&why), show::time(item.received_at_ms));
    let state = match item.state {
        State::Dead => "is in the error log",
        State::Parked => "waits",
        State::Ready | State::Running | State::Delayed | State::Done => "is under way",
    };
    format!("{indent}item {} {state} since {since}: {why}\n", item.id)
}

pub(super) fn decided(decision: &DecisionRecord) -> String {
    let loser = decision
        .loser
        .as_ref()
        .map(|loser| format!(", over {}", terminal::value(loser)))
        .unwrap_or_default();
    format!(
        "{}  {}: {} from {} ({}){loser}",
        show::time(decision.at_ms),
        decision.field,
        terminal::value(&decision.value),
        decision.winner,
        why(decision)
    )
}

/// Says in words why a value stands.
fn why(decision: &DecisionRecord) -> String {
    match decision.why.as_str() {
        // The pair itself does not show where this value comes from.
        "merged" => "a record merged into this one was opted out".to_owned(),
        why => why.replace('_', " "),
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Source => "Ticketure",
        Side::Destination => "Salesforce",
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => terminal::value(text),
        other => terminal::value(&other.to_string()),
    }
}
