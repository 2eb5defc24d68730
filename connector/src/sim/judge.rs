//! Was it right? Judged from the two systems' records and write logs, with a table and a normalising of its own: it
//! shares nothing with what it judges but the conflict log, which is the promise.

mod calls;
mod carts;
pub(crate) mod consent;
mod households;
mod memberships;
mod queue;
mod values;

use serde_json::{Map, Value};
use simulator::{Actor, Operation};

use super::world::Ended;

type Record = Map<String, Value>;

/// What goes both ways between a person and a contact: the path there, the field here, and how they compare.
const FIELDS: Common = &[
    (&["first_name"], "FirstName", Compare::Text),
    (&["last_name"], "LastName", Compare::Text),
    (&["email"], "Email", Compare::Lower),
    (&["phone"], "HomePhone", Compare::Text),
    (&["mobile"], "MobilePhone", Compare::Text),
    (&["address", "line1"], "MailingStreet", Compare::Text),
    (&["address", "city"], "MailingCity", Compare::Text),
    (&["address", "state"], "MailingState", Compare::Text),
    (
        &["address", "postal_code"],
        "MailingPostalCode",
        Compare::Text,
    ),
    (&["address", "country"], "MailingCountry", Compare::Text),
    (&["date_of_birth"], "Birthdate", Compare::Text),
    (&["language"], "Ticketure_Language__c", Compare::Text),
    (&["email_opt_in"], "HasOptedOutOfEmail", Compare::Opposite),
];

/// What an organization and an account have in common.
const ORGANIZATION: Common = &[
    (&["name"], "Name", Compare::Text),
    (&["phone"], "Phone", Compare::Text),
    (&["website"], "Website", Compare::Text),
];

/// What links records, of people and of carts.
const LINKED_BY: &[&str] = &[
    "Ticketure_Identity_Id__c",
    "Ticketure_Cart_Id__c",
    "Ticketure_Membership_Term__c",
];

/// What says of which record another is a part.
const PART_OF: &[&str] = &[
    "OpportunityId",
    "npe01__Opportunity__c",
    "npsp__Opportunity__c",
];

type Common = &'static [(&'static [&'static str], &'static str, Compare)];

#[derive(Clone, Copy)]
enum Compare {
    Text,
    Lower,
    /// A check box that says the opposite; not ticked is the same as nobody said.
    Opposite,
}

impl Compare {
    fn of_ticketure(self, value: Option<&Value>) -> String {
        match self {
            Compare::Opposite => (value.and_then(Value::as_bool) == Some(false)).to_string(),
            Compare::Text | Compare::Lower => self.text(value),
        }
    }

    fn of_salesforce(self, value: Option<&Value>) -> String {
        match self {
            Compare::Opposite => (value.and_then(Value::as_bool) == Some(true)).to_string(),
            Compare::Text | Compare::Lower => self.text(value),
        }
    }

    fn text(self, value: Option<&Value>) -> String {
        let text = value.and_then(Value::as_str).unwrap_or_default();
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match self {
            Compare::Lower => joined.to_lowercase(),
            Compare::Text | Compare::Opposite => joined,
        }
    }
}

/// Everything that is wrong with a world at rest, one sentence each.
pub fn judge(ended: &Ended) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(left) = &ended.rested.unfinished {
        faults.push(left.clone());
    }
    faults.extend(ended.while_played.iter().cloned());
    calls::all_stored(ended, &mut faults);
    calls::bounded(ended, &mut faults);
    queue::all_done(ended, &mut faults);
    queue::only_what_is_refused(ended, &mut faults);
    references(ended, &mut faults);
    carts::books_agree(ended, &mut faults);
    memberships::agree(ended, &mut faults);
    households::agree(ended, &mut faults);
    same_on_both_sides(ended, &mut faults);
    consent::opt_outs_arrive(ended, &mut faults);
    consent::nobody_is_opted_in(ended, &mut faults);
    consent::merges_keep_opt_outs(ended, &mut faults);
    nothing_twice(ended, &mut faults);
    values::nothing_lost(ended, &mut faults);
    values::nothing_comes_back(ended, &mut faults);
    deletes_stay(ended, &mut faults);
    few_writes(ended, &mut faults);
    gates_held(ended, &mut faults);
    nothing_more(ended, &mut faults);
    faults
}

