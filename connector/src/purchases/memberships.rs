//! Terms of memberships as they are bought, extended, changed and cancelled, beside the opportunities that say so.

use std::collections::BTreeMap;

use simulator::Simulator;

use super::{Record, text};

/// Terms by `id:valid_from`.
pub(crate) type Terms = BTreeMap<String, Term>;

/// One term, as it is at the end.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) level: String,
    /// In Salesforce's words.
    pub(crate) status: String,
    /// The cart that it was bought with, whose opportunity it is on.
    pub(crate) cart: String,
}

/// The terms that no opportunity says, or several do, or one says otherwise: what it should say, and what is there.
pub(crate) fn disagreeing<'t>(
    simulator: &Simulator,
    terms: impl IntoIterator<Item = (&'t String, &'t Term)>,
) -> Vec<(String, Term, Vec<Term>)> {
    let mut there: BTreeMap<String, Vec<Term>> = BTreeMap::new();
    for record in simulator.records("Opportunity") {
        let key = text(&record, "Ticketure_Membership_Term__c");
        if !key.is_empty() {
            there.entry(key.to_owned()).or_default().push(term(&record));
        }
    }
    let each = terms.into_iter().map(|(key, expected)| {
        let found = there.get(key).cloned().unwrap_or_default();
        (key.clone(), expected.clone(), found)
    });
    each.filter(|(_, expected, found)| found.as_slice() != std::slice::from_ref(expected))
        .collect()
}

fn term(record: &Record) -> Term {
    let of = |field: &str| text(record, field).to_owned();
    Term {
        start: of("Ticketure_Membership_Start__c"),
        end: of("Ticketure_Membership_End__c"),
        level: of("Ticketure_Membership_Level__c"),
        status: of("Ticketure_Membership_Status__c"),
        cart: of("Ticketure_Cart_Id__c"),
    }
}
