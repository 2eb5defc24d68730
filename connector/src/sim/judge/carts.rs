//! The books of carts: what Salesforce says of each, beside what follows from the rows that Ticketure has.
//! Memberships are judged beside them.

use std::collections::BTreeMap;

use simulator::{Actor, Operation};

use super::{Record, is_asked_about, memberships, survivor, text};
use crate::purchases::heard::{Entries, Heard, Ledger, of_error, of_item};
use crate::purchases::{Books, Rows, books};
use crate::sim::world::Ended;

/// Each cart that has to be an opportunity is one, with its lines, payments and allocations to the cent; no other is.
/// An entry of the queue or the error log has to name each unbooked amount.
pub(super) fn books_agree(ended: &Ended, faults: &mut Vec<String>) {
    let rows = Rows::read(&ended.simulator);
    let all = all_books(&rows);
    let judged = judged(ended, &all);
    let npsp = !ended.without_npsp;
    let wrong = books::disagreeing(&ended.simulator, judged.clone(), &ended.settings, npsp);
    for (cart, expected, found) in wrong {
        faults.push(format!(
            "the books of {cart}: {found:?} and not {expected:?}"
        ));
    }
    let are_ours = npsp && books::are_ours(&ended.settings);
    let entries = Entries::of(&ended.waiting, &ended.errors);
    faults.extend(ledger_of(ended, &all, &judged).faults(&entries, are_ours));
    for (cart, books) in &judged {
        for opportunity in ended.simulator.find("Opportunity", KEY, cart) {
            lines_say_what_happened(ended, &rows, (cart, books), &opportunity, faults);
            belongs_to_buyer(ended, &rows, cart, &opportunity, faults);
        }
    }
}

const KEY: &str = "Ticketure_Cart_Id__c";
const LINKED: &str = "Ticketure_Identity_Id__c";

/// Has this cart to be an opportunity, by what Ticketure says now?
pub(super) fn has_to_be(ended: &Ended, cart: &str) -> bool {
    let books = Rows::read(&ended.simulator).books(cart);
    books.is_opportunity(&ended.settings)
}

/// The reasons that the books give for waiting and failed items.
pub(super) fn ledger(ended: &Ended) -> Ledger {
    let all = all_books(&Rows::read(&ended.simulator));
    ledger_of(ended, &all, &BTreeMap::new())
}

fn all_books(rows: &Rows) -> BTreeMap<String, Books> {
    let ids = rows.ids().into_iter();
    ids.map(|cart| (cart.clone(), rows.books(&cart))).collect()
}

fn ledger_of(
    ended: &Ended,
    all: &BTreeMap<String, Books>,
    judged: &BTreeMap<&str, &Books>,
) -> Ledger {
    Ledger::of(all.iter().map(|(cart, books)| Heard {
        cart,
        books,
        is_judged: judged.contains_key(cart.as_str()) && books.is_opportunity(&ended.settings),
    }))
}

/// Carts without an item in progress. Items that the books explain do not count.
fn judged<'b>(ended: &Ended, all: &'b BTreeMap<String, Books>) -> BTreeMap<&'b str, &'b Books> {
    let ledger = ledger_of(ended, all, &BTreeMap::new());
    let is_under_way = |cart: &str| {
        let mut waiting = ended.waiting.iter().filter(|item| item.key == cart);
        let mut errors = ended.errors.iter().filter(|error| error.key == cart);
        waiting.any(|item| !ledger.explains(&of_item(item)))
            || errors.any(|error| !ledger.explains(&of_error(error)))
    };
    let all = all.iter().map(|(cart, books)| (cart.as_str(), books));
    all.filter(|(cart, _)| !is_under_way(cart) && !memberships::is_salesforces(ended, cart))
        .collect()
}

/// Checks each line's count of scans, and that refunded lines say so, whatever the order of the rows.
fn lines_say_what_happened(
    ended: &Ended,
    rows: &Rows,
    (cart, books): (&str, &Books),
    opportunity: &Record,
    faults: &mut Vec<String>,
) {
    let lines = ended.simulator.find(
        "OpportunityLineItem",
        "OpportunityId",
        text(opportunity, "Id"),
    );
    for line in lines {
        let key = text(&line, "Ticketure_Ticket_Id__c");
        let ticket = key
            .strip_prefix(cart)
            .and_then(|rest| rest.strip_prefix(':'))
            .unwrap_or(key);
        let mine = rows
            .tickets_of(cart)
            .filter(|row| text(row, "ticket_id") == ticket);
        let actions: Vec<String> = mine.map(|row| text(row, "action").to_lowercase()).collect();
        if actions.is_empty() {
            continue;
        }
        let scans = actions
            .iter()
            .filter(|action| action.ends_with("_redeemed") || *action == "redeemed");
        let scans = scans.count() as f64;
        let counted = line
            .get("Ticketure_Redeemed_Count__c")
            .and_then(serde_json::Value::as_f64);
        let refunded = books.refunded.contains_key(ticket);
        let says_refunded = text(&line, "Ticketure_Status__c") == "Refunded";
        if counted.unwrap_or_default() != scans || refunded != says_refunded {
            faults.push(format!(
                "line {ticket} of {cart} says {} and {counted:?} scans, and what happened is {actions:?}",
                text(&line, "Ticketure_Status__c")
            ));
        }
    }
}

