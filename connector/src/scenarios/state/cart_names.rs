//! Short names for the records of a cart, whose external ids may begin with the cart. A line goes by its ticket, a
//! payment by its gateway's reference, an allocation by ticket and fund.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use simulator::Simulator;

use crate::scenarios::catalogue::Catalogue;

const LINE: &str = "OpportunityLineItem";
const PAYMENT: &str = "npe01__OppPayment__c";
const ALLOCATION: &str = "npsp__Allocation__c";
/// Objects whose external ids may begin with a cart.
const OBJECTS: &[&str] = &[LINE, PAYMENT, ALLOCATION];
const AMOUNT: &str = "npe01__Payment_Amount__c";
const REFERENCE: &str = "npsp__Gateway_Payment_ID__c";

/// Ids of the carts and tickets in Ticketure, to tell a ticket's line `c-1:t-1` from the cart's line `c-1:fees`.
#[derive(Debug, Default)]
pub(super) struct Sold {
    carts: BTreeSet<String>,
    tickets: BTreeSet<String>,
}

/// A record with an external id.
pub(super) struct Keyed<'r> {
    pub(super) id: &'r str,
    pub(super) object: &'r str,
    pub(super) key: &'r str,
    pub(super) record: &'r Map<String, Value>,
}

/// Names of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// Unique among the records of the object.
    pub(super) name: String,
    /// Names without the cart. Records of other carts may have the same ones.
    pub(super) brief: Vec<String>,
}

impl Sold {
    pub(super) fn of(simulator: &Simulator, catalogue: &Catalogue) -> Sold {
        let mut sold = Sold::default();
        for entity in catalogue.webhooks.values().map(|entity| &entity.name) {
            for row in simulator.rows(entity) {
                let cart = if entity == "cart" { "id" } else { "cart_id" };
                sold.carts.insert(text(&row, cart).to_owned());
                sold.tickets.insert(text(&row, "ticket_id").to_owned());
            }
        }
        sold.carts.remove("");
        sold.tickets.remove("");
        sold
    }

    /// The rest of an external id after its cart.
    fn behind_cart<'k>(&self, key: &'k str) -> Option<&'k str> {
        // The longest known cart is taken, since Ticketure's ids may contain colons.
        let mut parts = at_colons(key).filter(|(cart, _)| self.carts.contains(*cart));
        parts.next_back().map(|(_, rest)| rest)
    }

    fn brief(&self, keyed: &Keyed<'_>) -> Vec<String> {
        let rest = self.behind_cart(keyed.key);
        let names: Vec<&str> = match keyed.object {
            LINE => rest
                .filter(|rest| self.tickets.contains(*rest))
                .into_iter()
                .collect(),
            ALLOCATION => rest
                .filter(|rest| self.begins_with_ticket(rest))
                .into_iter()
                .collect(),
            // A refund repeats the reference of its charge, so it goes by its row.
            PAYMENT if is_refund(keyed.record) => rest.into_iter().collect(),
            PAYMENT => {
                let reference = Some(text(keyed.record, REFERENCE));
                let reference = reference.filter(|reference| !reference.is_empty());
                reference.into_iter().chain(rest).collect()
            }
            _ => Vec::new(),
        };
        names.into_iter().map(str::to_owned).collect()
    }

    fn begins_with_ticket(&self, rest: &str) -> bool {
        at_colons(rest).any(|(ticket, _)| self.tickets.contains(ticket))
    }
}

/// Names by Salesforce id, for the records of `OBJECTS`.
pub(super) fn names(records: &[Keyed<'_>], sold: &Sold) -> BTreeMap<String, Names> {
    let known: Vec<(&Keyed<'_>, Vec<String>)> = records
        .iter()
        .filter(|keyed| OBJECTS.contains(&keyed.object))
        .map(|keyed| (keyed, sold.brief(keyed)))
        .collect();
    // Counts the records of each whole external id and of each first short name, to find those that are unique.
    let mut meant: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (keyed, brief) in &known {
        let words = BTreeSet::from([keyed.key, first(brief, keyed)]);
        for word in words {
            *meant.entry((keyed.object, word)).or_default() += 1;
        }
    }
    let named = known.iter().map(|(keyed, brief)| {
        let short = first(brief, keyed);
        let is_one = meant.get(&(keyed.object, short)) == Some(&1);
        let names = Names {
            name: if is_one { short } else { keyed.key }.to_owned(),
            brief: brief.clone(),
        };
        (keyed.id.to_owned(), names)
    });
    named.collect()
}

fn first<'n>(brief: &'n [String], keyed: &'n Keyed<'_>) -> &'n str {
    brief.first().map_or(keyed.key, String::as_str)
}

/// Finds a record by its name, or by a short name that only one record has. Returns the object and the Salesforce id.
pub(crate) fn find(
    simulator: &Simulator,
    catalogue: &Catalogue,
    word: &str,
) -> Option<(String, String)> {
    let sold = Sold::of(simulator, catalogue);
    for object in OBJECTS {
        let records = simulator.records(object);
        let keyed = keyed(object, &records, catalogue);
        let names = names(&keyed, &sold);
        let named = names.iter().find(|(_, names)| names.name == word);
        let mut brief = names
            .iter()
            .filter(|(_, names)| names.brief.iter().any(|brief| brief == word));
        let only = brief.next().filter(|_| brief.next().is_none());
        if let Some((id, _)) = named.or(only) {
            return Some(((*object).to_owned(), id.clone()));
        }
    }
    None
}

