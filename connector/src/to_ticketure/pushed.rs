//! Which records of Salesforce's go to Ticketure as they are, and what they say there.

use std::collections::BTreeSet;

use runtime::entity::Kind;
use runtime::mapping::{Lookup, Made, MappingDescriptor, Path};
use runtime::pushed;
pub(crate) use runtime::pushed::{Said, put};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use crate::sync::TwoWaySync;

type Record = Map<String, Value>;

/// Reads a record.
pub(crate) fn said(mapping: &'static MappingDescriptor, record: &Record, npsp: bool) -> Said {
    let mut said = pushed::said(mapping, record, npsp);
    for (.., id) in &mut said.references {
        *id = normalise(id);
    }
    said
}

/// The fields to ask for: what is mapped, the conditions and what tells the record type.
pub(crate) fn select(mapping: &'static MappingDescriptor, npsp: bool) -> BTreeSet<&'static str> {
    let mut select: BTreeSet<&'static str> = crate::sync::image::select(mapping, npsp)
        .into_iter()
        .collect();
    for field in mapping.record.fields {
        if let Kind::Lookup(lookup) = field.kind
            && record_type(lookup).is_some()
        {
            select.insert("RecordType.DeveloperName");
        }
    }
    select
}

/// What a look-up of a record type is looked up by.
fn record_type(lookup: &Lookup) -> Option<&'static Made> {
    let mut by = lookup.by.iter();
    let by = by.find(|(field, _)| *field == "DeveloperName" && lookup.object == "RecordType");
    by.map(|(_, made)| made)
}

impl TwoWaySync {
    /// Is the record one of those that the mapping pushes?
    pub(crate) fn pushes(&self, mapping: &'static MappingDescriptor, record: &Record) -> bool {
        let of_type = |lookup: &Lookup| {
            let Some(made) = record_type(lookup) else {
                return true;
            };
            let wanted = match made {
                Made::Constant(constant) => Some(runtime::row::plain(*constant)),
                Made::Member(path) => self.setting(path),
                Made::FirstOf(paths) => paths.iter().find_map(|path| self.setting(path)),
            };
            let found = record
                .get("RecordType")
                .and_then(|found| found.get("DeveloperName"));
            wanted.is_none() || wanted.as_ref() == found
        };
        let lookups = mapping
            .record
            .fields
            .iter()
            .filter_map(|field| match field.kind {
                Kind::Lookup(lookup) => Some(lookup),
                _ => None,
            });
        let mut lookups = lookups;
        mapping.push_as.is_some()
            && mapping.holds_for(record, self.has_npsp())
            && lookups.all(of_type)
    }

    fn setting(&self, path: Path) -> Option<Value> {
        let name = path.first()?.strip_prefix('$')?;
        self.settings
            .get(name)
            .filter(|value| !value.is_null())
            .cloned()
    }
}