/// It is the donation of its buyer's contact, and stands under that one's household; an organization's stands under its
/// account. Not where somebody deleted the buyer's record.
fn belongs_to_buyer(
    ended: &Ended,
    rows: &Rows,
    cart: &str,
    opportunity: &Record,
    faults: &mut Vec<String>,
) {
    let (person, organization) = buyer(ended, rows, cart);
    let contact = linked(ended, "Contact", &person).filter(|_| !ended.without_npsp);
    if let Some(account) = linked(ended, "Account", &organization) {
        expect(cart, opportunity, "AccountId", text(&account, "Id"), faults);
    } else if let (Some(contact), "") = (&contact, organization.as_str()) {
        expect(
            cart,
            opportunity,
            "AccountId",
            text(contact, "AccountId"),
            faults,
        );
    }
    let Some(contact) = contact else { return };
    let id = text(&contact, "Id");
    expect(cart, opportunity, "npsp__Primary_Contact__c", id, faults);
    let roles = ended.simulator.find(
        "OpportunityContactRole",
        "OpportunityId",
        text(opportunity, "Id"),
    );
    let primary = |role: &&Record| role.get("IsPrimary") == Some(&serde_json::Value::Bool(true));
    let primary: Vec<&str> = roles
        .iter()
        .filter(primary)
        .map(|role| text(role, "ContactId"))
        .collect();
    if primary != [id] {
        faults.push(format!(
            "the primary roles of {cart} are {primary:?}, and its buyer's is {id}"
        ));
    }
}

/// The one record of somebody, or of whom they were merged into; not where a person deleted it.
pub(super) fn linked(ended: &Ended, object: &str, id: &str) -> Option<Record> {
    let id = survivor(ended, id);
    let found = ended.simulator.find(object, LINKED, &id).into_iter();
    let mut found = found.filter(|one| !is_asked_about(ended, one));
    let found = found.next_back();
    found.filter(|_| !id.is_empty() && !was_deleted(ended, &id))
}

fn expect(cart: &str, opportunity: &Record, field: &str, id: &str, faults: &mut Vec<String>) {
    let there = text(opportunity, field);
    if there != id {
        faults.push(format!(
            "the {field} of {cart} is {there:?}, and its buyer's is {id:?}"
        ));
    }
}

/// The ids of the person and of the organization.
pub(super) fn buyer(ended: &Ended, rows: &Rows, cart: &str) -> (String, String) {
    let own = |row: &Record, field: &str| text(row, field).to_owned();
    if text(&ended.settings, "cart_source") == "derived" {
        let bought = rows
            .tickets_of(cart)
            .filter(|row| matches!(text(row, "action"), "purchased" | "transfer_to"));
        let bought: Vec<String> = bought.map(|row| own(row, "identity_id")).collect();
        let first = |organizations: bool| {
            let mut ids = bought.iter().filter(|id| !id.is_empty());
            ids.find(|id| is_organization(ended, id) == organizations)
        };
        let (person, organization) = (first(false), first(true));
        return match person {
            Some(person) => (person.clone(), String::new()),
            None => (String::new(), organization.cloned().unwrap_or_default()),
        };
    }
    let Some(row) = rows.cart(cart) else {
        return Default::default();
    };
    let (identity, organization) = (own(&row, "identity_id"), own(&row, "organization_id"));
    match is_organization(ended, &identity) {
        true if organization.is_empty() => (String::new(), identity),
        true => (String::new(), organization),
        false => (identity, organization),
    }
}

/// An identity of Ticketure's own that is no person, also after it was merged or deleted.
fn is_organization(ended: &Ended, id: &str) -> bool {
    let log = ended.simulator.tenant_log();
    let mut said = log.iter().filter(|write| write.id == id);
    !id.is_empty() && said.any(|write| text(&write.fields, "identity_type") == "organization")
}

/// Somebody deleted the record of a cart's buyer.
pub(super) fn buyer_was_deleted(ended: &Ended, cart: &str) -> bool {
    let (person, organization) = buyer(ended, &Rows::read(&ended.simulator), cart);
    let mut either = [person, organization].into_iter();
    either.any(|id| !id.is_empty() && was_deleted(ended, &id))
}

/// Somebody deleted a record of this identity in Salesforce, or the identity itself.
pub(super) fn was_deleted(ended: &Ended, identity: &str) -> bool {
    let log = ended.simulator.write_log();
    let deletes = log
        .iter()
        .filter(|write| write.operation == Operation::Delete && write.actor == Actor::User);
    let mut records = deletes.map(|delete| delete.id.as_str());
    // What was found by its address before it had the id was deleted just as well.
    let email = ended.simulator.identities().into_iter();
    let email = email.filter(|living| text(living, "id") == identity);
    let email: Vec<String> = email
        .map(|own| text(&own, "email").to_lowercase())
        .collect();
    let mailed = |id: &str| {
        let said = log.iter().filter(|write| write.id == id);
        let mut said = said.filter_map(|write| write.fields.get("Email")?.as_str());
        said.any(|said| email.contains(&said.to_lowercase()))
    };
    records.any(|id| super::names(&log, id).contains(&identity) || mailed(id))
        || !ended
            .simulator
            .identities()
            .iter()
            .any(|living| text(living, "id") == identity)
}
