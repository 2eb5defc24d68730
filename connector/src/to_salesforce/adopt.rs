//! Unlinked records: the one that carries our external id, else the one that a rung finds, else a new one.

use std::collections::{HashMap, HashSet};

use runtime::mapping::{MappingDescriptor, MatchPolicy, Rung, Side};
use runtime::queue::{Outcome, Review, Settlement, StoreError};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use super::resembling::{are_apart, compared, values_of};
use crate::sync::clones::clones_reason;
use crate::sync::image;
use crate::sync::meeting::{Meeting, destination_key};
use crate::sync::outcome::settle;
use crate::sync::pair::Pair;
use crate::sync::{TwoWaySync, Unit};

pub(super) type Record = Map<String, Value>;

/// What became of the unlinked units.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) adopted: Vec<Pair>,
    pub(crate) unknown: Vec<Unit>,
    pub(crate) settlements: Vec<Settlement>,
}

/// What the records that were found say about one unit.
enum Finding<'r> {
    Adopt(&'r Record),
    Review {
        candidates: Vec<String>,
        reason: String,
    },
    Nothing,
}

impl TwoWaySync {
    pub(crate) async fn adopt(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
        meeting: &mut Meeting,
    ) -> Result<Found, StoreError> {
        let mut found = Found::default();
        if units.is_empty() {
            return Ok(found);
        }
        let records = match self.candidates(mapping, &units).await {
            Ok(records) => records,
            Err(error) => {
                found.settlements = units
                    .into_iter()
                    .flat_map(|unit| {
                        let outcome = self.not_answered(&unit, &error);
                        settle(unit, &outcome, None)
                    })
                    .collect();
                return Ok(found);
            }
        };
        // Claimed before it is looked whether another batch has linked it: so nobody does in between.
        let claimed = Claimed::new(mapping, &records, meeting);
        let linked = self.linked_elsewhere(mapping, &records).await?;
        let index = Index::new(mapping, &records, linked);
        let mut taken: HashSet<String> = HashSet::new();
        for unit in units {
            match index.find(&unit) {
                finding if claimed.is_elsewhere(&finding) => {
                    found
                        .settlements
                        .extend(settle(unit, &self.meets_elsewhere(), None))
                }
                Finding::Adopt(record) if taken.insert(text(record, "Id").to_owned()) => {
                    found.adopted.push(self.met(mapping, record, unit))
                }
                // Another record of the batch takes it: then it is linked, and this one is looked at again.
                Finding::Adopt(_) => {
                    let outcome = self.meets_elsewhere();
                    found.settlements.extend(settle(unit, &outcome, None));
                }
                Finding::Review { candidates, reason } => found
                    .settlements
                    .extend(self.review(unit, candidates, reason).await?),
                Finding::Nothing if self.is_twin(&unit, meeting) => {
                    let outcome = self.meets_elsewhere();
                    found.settlements.extend(settle(unit, &outcome, None));
                }
                Finding::Nothing => {
                    let others = (index.resembled(&unit), index.made_from(&unit));
                    self.ask_whom_it_resembles(&unit, others).await?;
                    found.unknown.push(unit);
                }
            }
        }
        claimed.leave(&taken, meeting);
        self.note_made_before(mapping, &found.adopted, &index)
            .await?;
        Ok(found)
    }

    /// Notes which of the records that carry our external id were inserted by a create whose answer never came.
    async fn note_made_before(
        &self,
        mapping: &'static MappingDescriptor,
        adopted: &[Pair],
        index: &Index<'_>,
    ) -> Result<(), StoreError> {
        let sources = adopted.iter().map(|pair| pair.link.source_id.clone());
        let named: Vec<String> = sources
            .filter(|id| index.by_external_id.contains_key(id))
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let open = self.store.intents(mapping.name, named).await?;
        let creates = open
            .into_iter()
            .filter(|intent| intent.key.side == Side::Destination && intent.kind == "create");
        let begun: HashSet<String> = creates.map(|intent| intent.key.key).collect();
        let made = adopted
            .iter()
            .filter(|pair| begun.contains(&pair.link.source_id));
        let made = made.map(|pair| (pair.link.destination_id.clone(), String::new()));
        self.note_inserted(mapping.name, made.collect()).await
    }

    /// One query a chunk for external ids and the first field of each rung together.
    async fn candidates(
        &self,
        mapping: &'static MappingDescriptor,
        units: &[Unit],
    ) -> Result<Vec<Record>, runtime::salesforce::CallError> {
        let mut fields = vec![mapping.external_id, "Id"];
        let mut by = Vec::new();
        for rung in rungs(mapping) {
            if let Some((index, name)) = rung
                .fields
                .first()
                .and_then(|index| Some((*index, name(mapping, *index)?)))
                && !by.contains(&index)
            {
                by.push(index);
                fields.push(name);
            }
        }
        let groups: Vec<Vec<Option<String>>> = units
            .iter()
            .map(|unit| {
                let values = by
                    .iter()
                    .map(|index| unit.record.slot(*index).text().map(str::to_owned));
                let named = unit.external_ref.as_deref().filter(|id| is_id(id));
                [Some(unit.source_id.clone()), named.map(str::to_owned)]
                    .into_iter()
                    .chain(values)
                    .collect()
            })
            .collect();
        let select = image::select(mapping, self.has_npsp());
        self.salesforce
            .query_in(mapping.object, &select, &fields, &groups)
            .await
    }