/// What was looked at is in step. A cart waits for a contact that was deleted, and goes on when it hears of one that the
/// network made again.
fn nothing_more(ended: &Ended, faults: &mut Vec<String>) {
    let more = ended.rested.writes_after_second - ended.rested.writes_after_reconcile;
    let again = ended.commits_late && !made_again(&ended.simulator.write_log()).is_empty();
    if more > 0 && !again {
        faults.push(format!("a second reconcile wrote {more} times more"));
    }
}

fn text<'r>(record: &'r Record, name: &str) -> &'r str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn at<'v>(record: &'v Record, path: &[&str]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(record.get(*first)?, |value, name| value.get(name))
}

/// Each pair that is at rest, with what it has in common. A record that the network made again after its delete is no
/// pair: somebody has ended it. What an item is still about has not been decided: it refers to a record that is nowhere.
fn pairs(ended: &Ended) -> Vec<(Record, Record, Common)> {
    let mut pairs = Vec::new();
    let log = ended.simulator.write_log();
    let again = made_again(&log);
    for identity in ended.simulator.identities() {
        if ended.commits_late && again.contains(&text(&identity, "id")) {
            continue;
        }
        let (object, fields) = match text(&identity, "identity_type") {
            "organization" => ("Account", ORGANIZATION),
            _ => ("Contact", FIELDS),
        };
        let found = ended
            .simulator
            .find(object, "Ticketure_Identity_Id__c", text(&identity, "id"));
        let record = found.into_iter().find(|one| !is_asked_about(ended, one));
        if let Some(record) = record.filter(|record| !queue::waits(ended, &identity, record)) {
            pairs.push((identity, record, fields));
        }
    }
    pairs
}

fn same_on_both_sides(ended: &Ended, faults: &mut Vec<String>) {
    for (identity, record, fields) in pairs(ended) {
        // Without what is required nothing goes back: such a pair waits for a person.
        let complete = !is_incomplete(&record, fields);
        for (path, name, compare) in fields {
            let (there, here) = (
                compare.of_ticketure(at(&identity, path)),
                compare.of_salesforce(record.get(*name)),
            );
            if there != here && complete {
                faults.push(format!(
                    "{} and {} differ: {} is {there:?}, {name} is {here:?}",
                    text(&identity, "id"),
                    text(&record, "Id"),
                    path.join(".")
                ));
            }
        }
    }
}

/// Returns whether a record lacks what is required for going back.
fn is_incomplete(record: &Record, fields: Common) -> bool {
    fields.iter().any(|(_, name, _)| {
        matches!(*name, "LastName" | "Email" | "Name") && text(record, name).is_empty()
    })
}

