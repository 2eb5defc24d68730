//! Households, by a reading of its own of the rule: who shares the last name or the address with the buyer, or with the
//! primary member, lives with them or is asked about. Nobody else was moved, nobody whom usher did not insert, and nobody
//! after the office had moved them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use simulator::{Actor, Operation, Write};

use super::carts::{buyer, has_to_be, linked, was_deleted};
use super::{Record, survivor, text};
use crate::purchases::Rows;
use crate::sim::world::Ended;

/// A write of usher's that was under way when somebody moved the contact is over by then.
const UNDER_WAY_MS: i64 = 30_000;

/// Identities that may be a family: the anchor, and another.
type Pairs = BTreeSet<(String, String)>;

pub(super) fn agree(ended: &Ended, faults: &mut Vec<String>) {
    if ended.without_npsp {
        return;
    }
    // A cart that nobody checked out brings nobody together.
    for (anchor, member) in &pairs(ended, |cart| has_to_be(ended, cart)) {
        live_together(ended, anchor, member, faults);
    }
    let pairs = pairs(ended, |_| true);
    for write in moves(ended) {
        was_right(ended, &pairs, &write, faults);
    }
}

fn pairs(ended: &Ended, counts: impl Fn(&str) -> bool) -> Pairs {
    let setting = text(&ended.settings, "households");
    let mut pairs = Pairs::new();
    if setting == "never" {
        return pairs;
    }
    of_memberships(ended, &mut pairs);
    if setting != "members" {
        of_carts(ended, counts, &mut pairs);
    }
    pairs
}

/// The buyer and whoever has tickets that are no memberships. An organization's cart has no family.
fn of_carts(ended: &Ended, counts: impl Fn(&str) -> bool, pairs: &mut Pairs) {
    let rows = Rows::read(&ended.simulator);
    for cart in rows.ids().into_iter().filter(|cart| counts(cart)) {
        let (bought, organization) = buyer(ended, &rows, &cart);
        if !organization.is_empty() {
            continue;
        }
        let is_sold = |row: &&Record| text(row, "item_kind") == "membership";
        let sold: BTreeSet<&str> = rows.tickets_of(&cart).filter(is_sold).map(ticket).collect();
        let holders = || {
            let all = rows.tickets_of(&cart);
            all.map(|row| (ticket(row), text(row, "identity_id")))
        };
        let first = holders()
            .map(|(_, holder)| holder)
            .find(|id| !id.is_empty());
        let bought = Some(bought.as_str()).filter(|id| !id.is_empty());
        let Some(anchor) = bought.or(first) else {
            continue;
        };
        let visits = holders().filter(|(ticket, _)| !sold.contains(ticket));
        pair(anchor, visits.map(|(_, holder)| holder), pairs);
    }
}

fn ticket(row: &Record) -> &str {
    text(row, "ticket_id")
}

/// The primary member and the other members, as the membership says now. One that names a cart may be an organization's.
fn of_memberships(ended: &Ended, pairs: &mut Pairs) {
    for row in ended.simulator.rows("membership") {
        let members = row.get("members").and_then(Value::as_array);
        let members = members.into_iter().flatten();
        let members = members.filter_map(|member| member.get("identity_id")?.as_str());
        if text(&row, "cart_id").is_empty() {
            pair(text(&row, "primary_identity_id"), members, pairs);
        }
    }
}

fn pair<'i>(anchor: &str, others: impl Iterator<Item = &'i str>, pairs: &mut Pairs) {
    let others = others.filter(|id| !id.is_empty() && *id != anchor && !anchor.is_empty());
    pairs.extend(others.map(|id| (anchor.to_owned(), id.to_owned())));
}

fn live_together(ended: &Ended, anchor: &str, member: &str, faults: &mut Vec<String>) {
    let (Some(first), Some(other)) = (
        linked(ended, "Contact", anchor),
        linked(ended, "Contact", member),
    ) else {
        return;
    };
    let asked = ended
        .reviews
        .iter()
        .filter_map(|id| id.strip_suffix(":household"));
    let is_asked = asked
        .map(|id| survivor(ended, id))
        .any(|id| id == survivor(ended, member));
    let all = text(&ended.settings, "households") == "members";
    let shares = all
        || share(
            &[name(&first), address(&first)],
            &[name(&other), address(&other)],
        );
    let by_office = [&first, &other]
        .iter()
        .any(|one| was_moved_by_office(ended, text(one, "Id")));
    let apart = text(&first, "AccountId") != text(&other, "AccountId");
    if apart && shares && !is_asked && !by_office {
        faults.push(format!(
            "{member} is of the family of {anchor}, lives elsewhere, and nobody is asked"
        ));
    }
}

