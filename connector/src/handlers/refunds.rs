//! Which payment a refund gives back. NPSP wants one that was paid and has so much left
//! (reference: NPSP, `PMT_RefundService`); Ticketure names the gateway's reference, or none that is known.
//!
//! A refund of more than its payment has left takes the rest from the cart's other payments, as negative payments of
//! their own. What cannot be taken from the payments that are heard of so far waits for others.

use std::collections::BTreeMap;

use runtime::entity::{Entity, Slot, SlotMut, copied};
use runtime::salesforce::{CallError, normalise};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::sync::TwoWaySync;
use crate::trees::{Wanted, Work};

const PAYMENT: &str = "payment";
const REFUND: &str = "refund";
const AMOUNT: &str = "npe01__Payment_Amount__c";
const ORIGINAL: &str = "npsp__OriginalPayment__c";
const KEY: &str = "Ticketure_Payment_Id__c";

/// Gives each refund of a tree the payment that it gives back.
pub(crate) fn place(wanted: &mut Vec<Wanted>, npsp_makes_payments: bool) {
    if npsp_makes_payments {
        for refund in wanted
            .iter_mut()
            .filter(|wanted| wanted.mapping.name == REFUND)
        {
            name_original(refund, "");
        }
        return;
    }
    let mut left: BTreeMap<String, Decimal> = wanted
        .iter()
        .filter(|wanted| wanted.mapping.name == PAYMENT)
        .filter_map(|payment| Some((payment.key.clone(), amount(payment)?)))
        .collect();
    let (mut refunds, others): (Vec<Wanted>, Vec<Wanted>) = std::mem::take(wanted)
        .into_iter()
        .partition(|wanted| wanted.mapping.name == REFUND);
    *wanted = others;
    // Those that name a payment come first: the others take what is left.
    refunds.sort_by_key(|refund| (!left.contains_key(&original(refund)), refund.key.clone()));
    for refund in refunds {
        wanted.extend(placed(refund, &mut left));
    }
}

/// The payment is named by its Salesforce id, which may not be known yet.
fn name_original(refund: &mut Wanted, id: &str) {
    let mut record = copied(refund.record.as_ref());
    put(record.as_mut(), refund, ORIGINAL, format!("sf:{id}"));
    refund.record = record;
}

impl TwoWaySync {
    /// Where NPSP makes the payments, the one that it made for the opportunity is given back. It is there when the rest
    /// of the cart is written: refunds follow.
    pub(crate) async fn find_npsps_payments(&self, work: &mut Work) {
        let is_refund = |wanted: &Wanted| wanted.mapping.name == REFUND;
        if !work.is_set("payments", "npsp") {
            return;
        }
        let going = work
            .trees
            .iter()
            .filter(|tree| tree.goes_on() && tree.wanted.iter().any(is_refund));
        let roots: Vec<Vec<Option<String>>> = going
            .filter_map(|tree| Some(vec![Some(tree.root_id.clone()?)]))
            .collect();
        let found = match self.npsps_payments(&roots).await {
            Ok(found) => found,
            Err(error) => {
                for place in 0..work.trees.len() {
                    self.stop_unanswered(work, place, &error);
                }
                return;
            }
        };
        for tree in work.going() {
            let payment = tree.root_id.as_ref().and_then(|root| found.get(root));
            match payment {
                Some(payment) => tree
                    .wanted
                    .iter_mut()
                    .filter(|wanted| is_refund(wanted))
                    .for_each(|refund| name_original(refund, payment)),
                None if tree.wanted.iter().any(is_refund) => {
                    tree.wanted.retain(|wanted| !is_refund(wanted));
                    tree.again = Some("NPSP makes the payment before it can be given back");
                }
                None => {}
            }
        }
    }

    /// The paid payments that are not ours, by their opportunities.
    async fn npsps_payments(
        &self,
        roots: &[Vec<Option<String>>],
    ) -> Result<BTreeMap<String, String>, CallError> {
        const PARENT: &str = "npe01__Opportunity__c";
        if roots.is_empty() {
            return Ok(BTreeMap::new());
        }
        let select = ["Id", PARENT, KEY, "npe01__Paid__c"];
        let records = self
            .salesforce
            .query_in("npe01__OppPayment__c", &select, &[PARENT], roots)
            .await?;
        let text = |record: &Map<String, Value>, field: &str| {
            record.get(field).and_then(Value::as_str).map(normalise)
        };
        let own = records.iter().filter(|record| {
            text(record, KEY).is_none() && record.get("npe01__Paid__c") == Some(&Value::Bool(true))
        });
        Ok(own
            .filter_map(|record| Some((text(record, PARENT)?, text(record, "Id")?)))
            .collect())
    }
}