fn keyed<'r>(
    object: &'r str,
    records: &'r [Map<String, Value>],
    catalogue: &Catalogue,
) -> Vec<Keyed<'r>> {
    let keys = catalogue.objects.get(object).map(|known| &known.keys);
    let keyed = records.iter().filter_map(|record| {
        let mut keys = keys?.iter();
        let key = keys.find_map(|key| record.get(key).and_then(Value::as_str))?;
        let id = text(record, "Id");
        Some(Keyed {
            id,
            object,
            key,
            record,
        })
    });
    keyed.collect()
}

/// Divides a text at each colon in turn.
fn at_colons(text: &str) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    let colons = text.match_indices(':');
    colons.filter_map(|(place, _)| Some((text.get(..place)?, text.get(place + 1..)?)))
}

fn is_refund(record: &Map<String, Value>) -> bool {
    let amount = record.get(AMOUNT).and_then(Value::as_f64);
    amount.is_some_and(|amount| amount < 0.0)
}

fn text<'r>(record: &'r Map<String, Value>, name: &str) -> &'r str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sold() -> Sold {
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Sold {
            carts: set(&["c-1", "c-2"]),
            tickets: set(&["t-1", "t-2"]),
        }
    }

    /// The names of one object's records, which are given as external ids with fields.
    fn named(object: &str, records: &[(&str, Value)]) -> Vec<(String, Vec<String>)> {
        let fields: Vec<_> = records
            .iter()
            .map(|(_, fields)| fields.as_object().cloned().unwrap())
            .collect();
        let ids: Vec<_> = (0..records.len())
            .map(|place| format!("{place:03}"))
            .collect();
        let keyed = records.iter().zip(&fields).zip(&ids);
        let keyed: Vec<_> = keyed
            .map(|(((key, _), record), id)| Keyed {
                id,
                object,
                key,
                record,
            })
            .collect();
        let names = names(&keyed, &sold()).into_values();
        names.map(|names| (names.name, names.brief)).collect()
    }

    fn only_names(object: &str, records: &[(&str, Value)]) -> Vec<String> {
        let named = named(object, records).into_iter();
        named.map(|(name, _)| name).collect()
    }

    #[test]
    fn a_line_goes_by_its_ticket_under_both_keys() {
        for keys in [["t-1", "t-2"], ["c-1:t-1", "c-2:t-2"], ["t-1", "c-2:t-2"]] {
            let records = keys.map(|key| (key, json!({})));
            assert_eq!(only_names(LINE, &records), ["t-1", "t-2"], "{keys:?}");
        }
    }

    #[test]
    fn lines_of_the_carts_own_stay_as_they_are() {
        let keys = ["c-1:fees", "c-1:taxes", "c-1:kept", "c-2:kept"];
        let records = keys.map(|key| (key, json!({})));
        assert_eq!(only_names(LINE, &records), keys);
    }

    #[test]
    fn a_ticket_in_two_carts_keeps_the_cart() {
        let records = ["c-1:t-1", "c-2:t-1", "c-2:t-2"].map(|key| (key, json!({})));
        assert_eq!(only_names(LINE, &records), ["c-1:t-1", "c-2:t-1", "t-2"]);
        let records = ["t-1", "c-2:t-1"].map(|key| (key, json!({})));
        assert_eq!(only_names(LINE, &records), ["t-1", "c-2:t-1"]);
    }

    #[test]
    fn a_payment_goes_by_its_reference_and_without_one_by_its_row() {
        let charge = |amount: f64| json!({ AMOUNT: amount, REFERENCE: "ch_1" });
        let refund = |reference: &str| json!({ AMOUNT: -5.0, REFERENCE: reference });
        let cash = || json!({ AMOUNT: 7.5 });
        for keys in [["ch_1", "g-2", "g-3"], ["c-1:g-1", "g-2", "c-1:g-3"]] {
            let [first, second, third] = keys;
            let records = [
                (first, charge(25.0)),
                (second, refund("ch_1")),
                (third, cash()),
            ];
            assert_eq!(
                only_names(PAYMENT, &records),
                ["ch_1", "g-2", "g-3"],
                "{keys:?}"
            );
        }
    }

    #[test]
    fn one_reference_of_two_charges_names_neither() {
        let charge = || json!({ AMOUNT: 20.0, REFERENCE: "GC-7" });
        let records = [
            ("c-1:g-1", charge()),
            ("c-2:g-2", charge()),
            ("c-2:g-3", json!({ AMOUNT: 5.0, REFERENCE: "ch_3" })),
        ];
        let named = named(PAYMENT, &records);
        let (names, brief): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        assert_eq!(names, ["c-1:g-1", "c-2:g-2", "ch_3"]);
        assert_eq!(
            brief,
            [
                vec!["GC-7", "g-1"],
                vec!["GC-7", "g-2"],
                vec!["ch_3", "g-3"]
            ]
        );
    }

    #[test]
    fn an_allocation_goes_by_its_ticket_and_fund() {
        let records = ["c-1:t-1:Roof", "t-2:Roof: the new one", "c-2:t-2:Bees"];
        let records = records.map(|key| (key, json!({})));
        assert_eq!(
            only_names(ALLOCATION, &records),
            ["t-1:Roof", "t-2:Roof: the new one", "t-2:Bees"]
        );
    }

    #[test]
    fn other_objects_keep_their_names() {
        let records = [("c-1:2026-03-01", json!({}))];
        assert!(only_names("Opportunity", &records).is_empty());
    }
}