/// Usher's own moves of contacts into other households.
fn moves(ended: &Ended) -> Vec<Write> {
    let log = ended.simulator.write_log().into_iter();
    let moves = log.filter(|write| {
        write.object == "Contact"
            && write.operation == Operation::Update
            && write.actor == Actor::Api
            && write.fields.contains_key("AccountId")
    });
    moves.collect()
}

fn was_right(ended: &Ended, pairs: &Pairs, write: &Write, faults: &mut Vec<String>) {
    let log = ended.simulator.write_log();
    let mine: Vec<&Write> = log.iter().filter(|one| one.id == write.id).collect();
    let made = mine.iter().find(|one| one.operation == Operation::Create);
    if made.is_none_or(|made| made.actor != Actor::Api) {
        faults.push(format!(
            "{} was moved, and usher did not insert it",
            write.id
        ));
    }
    let office = office_move(&mine);
    if let Some(office) = office.filter(|_| !ended.commits_late)
        && write.at_ms > office.at_ms + UNDER_WAY_MS
    {
        faults.push(format!(
            "{} was moved after the office had moved it",
            write.id
        ));
    }
    let known = said(&log, &write.id);
    let identities: BTreeSet<String> = known
        .identities
        .iter()
        .map(|id| survivor(ended, id))
        .collect();
    let may = pairs.iter().any(|(anchor, member)| {
        let is_it = identities.contains(&survivor(ended, member));
        let is_anchor = identities.contains(&survivor(ended, anchor));
        let other = if is_it { anchor } else { member };
        (is_it || is_anchor) && shared_once(ended, &log, &known, other)
    });
    let is_gone = known.identities.iter().any(|id| was_deleted(ended, id));
    if !may && !is_gone && text(&ended.settings, "households") != "members" {
        faults.push(format!(
            "{} was moved, and shares with nobody of its carts",
            write.id
        ));
    }
}

fn was_moved_by_office(ended: &Ended, contact: &str) -> bool {
    let log = ended.simulator.write_log();
    let mine: Vec<&Write> = log.iter().filter(|write| write.id == contact).collect();
    office_move(&mine).is_some()
}

/// The first time that somebody took a contact away. Blanking the account of one that usher never moved changes nothing:
/// NPSP gives it back.
fn office_move<'w>(of_contact: &[&'w Write]) -> Option<&'w Write> {
    let mut moved = false;
    for write in of_contact {
        let Some(account) = write.fields.get("AccountId") else {
            continue;
        };
        let is_update = write.operation == Operation::Update;
        match write.actor {
            Actor::User if is_update && (moved || !account.is_null()) => return Some(write),
            Actor::Api if is_update => moved = true,
            _ => {}
        }
    }
    None
}

/// All that was ever said of a contact.
#[derive(Default)]
struct Said {
    identities: BTreeSet<String>,
    names: BTreeSet<String>,
    addresses: BTreeSet<String>,
}

fn said(log: &[Write], contact: &str) -> Said {
    let mut said = Said::default();
    let mut now = Record::new();
    for write in log.iter().filter(|write| write.id == contact) {
        now.extend(write.fields.clone());
        said.identities
            .insert(text(&now, "Ticketure_Identity_Id__c").to_owned());
        said.names.insert(name(&now));
        said.addresses.insert(address(&now));
    }
    said.identities.remove("");
    said
}

/// Did the contact ever share with one of an identity's contacts, or with those that were merged into it?
fn shared_once(ended: &Ended, log: &[Write], known: &Said, identity: &str) -> bool {
    let mut contacts: BTreeMap<&str, Said> = BTreeMap::new();
    for write in log.iter().filter(|write| write.object == "Contact") {
        contacts
            .entry(&write.id)
            .or_insert_with(|| said(log, &write.id));
    }
    let is_theirs = |other: &&Said| {
        let mut ids = other.identities.iter();
        ids.any(|id| survivor(ended, id) == survivor(ended, identity))
    };
    let common = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.intersection(other).any(|text| !text.is_empty())
    };
    let mut theirs = contacts.values().filter(is_theirs);
    theirs.any(|other| {
        common(&known.names, &other.names) || common(&known.addresses, &other.addresses)
    })
}

fn share(one: &[String; 2], other: &[String; 2]) -> bool {
    one.iter()
        .zip(other)
        .any(|(one, other)| !one.is_empty() && one == other)
}

fn name(contact: &Record) -> String {
    plain(text(contact, "LastName"))
}

/// Blank without a street.
fn address(contact: &Record) -> String {
    let street = plain(text(contact, "MailingStreet"));
    let rest = [
        "MailingCity",
        "MailingState",
        "MailingPostalCode",
        "MailingCountry",
    ];
    let rest = rest.map(|field| plain(text(contact, field))).join("|");
    if street.is_empty() {
        street
    } else {
        format!("{street}|{rest}")
    }
}

/// The histories have plain names, so that small letters and digits are enough.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(|one| one.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
