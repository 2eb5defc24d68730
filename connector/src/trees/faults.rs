//! Errors of single records, while the rest of their tree is written. Errors that one act of the operator settles are
//! one problem, however many records and fields have them.

use std::collections::{BTreeMap, BTreeSet};

use runtime::handler::FieldError;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ErrorRecord, Outcome, Problem, ProblemStage};

use serde_json::Value;

use super::Tree;
use super::wanted::is_of_root;
use crate::handlers::books::Misread;
use crate::sync::fields;

/// The most records that the text of a problem names.
const NAMED_MAX: usize = 3;
/// Help for a value that cannot be read.
const MISREAD: &str =
    "Correct the value in Ticketure and save it there again: the error closes when it can be read.";

/// An error of one record.
pub(super) struct Fault {
    /// Equal for all errors that one act settles.
    cause: String,
    /// The record, for the error text.
    record: Named,
    /// The field that is left out; `None` if the whole record is refused.
    field: Option<&'static str>,
    error: ErrorRecord,
}

/// The mapping of a record, and its key without the root's id. `None` for the root.
type Named = Option<(&'static str, String)>;

impl Tree {
    /// Notes that a record is refused for good. A refused root stops the tree; after any other record the rest is
    /// written.
    pub(super) fn refuse(
        &mut self,
        root: &MappingDescriptor,
        mapping: &'static MappingDescriptor,
        key: &str,
        outcome: Outcome,
    ) {
        self.refuse_for(root, mapping, key, outcome, None);
    }

    /// As [`Self::refuse`], with a cause that other records may have as well.
    pub(super) fn refuse_for(
        &mut self,
        root: &MappingDescriptor,
        mapping: &'static MappingDescriptor,
        key: &str,
        outcome: Outcome,
        cause: Option<String>,
    ) {
        let Outcome::Dead { mut error } = outcome else {
            return self.stop(outcome);
        };
        let record = named(root, &self.id, mapping, key);
        if record.is_none() {
            error.message = format!("{} {}: {}", root.name, self.id, error.message);
            return self.stop(Outcome::Dead { error });
        }
        // Salesforce's messages may differ from record to record, so the mapping stands for them. usher's own messages
        // name the cause.
        let ours = error.code.contains(char::is_lowercase);
        let what = if ours {
            error.message.as_str()
        } else {
            mapping.name
        };
        let cause = cause.unwrap_or_else(|| format!("{} {what}", error.code));
        self.failed = true;
        self.faults.push(Fault {
            cause,
            record,
            field: None,
            error,
        });
    }

    /// Notes fields that are left out, since their values do not fit.
    pub(super) fn leave_out(
        &mut self,
        root: &MappingDescriptor,
        mapping: &'static MappingDescriptor,
        key: &str,
        errors: &[FieldError],
    ) {
        for error in errors {
            self.faults.push(Fault {
                cause: fields::cause(error),
                record: named(root, &self.id, mapping, key),
                field: Some(error.destination),
                error: fields::record(error),
            });
        }
    }

    /// Reports a value that cannot be read, while an earlier one stays or the cart goes on without.
    pub(super) fn keep_earlier(&mut self, root: &MappingDescriptor, misread: &Misread) {
        let (member, value) = (misread.member, Value::from(misread.value.as_str()));
        let stays = match &misread.stays {
            Some(stays) => format!("{stays} of an earlier row stays"),
            None => "the cart goes on without it".to_owned(),
        };
        self.faults.push(Fault {
            cause: format!("{}{member} {value}", fields::FIELD),
            record: misread.ticket.clone().map(|ticket| ("ticket", ticket)),
            field: None,
            error: ErrorRecord {
                code: fields::CANNOT_CONVERT.to_owned(),
                message: format!("{member} is {value}, which cannot be read: {stays}"),
                mapping_line: Some(root.file.to_owned()),
                help: MISREAD.to_owned(),
                group: None,
            },
        });
    }

    /// Notes a field that is left out, since Salesforce refuses its value.
    pub(super) fn leave_out_refused(
        &mut self,
        root: &MappingDescriptor,
        mapping: &'static MappingDescriptor,
        key: &str,
        field: &'static str,
        error: ErrorRecord,
    ) {
        self.faults.push(Fault {
            cause: format!("{} {field} {}", error.code, error.message),
            record: named(root, &self.id, mapping, key),
            field: Some(field),
            error,
        });
    }

    /// Groups the errors by cause, and makes one problem of each group.
    pub(super) fn problems_of_records(&self, root: &MappingDescriptor) -> Vec<Problem> {
        let mut causes: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
        for fault in &self.faults {
            causes.entry(&fault.cause).or_default().push(fault);
        }
        let own = format!("{} {}", root.name, self.id);
        let problems = causes
            .into_iter()
            .map(|(cause, faults)| problem(&own, cause, faults));
        problems.collect()
    }
}

fn problem(own: &str, cause: &str, mut faults: Vec<&Fault>) -> Problem {
    // Sorted, so that the text does not depend on the order of the rows.
    faults.sort_by_key(|fault| (&fault.record, fault.field, &fault.error.message));
    let fields: BTreeSet<&str> = faults.iter().filter_map(|fault| fault.field).collect();
    let records: BTreeSet<&Named> = faults.iter().map(|fault| &fault.record).collect();
    let mut error = match faults.first() {
        Some(fault) => fault.error.clone(),
        None => ErrorRecord::default(),
    };
    error.message = format!("{}: {}", said(own, &records), error.message);
    if !fields.is_empty() {
        error.message += &fields::left_out(&fields);
    }
    let places = faults
        .iter()
        .filter_map(|fault| fault.error.mapping_line.clone());
    error.mapping_line = places.min();
    Problem {
        cause: cause.to_owned(),
        stage: ProblemStage::Failed,
        error,
    }
}

/// Formats the records as `ticket t-1, t-2 and payment g-1 of cart c-1`.
fn said(own: &str, records: &BTreeSet<&Named>) -> String {
    if records.contains(&None) {
        return own.to_owned();
    }
    let mut by_mapping: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (mapping, key) in records.iter().filter_map(|record| record.as_ref()) {
        by_mapping.entry(mapping).or_default().push(key);
    }
    let each = by_mapping.into_iter().map(|(mapping, keys)| {
        let shown: Vec<&str> = keys.iter().copied().take(NAMED_MAX).collect();
        // A cart has fees once: their key is their name.
        if shown == [mapping] {
            return mapping.to_owned();
        }
        match keys.len().saturating_sub(NAMED_MAX) {
            0 => format!("{mapping} {}", shown.join(", ")),
            more => format!("{mapping} {} and {more} more", shown.join(", ")),
        }
    });
    format!("{} of {own}", each.collect::<Vec<_>>().join(" and "))
}

fn named(
    root: &MappingDescriptor,
    id: &str,
    mapping: &'static MappingDescriptor,
    key: &str,
) -> Named {
    if is_of_root(root, mapping) {
        return None;
    }
    let own = key.strip_prefix(id).and_then(|rest| rest.strip_prefix(':'));
    Some((mapping.name, own.unwrap_or(key).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(records: &[(&'static str, &str)]) -> String {
        let records: Vec<Named> = records
            .iter()
            .map(|(mapping, key)| Some((*mapping, (*key).to_owned())))
            .collect();
        said("cart c-1", &records.iter().collect())
    }

    #[test]
    fn records_are_named_a_few_of_each_kind() {
        assert_eq!(shown(&[("ticket", "t-1")]), "ticket t-1 of cart c-1");
        let many: Vec<(&str, &str)> = ["t-1", "t-2", "t-3", "t-4", "t-5"]
            .map(|key| ("ticket", key))
            .to_vec();
        assert_eq!(shown(&many), "ticket t-1, t-2, t-3 and 2 more of cart c-1");
        assert_eq!(
            shown(&[("ticket", "t-1"), ("payment", "g-1")]),
            "payment g-1 and ticket t-1 of cart c-1"
        );
        assert_eq!(said("cart c-1", &BTreeSet::from([&None])), "cart c-1");
    }
}