    /// Records that are pairs already, although Salesforce does not say so yet: a birth writes its external id last.
    async fn linked_elsewhere(
        &self,
        mapping: &MappingDescriptor,
        records: &[Record],
    ) -> Result<HashMap<String, String>, StoreError> {
        let unnamed = records
            .iter()
            .filter(|record| text(record, mapping.external_id).is_empty());
        let ids: Vec<String> = unnamed
            .map(|record| text(record, "Id").to_owned())
            .collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let links = self.store.links_by_destination(mapping.name, ids).await?;
        Ok(links
            .into_iter()
            .map(|(id, link)| (id, link.source_id))
            .collect())
    }

    /// It waits until a person links it; the note says what might be it.
    async fn review(
        &self,
        unit: Unit,
        candidates: Vec<String>,
        reason: String,
    ) -> Result<Vec<Settlement>, StoreError> {
        let outcome = self.ask_which(&unit, candidates, reason).await?;
        Ok(settle(unit, &outcome, None))
    }

    /// The note, and what becomes of the item: it is parked on its own link.
    pub(crate) async fn ask_which(
        &self,
        unit: &Unit,
        candidates: Vec<String>,
        reason: String,
    ) -> Result<Outcome, StoreError> {
        let review = Review {
            mapping: unit.mapping.name.to_owned(),
            source_id: unit.source_id.clone(),
            candidates,
            reason: reason.clone(),
        };
        self.store.add_review(review).await?;
        Ok(Outcome::Park {
            key: format!("{}:{}", unit.mapping.name, unit.source_id),
            reason: format!("waits for a review: {reason}"),
        })
    }
}

/// The records that were found and are nobody's yet: claimed for this batch, or another batch's.
struct Claimed {
    mapping: &'static MappingDescriptor,
    /// For this search alone.
    ours: Vec<String>,
    elsewhere: HashSet<String>,
}

impl Claimed {
    fn new(mapping: &'static MappingDescriptor, records: &[Record], meeting: &mut Meeting) -> Self {
        let (mut ours, mut elsewhere) = (Vec::new(), HashSet::new());
        let unnamed = records
            .iter()
            .filter(|record| text(record, mapping.external_id).is_empty());
        for id in unnamed.map(|record| text(record, "Id").to_owned()) {
            let key = destination_key(mapping, &id);
            match meeting.has(&key) {
                true => {}
                false if meeting.claim(vec![key]) => ours.push(id),
                false => _ = elsewhere.insert(id),
            }
        }
        Claimed {
            mapping,
            ours,
            elsewhere,
        }
    }

    fn is_elsewhere(&self, finding: &Finding<'_>) -> bool {
        match finding {
            Finding::Adopt(record) => self.elsewhere.contains(text(record, "Id")),
            Finding::Review { candidates, .. } => {
                candidates.iter().any(|id| self.elsewhere.contains(id))
            }
            Finding::Nothing => false,
        }
    }

    /// Only what is adopted stays claimed.
    fn leave(self, adopted: &HashSet<String>, meeting: &mut Meeting) {
        for id in self.ours.iter().filter(|id| !adopted.contains(*id)) {
            meeting.leave(&destination_key(self.mapping, id));
        }
    }
}

/// What calls in flight never share: the value of the mapping's lock in a record, or nothing.
pub(crate) fn lock(mapping: &MappingDescriptor, record: &Record) -> String {
    let value = mapping.lock.and_then(|lock| record.get(lock));
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn rungs(mapping: &MappingDescriptor) -> &'static [Rung] {
    if mapping.policy == MatchPolicy::AlwaysCreate {
        &[]
    } else {
        mapping.rungs
    }
}

/// Fifteen or eighteen letters and digits: what else stands there is not Salesforce's.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn name(mapping: &MappingDescriptor, field: usize) -> Option<&'static str> {
    mapping.record.fields.get(field)?.path.first().copied()
}

pub(super) fn text<'r>(record: &'r Record, field: &str) -> &'r str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The records found, by external id and by each rung's values.
struct Index<'r> {
    mapping: &'static MappingDescriptor,
    by_external_id: HashMap<String, Vec<&'r Record>>,
    by_id: HashMap<String, &'r Record>,
    by_rung: Vec<HashMap<Vec<String>, Vec<&'r Record>>>,
    /// Source ids of pairs whose record does not carry its external id yet, by the record's id.
    linked: HashMap<String, String>,
}