/// The refund, in as many parts as it needs payments; none while there is too little.
fn placed(refund: Wanted, left: &mut BTreeMap<String, Decimal>) -> Vec<Wanted> {
    let Some(wanted) = amount(&refund).map(|amount| -amount) else {
        return vec![refund];
    };
    if left.values().sum::<Decimal>() < wanted {
        return Vec::new();
    }
    let named = original(&refund);
    let enough = left.iter().find(|(_, left)| **left >= wanted);
    let first = match left.get(&named) {
        Some(_) => Some(named),
        None => enough.map(|(key, _)| key.clone()),
    };
    let rest: Vec<String> = left
        .keys()
        .filter(|key| Some(*key) != first.as_ref())
        .cloned()
        .collect();
    let mut open = wanted;
    let mut parts = Vec::new();
    for key in first.into_iter().chain(rest) {
        let Some(left) = left.get_mut(&key).filter(|left| **left > Decimal::ZERO) else {
            continue;
        };
        let taken = open.min(*left);
        *left -= taken;
        open -= taken;
        parts.push(part(&refund, parts.len(), &key, taken));
        if open == Decimal::ZERO {
            break;
        }
    }
    parts
}

fn part(refund: &Wanted, number: usize, original: &str, taken: Decimal) -> Wanted {
    let key = match number {
        0 => refund.key.clone(),
        number => format!("{}:{}", refund.key, number + 1),
    };
    let mut record = copied(refund.record.as_ref());
    let mut taken = -taken;
    taken.rescale(2);
    for (field, text) in [
        (KEY, key.clone()),
        (ORIGINAL, original.to_owned()),
        (AMOUNT, taken.to_string()),
    ] {
        put(record.as_mut(), refund, field, text);
    }
    Wanted::new(refund.mapping, key, record)
}

fn put(record: &mut dyn Entity, refund: &Wanted, field: &str, text: String) {
    let index = refund.mapping.record.field(field);
    if let Some(SlotMut::Text(slot)) = index.map(|index| record.slot_mut(index)) {
        *slot = Slot::Value(text);
    }
}

fn amount(wanted: &Wanted) -> Option<Decimal> {
    text(wanted, AMOUNT).parse().ok()
}

fn original(refund: &Wanted) -> String {
    text(refund, ORIGINAL)
}

fn text(wanted: &Wanted, field: &str) -> String {
    let index = wanted.mapping.record.field(field);
    let text = index.and_then(|index| wanted.record.slot(index).text().map(str::to_owned));
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(mapping: &str, key: &str, amount: &str, original: &str) -> Wanted {
        let mut all = generated::MAPPINGS.iter();
        let mapping = all.find(|known| known.name == mapping).unwrap();
        let wanted = Wanted::new(mapping, key.to_owned(), mapping.new_record());
        let mut record = copied(wanted.record.as_ref());
        for (field, text) in [(AMOUNT, amount), (ORIGINAL, original)] {
            put(record.as_mut(), &wanted, field, text.to_owned());
        }
        Wanted::new(mapping, key.to_owned(), record)
    }

    fn placed_in(mut all: Vec<Wanted>) -> Vec<(String, String, String)> {
        place(&mut all, false);
        let refunds = all.iter().filter(|wanted| wanted.mapping.name == REFUND);
        refunds
            .map(|refund| (refund.key.clone(), text(refund, AMOUNT), original(refund)))
            .collect()
    }

    fn paid() -> Vec<Wanted> {
        vec![
            one(PAYMENT, "ch-1", "30.00", ""),
            one(PAYMENT, "ch-2", "50.00", ""),
        ]
    }

    fn row(key: &str, amount: &str, original: &str) -> (String, String, String) {
        (key.to_owned(), amount.to_owned(), original.to_owned())
    }

    #[test]
    fn a_refund_is_of_the_payment_that_it_names() {
        let mut all = paid();
        all.push(one(REFUND, "g-1", "-20.00", "ch-2"));
        assert_eq!(placed_in(all), [row("g-1", "-20.00", "ch-2")]);
    }

    #[test]
    fn one_that_names_none_takes_a_payment_that_has_enough() {
        let mut all = paid();
        all.push(one(REFUND, "g-1", "-40.00", "re-1"));
        assert_eq!(placed_in(all), [row("g-1", "-40.00", "ch-2")]);
    }

    #[test]
    fn what_is_more_than_its_payment_has_left_is_taken_from_the_others() {
        let mut all = paid();
        all.push(one(REFUND, "g-1", "-60.00", "ch-1"));
        assert_eq!(
            placed_in(all),
            [row("g-1", "-30.00", "ch-1"), row("g-1:2", "-30.00", "ch-2")]
        );
    }

    #[test]
    fn what_is_more_than_all_of_them_waits() {
        let mut all = paid();
        all.push(one(REFUND, "g-1", "-80.01", "ch-1"));
        assert_eq!(placed_in(all), []);
    }
}
