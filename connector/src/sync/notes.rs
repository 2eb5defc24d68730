//! What is noted beside a pair that was written: why it may not go back, and what a person has to decide.

use runtime::mapping::MappingDescriptor;
use runtime::merge::{Decision, Gate};
use runtime::queue::{GateNote, Review};

use super::pair::Pair;

/// Opens the reason of an edit that is held for what is required.
const BLANK: &str = "required and blank: ";

/// Why a record may not go back, or that it may.
pub(super) fn gate_note(pair: &Pair, gate: &Gate) -> GateNote {
    let mapping = pair.mapping();
    let held = match gate {
        Gate::Open => None,
        Gate::Unmonitored => Some((
            "unmonitored",
            format!("nothing changed that {} monitors", mapping.file),
        )),
        Gate::Incomplete(fields) => Some(("incomplete", missing(mapping, fields))),
    };
    GateNote {
        mapping: mapping.name.to_owned(),
        destination_id: pair.link.destination_id.clone(),
        held,
    }
}

/// Which required fields are blank, and where that is written.
pub(crate) fn missing(mapping: &MappingDescriptor, fields: &[usize]) -> String {
    let names: Vec<&str> = fields
        .iter()
        .map(|field| mapping.field_name(*field))
        .collect();
    missing_named(mapping, &names)
}

/// The same of fields by their names.
pub(crate) fn missing_named(mapping: &MappingDescriptor, names: &[&str]) -> String {
    let places = names
        .iter()
        .map(|name| mapping.place(name).unwrap_or_else(|| (*name).to_owned()));
    let places: Vec<String> = places.collect();
    format!("{BLANK}{}", places.join(", "))
}

/// Returns the fields that [`missing`] named.
pub(crate) fn blank_fields(reason: &str) -> Vec<&str> {
    fn name(place: &str) -> &str {
        let named = place.rsplit_once('(');
        named.map_or(place, |(_, name)| name.trim_end_matches(')'))
    }
    let places = reason.strip_prefix(BLANK).unwrap_or(reason).split(", ");
    places.map(name).collect()
}

/// Fields that nobody decides: a person has to.
pub(super) fn undecided(pair: &Pair, decisions: &[Decision]) -> Option<Review> {
    let fields: Vec<&str> = decisions
        .iter()
        .filter(|decision| decision.winner.is_none())
        .map(|decision| pair.mapping().field_name(decision.field))
        .collect();
    (!fields.is_empty()).then(|| Review {
        mapping: pair.link.mapping.clone(),
        source_id: pair.link.source_id.clone(),
        candidates: vec![pair.link.destination_id.clone()],
        reason: format!(
            "both sides changed {} and nobody decides: write the right value on one side",
            fields.join(", ")
        ),
    })
}
