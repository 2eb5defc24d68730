//! sum(lines) = Amount; sum(payments) = charges - refunds - chargebacks; sum(allocations) = donations kept. To the cent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use simulator::Simulator;

use super::{Books, Record, cents, text};

/// The carts whose opportunity says something else than what was bought: what it should say, and what it says.
pub(crate) fn disagreeing<'b>(
    simulator: &Simulator,
    carts: impl IntoIterator<Item = (&'b str, &'b Books)>,
    settings: &Map<String, Value>,
    npsp: bool,
) -> Vec<(String, Entry, Entry)> {
    let there = There::read(simulator);
    let each = carts.into_iter().map(|(cart, books)| {
        let expected = Entry::of(cart, books, settings, npsp);
        let found = there.entry(cart, books);
        (cart.to_owned(), expected, found)
    });
    each.filter(|(_, expected, found)| expected != found)
        .collect()
}

/// What the org has to say, in cents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    opportunities: usize,
    amount: i64,
    /// Each line's ticket id and total, sorted: one that is there twice is in it twice.
    lines: Vec<(String, i64)>,
    payments: i64,
    allocations: i64,
    funds: BTreeMap<String, i64>,
    stage: String,
}

impl Books {
    /// Has the cart to be one?
    pub(crate) fn is_opportunity(&self, settings: &Map<String, Value>) -> bool {
        match text(settings, "cart_source") {
            "derived" => !self.lines.is_empty(),
            _ => self.checked_out,
        }
    }
}

impl Entry {
    fn of(cart: &str, books: &Books, settings: &Map<String, Value>, npsp: bool) -> Entry {
        let is = |name: &str, word: &str| text(settings, name) == word;
        let (derived, reduces) = (is("cart_source", "derived"), is("refund", "reduce_lines"));
        if !books.is_opportunity(settings) {
            return Entry::default();
        }
        let mut kept = books.lines.clone();
        kept.retain(|id, _| !reduces || !books.refunded.contains(id));
        let all_went = reduces && books.status == "refunded";
        if !derived && !all_went {
            let extras = [("fees", books.fees), ("taxes", books.taxes)];
            let extras = extras.into_iter().filter(|(_, cents)| *cents > 0);
            kept.extend(extras.map(|(name, cents)| (format!("{cart}:{name}"), cents)));
        }
        Entry {
            opportunities: 1,
            amount: kept.values().sum(),
            lines: kept.into_iter().collect(),
            payments: if npsp { books.paid } else { 0 },
            allocations: if npsp { books.donated } else { 0 },
            funds: match npsp {
                true => books.funds.clone(),
                false => BTreeMap::new(),
            },
            stage: stage(books, derived).to_owned(),
        }
    }
}

fn stage(books: &Books, derived: bool) -> &'static str {
    match books.status.as_str() {
        _ if derived => "Closed Won",
        "cancelled" => "Closed Lost",
        _ if books.owed > 0 => "Pledged",
        _ => "Closed Won",
    }
}

/// Records by the value of one of their fields: what they stand under.
type Under = BTreeMap<String, Vec<Record>>;

struct There {
    opportunities: Under,
    lines: Under,
    payments: Under,
    allocations: Under,
    funds: BTreeMap<String, String>,
}

impl There {
    fn read(simulator: &Simulator) -> There {
        let by = |object: &str, field: &str| {
            let mut under = Under::new();
            for record in simulator.records(object) {
                let of = text(&record, field).to_owned();
                under.entry(of).or_default().push(record);
            }
            under
        };
        There {
            opportunities: by("Opportunity", "Ticketure_Cart_Id__c"),
            lines: by("OpportunityLineItem", "OpportunityId"),
            payments: by("npe01__OppPayment__c", "npe01__Opportunity__c"),
            allocations: by("npsp__Allocation__c", "npsp__Opportunity__c"),
            funds: simulator
                .records("npsp__General_Accounting_Unit__c")
                .iter()
                .map(|fund| (text(fund, "Id").to_owned(), text(fund, "Name").to_owned()))
                .collect(),
        }
    }

    fn entry(&self, cart: &str, books: &Books) -> Entry {
        let mine = under(&self.opportunities, cart);
        let [opportunity, others @ ..] = mine else {
            return Entry::default();
        };
        let id = text(opportunity, "Id");
        let mut lines: Vec<(String, i64)> = under(&self.lines, id)
            .iter()
            .map(|line| {
                let ticket = text(line, "Ticketure_Ticket_Id__c").to_owned();
                (ticket, cents(line.get("TotalPrice")))
            })
            .collect();
        lines.sort();
        let mut funds: BTreeMap<String, i64> = BTreeMap::new();
        for allocation in under(&self.allocations, id) {
            let fund = text(allocation, "npsp__General_Accounting_Unit__c");
            let name = self.funds.get(fund).map_or(fund, String::as_str);
            *funds.entry(name.to_owned()).or_default() += cents(allocation.get("npsp__Amount__c"));
        }
        let payments = under(&self.payments, id);
        Entry {
            opportunities: 1 + others.len(),
            amount: cents(opportunity.get("Amount")),
            lines,
            payments: payments
                .iter()
                .map(|payment| cents(payment.get("npe01__Payment_Amount__c")))
                .sum(),
            allocations: funds.values().sum(),
            // A split by percent is known as a whole.
            funds: match books.funds.is_empty() {
                true => BTreeMap::new(),
                false => funds,
            },
            stage: text(opportunity, "StageName").to_owned(),
        }
    }
}

fn under<'r>(records: &'r Under, of: &str) -> &'r [Record] {
    records.get(of).map(Vec::as_slice).unwrap_or_default()
}