/// Each person once on each side, and linked.
fn nothing_twice(ended: &Ended, faults: &mut Vec<String>) {
    let identities = ended.simulator.identities();
    let contacts = ended.simulator.records("Contact");
    for identity in &identities {
        let (id, email) = (text(identity, "id"), text(identity, "email").to_lowercase());
        let same = identities
            .iter()
            .filter(|other| !email.is_empty() && text(other, "email").to_lowercase() == email)
            .count();
        if same > 1 {
            faults.push(format!("{email} is {same} identities"));
        }
        if text(identity, "identity_type") == "person" {
            let linked = contacts
                .iter()
                .filter(|contact| text(contact, "Ticketure_Identity_Id__c") == id)
                .count();
            let deleted = ended
                .simulator
                .write_log()
                .iter()
                .any(|write| write.operation == Operation::Delete);
            let asked = ended.reviews.iter().any(|waiting| waiting == id);
            // A late write of a pair that is no more may put its id over that of the pair that took its place.
            let network = ended.commits_late && ended.simulator.tenant_log().iter().any(is_end);
            let waits = queue::is_refused(ended, identity) || queue::waits_at_all(ended, id);
            if linked != 1 && !deleted && !asked && !network && !waits {
                faults.push(format!("identity {id} has {linked} contacts"));
            }
        }
    }
    let accounts = ended.simulator.records("Account");
    // An account of an organization that was merged in Ticketure stays until a person decides about it.
    let is_left = |account: &&Record| {
        let id = text(account, "Ticketure_Identity_Id__c");
        survivor(ended, id) != id && ended.reviews.iter().any(|asked| asked == id)
    };
    let schools = accounts
        .iter()
        .filter(|account| text(account, "npe01__SYSTEM_AccountType__c") != "Household Account")
        .filter(|account| !is_left(account));
    let organizations = identities
        .iter()
        .filter(|identity| text(identity, "identity_type") == "organization");
    let (schools, organizations) = (schools.count(), organizations.count());
    // What was deleted on one side stays on the other.
    let deleted = ended
        .simulator
        .write_log()
        .iter()
        .any(|write| write.operation == Operation::Delete)
        || ended.simulator.tenant_log().iter().any(is_end);
    if schools != organizations && !deleted {
        faults.push(format!(
            "{schools} accounts and {organizations} organizations"
        ));
    }
    // Of an identity that was deleted, a row that is still on its way may make a record.
    let ended_ids: Vec<String> = ended
        .simulator
        .tenant_log()
        .iter()
        .filter(|write| is_end(write))
        .map(|write| write.id.clone())
        .collect();
    let asked = |contact: &Record| is_asked_about(ended, contact);
    for contact in &contacts {
        if asked(contact)
            || ended_ids
                .iter()
                .any(|id| id == text(contact, "Ticketure_Identity_Id__c"))
        {
            continue;
        }
        let email = text(contact, "Email").to_lowercase();
        let same = contacts
            .iter()
            .filter(|other| {
                !asked(other)
                    && !ended_ids
                        .iter()
                        .any(|id| id == text(other, "Ticketure_Identity_Id__c"))
            })
            .filter(|other| !email.is_empty() && text(other, "Email").to_lowercase() == email)
            .count();
        if same > 1 {
            faults.push(format!("{email} is {same} contacts"));
        }
    }
}

/// A person has to say whose record it is: it is nobody's until then.
fn is_asked_about(ended: &Ended, record: &Record) -> bool {
    let question = format!("sf:{}", text(record, "Id"));
    ended.reviews.contains(&question)
}

/// The identity that remains after all merges: the last one merged into, or the identity itself.
fn survivor(ended: &Ended, id: &str) -> String {
    let log = ended.simulator.tenant_log();
    let mut merges = log.iter().filter(|write| write.id == id);
    let into = merges.find_map(|write| write.fields.get("merged_into_id")?.as_str());
    into.map_or_else(|| id.to_owned(), |into| survivor(ended, into))
}

/// Somebody deleted the identity.
fn is_end(write: &simulator::Write) -> bool {
    write.fields.get("deleted") == Some(&Value::Bool(true))
}

/// What somebody deleted in Salesforce is not made again by an older or a newer update.
fn deletes_stay(ended: &Ended, faults: &mut Vec<String>) {
    // A create that was carried out after the delete is the network's doing, not a decision.
    if ended.commits_late {
        return;
    }
    for identity in made_again(&ended.simulator.write_log()) {
        faults.push(format!(
            "the record of {identity} was deleted, and made again"
        ));
    }
}