impl<'r> Index<'r> {
    fn new(
        mapping: &'static MappingDescriptor,
        records: &'r [Record],
        linked: HashMap<String, String>,
    ) -> Self {
        let mut seen = HashSet::new();
        // Two chunks may give one record twice.
        let records: Vec<&Record> = records
            .iter()
            .filter(|record| seen.insert(text(record, "Id")))
            .collect();
        let mut by_external_id: HashMap<String, Vec<&Record>> = HashMap::new();
        for record in &records {
            let id = text(record, mapping.external_id);
            if !id.is_empty() {
                by_external_id
                    .entry(id.to_owned())
                    .or_default()
                    .push(record);
            }
        }
        let by_rung = rungs(mapping)
            .iter()
            .map(|rung| {
                let mut index: HashMap<Vec<String>, Vec<&Record>> = HashMap::new();
                for record in &records {
                    let values: Option<Vec<String>> = rung
                        .fields
                        .iter()
                        .map(|field| {
                            Some(compared(text(record, name(mapping, *field)?)))
                                .filter(|text| !text.is_empty())
                        })
                        .collect();
                    if let Some(values) = values {
                        index.entry(values).or_default().push(record);
                    }
                }
                index
            })
            .collect();
        let by_id = records
            .iter()
            .map(|record| (text(record, "Id").to_owned(), *record))
            .collect();
        Index {
            mapping,
            by_id,
            by_external_id,
            by_rung,
            linked,
        }
    }

    /// Is the record nobody else's?
    fn is_free(&self, record: &Record, unit: &Unit) -> bool {
        let linked = self.linked.get(text(record, "Id"));
        text(record, self.mapping.external_id).is_empty()
            && linked.is_none_or(|source_id| *source_id == unit.source_id)
    }

    /// Linked records that a rung would adopt for the unit if they were free.
    fn resembled(&self, unit: &Unit) -> Vec<String> {
        if unit.new_since_ms.is_some() {
            return Vec::new();
        }
        let by_rung = rungs(self.mapping).iter().zip(&self.by_rung);
        let adopting = by_rung.filter(|(rung, _)| !rung.proposes_only);
        let found = adopting.filter_map(|(rung, index)| index.get(&values_of(unit, rung)?));
        let others = found
            .flatten()
            .filter(|record| !self.is_free(record, unit) && !are_apart(unit, record));
        let mut ids: Vec<String> = others.map(|record| text(record, "Id").to_owned()).collect();
        ids.sort();
        ids
    }

    /// Returns the record that the identity was made from, where it is another's by now. A merge or a match was quicker
    /// than a create whose answer never came.
    fn made_from(&self, unit: &Unit) -> Option<String> {
        let id = normalise(unit.external_ref.as_deref()?);
        let record = self.by_id.get(&id)?;
        (unit.new_since_ms.is_none() && !self.is_free(record, unit)).then_some(id)
    }

    fn find(&self, unit: &Unit) -> Finding<'r> {
        match self.by_external_id.get(&unit.source_id).map(Vec::as_slice) {
            Some([record]) => return Finding::Adopt(record),
            Some(clones) => {
                return Finding::Review {
                    candidates: clones
                        .iter()
                        .map(|record| text(record, "Id").to_owned())
                        .collect(),
                    reason: clones_reason(self.mapping),
                };
            }
            None => {}
        }
        // A person has looked at those that are like it.
        if unit.new_since_ms.is_some() {
            return Finding::Nothing;
        }
        // Ticketure names the record that it was made from.
        let named = unit.external_ref.as_deref().map(normalise);
        if let Some(record) = named.and_then(|id| self.by_id.get(&id))
            && self.is_free(record, unit)
        {
            return Finding::Adopt(record);
        }
        for (rung, index) in rungs(self.mapping).iter().zip(&self.by_rung) {
            let found = values_of(unit, rung)
                .and_then(|values| index.get(&values))
                .map(Vec::as_slice)
                .unwrap_or_default();
            // A record that is another identity's is nobody else's, and says nothing about this one.
            let free = found.iter().filter(|record| self.is_free(record, unit));
            let (others, same): (Vec<&&Record>, Vec<&&Record>) =
                free.partition(|record| are_apart(unit, record));
            let are_others = same.is_empty() && !others.is_empty();
            let free = if are_others { others } else { same };
            let ids = || {
                free.iter()
                    .map(|record| text(record, "Id").to_owned())
                    .collect::<Vec<_>>()
            };
            let by = rung
                .fields
                .iter()
                .filter_map(|field| name(self.mapping, *field))
                .collect::<Vec<_>>()
                .join(", ");
            match free.as_slice() {
                [] => {}
                [_, ..] if are_others => {
                    return Finding::Review {
                        candidates: ids(),
                        reason: format!("{by} are the same, but the birth dates differ"),
                    };
                }
                [_] if rung.proposes_only => {
                    return Finding::Review {
                        candidates: ids(),
                        reason: format!("{by} alone is the same"),
                    };
                }
                [record] if self.mapping.policy == MatchPolicy::Adopt => {
                    return Finding::Adopt(record);
                }
                [_] => {
                    return Finding::Review {
                        candidates: ids(),
                        reason: format!("{by} are the same"),
                    };
                }
                _ => {
                    return Finding::Review {
                        candidates: ids(),
                        reason: format!("several records have the same {by}"),
                    };
                }
            }
        }
        Finding::Nothing
    }
}
