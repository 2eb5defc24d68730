//! One page of changed records: which of them become items, and which are held.

use std::collections::{BTreeSet, HashMap};

use runtime::change::present;
use runtime::entity::Entity;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Gate, LinkState, Reading, missing_required, opted_out};
use runtime::queue::{
    Captured, GateNote, Link, NewItem, SALESFORCE_CHANGED, State, StoreError, Tombstone,
};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use crate::sync::gone::GRACE_MS;
use crate::sync::notes::missing;
use crate::sync::pair::wanted;
use crate::sync::{Broken, TwoWaySync, image};

type Record = Map<String, Value>;

/// What is known beside the records of a page.
struct Known {
    /// By destination id.
    links: HashMap<String, Link>,
    /// Pairs that are no more.
    buried: Vec<Tombstone>,
    /// Writes of ours whose answers are not known yet, by source id.
    pending: HashMap<String, Box<dyn Entity>>,
}

pub(super) async fn judge(
    sync: &TwoWaySync,
    mapping: &'static MappingDescriptor,
    records: Vec<Record>,
) -> Result<Captured, StoreError> {
    let text = |record: &Record, name: &str| {
        record
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let ids = records.iter().map(|record| text(record, "Id")).collect();
    let external: Vec<String> = records
        .iter()
        .map(|record| text(record, mapping.external_id))
        .filter(|id| !id.is_empty())
        .collect();
    let links = sync.store.links_by_destination(mapping.name, ids).await?;
    let known = Known {
        pending: pending(sync, mapping, &links).await?,
        links,
        buried: sync
            .store
            .tombstones(mapping.name, Side::Source, external)
            .await?,
    };
    let mut captured = Captured {
        answered: answered(sync, mapping, &records, &known).await?,
        ..Captured::default()
    };
    wake_behind_deleted(sync, mapping, &records, &known).await?;
    sync.hear_of_homes(mapping.name, &records).await?;
    for record in records {
        let id = text(&record, "Id");
        let link = known.links.get(&id);
        if link.is_none() {
            sync.hand_on_of_record(mapping, &known.buried, (&id, &record))
                .await?;
        }
        let judged = match record.get("IsDeleted") {
            Some(Value::Bool(true)) => {
                Judged::goes(link.is_some() || is_opted_out(sync, mapping, &record))
            }
            _ => match decide(sync, mapping, &record, link, &known) {
                Some(judged) => judged,
                None => continue,
            },
        };
        let Judged { goes, held, seen } = judged;
        captured.seen.extend(seen);
        let goes = goes || sync.breaks(Broken::Echo);
        captured.gates.push(GateNote {
            mapping: mapping.name.to_owned(),
            destination_id: id.clone(),
            held,
        });
        if goes {
            captured.items.push(item(sync, mapping, id, link, record));
        }
    }
    Ok(captured)
}

/// The changes of these pairs that are being written to Salesforce.
async fn pending(
    sync: &TwoWaySync,
    mapping: &'static MappingDescriptor,
    links: &HashMap<String, Link>,
) -> Result<HashMap<String, Box<dyn Entity>>, StoreError> {
    let ids = links.values().map(|link| link.source_id.clone()).collect();
    let intents = sync.store.intents(mapping.name, ids).await?.into_iter();
    let updates =
        intents.filter(|intent| intent.key.side == Side::Destination && intent.kind == "update");
    let pending = updates.map(|intent| (intent.key.key.clone(), wanted(mapping, &intent)));
    Ok(pending.collect())
}

/// Wakes items that wait for a record of Salesforce's to reach Ticketure, once that record is gone. After a merge they
/// name the survivor.
async fn wake_behind_deleted(
    sync: &TwoWaySync,
    mapping: &MappingDescriptor,
    records: &[Record],
    known: &Known,
) -> Result<(), StoreError> {
    let gone = records
        .iter()
        .filter(|record| record.get("IsDeleted") == Some(&Value::Bool(true)));
    let ids = gone.filter_map(|record| record.get("Id")?.as_str());
    let unlinked = ids.filter(|id| !known.links.contains_key(*id));
    let keys = unlinked.map(|id| format!("{}:sf:{}", mapping.name, normalise(id)));
    sync.store.wake(keys.collect()).await.map(|_| ())
}

/// Leaves out records about which a question is open and whose item is in the error log: their blank external id is no
/// answer.
async fn without_failed(
    sync: &TwoWaySync,
    mapping: &MappingDescriptor,
    ids: Vec<String>,
) -> Result<Vec<String>, StoreError> {
    let open = sync.store.reviews().await?.into_iter();
    let asked = open
        .filter(|review| review.mapping == mapping.name)
        .filter_map(|review| Some(review.source_id.strip_prefix("sf:")?.to_owned()))
        .filter(|id| ids.contains(id));
    let asked: Vec<String> = asked.collect();
    if asked.is_empty() {
        return Ok(ids);
    }
    let items = sync.store.open_items(asked).await?.into_iter();
    let failed: BTreeSet<String> = items
        .filter(|item| item.state == State::Dead)
        .map(|item| item.key)
        .collect();
    let left = ids.into_iter().filter(|id| !failed.contains(id));
    Ok(left.collect())
}

/// Questions that these records no longer raise: clones whose id is cleared, and records that were to be merged and are
/// gone.
async fn answered(
    sync: &TwoWaySync,
    mapping: &MappingDescriptor,
    records: &[Record],
    known: &Known,
) -> Result<Vec<(String, String)>, StoreError> {
    let text = |record: &Record, name: &str| {
        let value = record.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let (gone, there): (Vec<&Record>, Vec<&Record>) = records
        .iter()
        .partition(|record| record.get("IsDeleted") == Some(&Value::Bool(true)));
    let ids: Vec<String> = gone.iter().map(|record| text(record, "Id")).collect();
    let (linked, others): (Vec<&Record>, Vec<&Record>) = there
        .into_iter()
        .partition(|record| known.links.contains_key(&text(record, "Id")));
    let blank = others
        .into_iter()
        .filter(|record| text(record, mapping.external_id).is_empty());
    let blank = blank.map(|record| text(record, "Id")).collect();
    let clear = without_failed(sync, mapping, blank).await?.into_iter();
    let linked = linked.into_iter().map(|record| text(record, "Id"));
    let of_records = clear.chain(linked).chain(ids.clone());
    let name = mapping.name.to_owned();
    let mut answered: Vec<(String, String)> = of_records
        .map(|id| (name.clone(), format!("sf:{id}")))
        .collect();
    if !ids.is_empty() {
        let merged = sync
            .store
            .tombstones(mapping.name, Side::Destination, ids)
            .await?
            .into_iter()
            .filter(|tombstone| tombstone.side == Side::Source && tombstone.merged_into.is_some());
        answered.extend(merged.map(|tombstone| (name.clone(), tombstone.source_id)));
    }
    Ok(answered)
}

type Held = Option<(&'static str, String)>;

/// What becomes of one record.
#[derive(Default)]
struct Judged {
    goes: bool,
    held: Held,
    /// The pair, when all that there is to know is that our own write has stayed.
    seen: Option<(Link, String)>,
}

impl Judged {
    fn goes(goes: bool) -> Self {
        Judged {
            goes,
            ..Judged::default()
        }
    }

    fn held(goes: bool, gate: &'static str, reason: String) -> Self {
        Judged {
            goes,
            held: Some((gate, reason)),
            seen: None,
        }
    }
}

/// Decides whether the record becomes an item, or is held. `None` if the reading says nothing, and the record is read
/// once more: it is older than our last write and shows only what our writes have replaced. Or it shows a write whose
/// answer is on its way.
fn decide(
    sync: &TwoWaySync,
    mapping: &'static MappingDescriptor,
    record: &Record,
    link: Option<&Link>,
    known: &Known,
) -> Option<Judged> {
    if !mapping.takes_back(record, sync.has_npsp()) {
        return Some(Judged::goes(false));
    }
    let Ok(seen) = image::of(&sync.handlers, mapping, record, sync.has_npsp()) else {
        // What is wrong with it is said on its item.
        return Some(Judged::goes(true));
    };
    let Some(link) = link else {
        let external = record
            .get(mapping.external_id)
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !external.is_empty() {
            return Some(Judged::goes(!rests(&known.buried, external, record)));
        }
        let blank = missing_required(mapping, seen.record.as_ref());
        return Some(match blank.is_empty() || sync.breaks(Broken::Gates) {
            true => Judged::goes(true),
            false => Judged::held(false, "incomplete", missing(mapping, &blank)),
        });
    };
    let mut state = LinkState::from_json(mapping, &link.base);
    if !LinkState::is_known(&link.base) {
        return Some(Judged::goes(true));
    }
    let wrote = known.pending.get(&link.source_id);
    let shows =
        |wrote: &dyn Entity| state.shows_write(Side::Destination, seen.record.as_ref(), wrote);
    if wrote.map(AsRef::as_ref).is_some_and(shows) {
        return None;
    }
    if sync.breaks(Broken::Readings) && state.is_near_write(Side::Destination, seen.version_ms) {
        return None;
    }
    match state.reading(
        Side::Destination,
        seen.record.as_ref(),
        seen.version_ms,
        &sync.clocks(),
    ) {
        Reading::Own => return None,
        // The record may have been changed back, so it is looked at.
        Reading::Unsure => return Some(Judged::goes(true)),
        Reading::Telling => {}
    }
    let before = state.to_json();
    state.observe(
        Side::Destination,
        seen.record.as_ref(),
        seen.version_ms,
        sync.now_ms(),
    );
    let plan = state.plan(&sync.clocks());
    let writes = !present(plan.to_source.as_ref()).is_empty()
        || !present(plan.to_destination.as_ref()).is_empty();
    Some(match plan.gate {
        Gate::Incomplete(fields) => Judged::held(writes, "incomplete", missing(mapping, &fields)),
        Gate::Unmonitored => {
            let reason = format!("nothing changed that {} monitors", mapping.file);
            Judged::held(writes, "unmonitored", reason)
        }
        Gate::Open => {
            let was = LinkState::from_json(mapping, &before);
            let goes = writes || was.differs_from(&state);
            let echo = !goes && !was.unseen(Side::Destination).is_empty();
            let now = Link {
                base: state.to_json(),
                ..link.clone()
            };
            Judged {
                goes,
                held: None,
                seen: echo.then(|| (now, link.base.clone())),
            }
        }
    })
}

/// Returns whether the record is opted out. One that was merged into a linked record hands that on.
fn is_opted_out(sync: &TwoWaySync, mapping: &'static MappingDescriptor, record: &Record) -> bool {
    let seen = image::of(&sync.handlers, mapping, record, sync.has_npsp());
    seen.is_ok_and(|seen| !opted_out(mapping, seen.record.as_ref()).is_empty())
}

/// Is the pair that the record names no more, and is there nothing to be asked about it? A record of an identity that
/// was merged, and that had another record then, is one that nobody knows.
fn rests(buried: &[Tombstone], external: &str, record: &Record) -> bool {
    let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
    let mut own = buried.iter().filter(|one| one.source_id == external);
    own.any(|one| one.merged_into.is_none() || normalise(&one.destination_id) == normalise(id))
}

fn item(
    sync: &TwoWaySync,
    mapping: &MappingDescriptor,
    id: String,
    link: Option<&Link>,
    mut record: Record,
) -> NewItem {
    record.remove("attributes");
    let deleted = record.get("IsDeleted") == Some(&Value::Bool(true));
    let at = record
        .get("SystemModstamp")
        .and_then(Value::as_str)
        .and_then(runtime::clock::parse_ms);
    // A merge shows as a delete: it gets the time to become one.
    let due = at.map(|at| at - sync.salesforce.offset_ms() + GRACE_MS);
    NewItem {
        mapping: Some(mapping.name.to_owned()),
        payload_type: SALESFORCE_CHANGED.to_owned(),
        lane: link.map_or_else(|| format!("sf:{id}"), |link| link.lane.clone()),
        key: id,
        payload: Value::Object(record).to_string(),
        due_ms: due.filter(|_| deleted),
        ..NewItem::default()
    }
}