/// The identities whose record somebody deleted in Salesforce, and that had another one made after that.
fn made_again(log: &[simulator::Write]) -> Vec<&str> {
    fn external(write: &simulator::Write) -> Option<&str> {
        write.fields.get("Ticketure_Identity_Id__c")?.as_str()
    }
    let deletes = log
        .iter()
        .filter(|write| write.operation == Operation::Delete && write.actor == Actor::User);
    let mut found = Vec::new();
    for delete in deletes {
        let mine = log.iter().filter(|write| write.id == delete.id);
        let Some(identity) = mine.filter_map(external).next() else {
            continue;
        };
        let again = log.iter().any(|write| {
            write.sequence > delete.sequence
                && write.operation == Operation::Create
                && external(write) == Some(identity)
        });
        if again {
            found.push(identity);
        }
    }
    found
}

/// At most two writes a record and side once the edits and the troubles were over, and one more for each row that had
/// to wait for a record till then: batches may be so small that they come one by one.
fn few_writes(ended: &Ended, faults: &mut Vec<String>) {
    let sides = [
        (
            "Salesforce",
            ended.simulator.write_log(),
            ended.salesforce_error_ms,
        ),
        (
            "Ticketure",
            ended.simulator.tenant_log(),
            ended.ticketure_error_ms,
        ),
    ];
    for (side, log, error) in sides {
        let mut ids: Vec<&str> = log.iter().map(|write| write.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let after = log
                .iter()
                .filter(|write| {
                    write.id == id
                        && write.actor == Actor::Api
                        && write.at_ms - error > ended.rested.quiet_at_ms
                })
                .count();
            let names = names(&log, id);
            let waited = ended
                .rested
                .waited
                .iter()
                .filter(|key| names.contains(&key.as_str()));
            // What was made in Salesforce gets the ids of its membership and of its cart, what the membership says, and
            // where it is extended a blank and a later end.
            let is_pushed = log.iter().any(|write| {
                write.id == id && write.object == "Opportunity" && write.actor == Actor::User
            });
            let most = if is_pushed { 6 } else { 2 };
            if after > most + waited.count() {
                faults.push(format!(
                    "{side} {id} was written {after} times after the last edit"
                ));
            }
        }
    }
}

/// The record's id, those that it is linked by, and those of the record that it is a part of.
fn names<'w>(log: &'w [simulator::Write], id: &'w str) -> Vec<&'w str> {
    let said = |id: &'w str, fields: &'static [&'static str]| {
        let mine = log.iter().filter(move |write| write.id == id);
        let values =
            mine.flat_map(|write| fields.iter().filter_map(|name| write.fields.get(*name)));
        values.filter_map(Value::as_str)
    };
    let parents = said(id, PART_OF).flat_map(|parent| said(parent, LINKED_BY));
    said(id, LINKED_BY).chain(parents).chain([id]).collect()
}

/// Nothing was pushed that lacks what is required: no identity was made by the API without it.
fn gates_held(ended: &Ended, faults: &mut Vec<String>) {
    for write in ended.simulator.tenant_log() {
        let made = write.actor == Actor::Api && write.operation == Operation::Create;
        let person = text(&write.fields, "identity_type") == "person";
        if made
            && person
            && (text(&write.fields, "email").is_empty()
                || text(&write.fields, "last_name").is_empty())
        {
            faults.push(format!(
                "identity {} was made without what is required",
                write.id
            ));
        }
    }
}

/// Checks that each person is affiliated with their organization's account, or that of the organization it was merged
/// into. Histories with late writes are left out, since usher does not read references back.
fn references(ended: &Ended, faults: &mut Vec<String>) {
    if ended.commits_late || ended.without_npsp {
        return;
    }
    for (identity, record, _) in pairs(ended) {
        let organization = survivor(ended, text(&identity, "organization_id"));
        let accounts = ended
            .simulator
            .find("Account", "Ticketure_Identity_Id__c", &organization);
        let account = accounts.first().map(|account| text(account, "Id"));
        let affiliated = text(&record, "npsp__Primary_Affiliation__c");
        if !organization.is_empty() && account.is_some_and(|account| account != affiliated) {
            faults.push(format!(
                "{} refers to {organization}, and its contact to {affiliated:?}",
                text(&identity, "id")
            ));
        }
    }
}
