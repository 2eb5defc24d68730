//! The story: what a museum's day brings, each line read back from the simulator.

use std::error::Error;
use std::time::Instant;

use serde_json::{Map, Value, json};
use simulator::{Actor, Fault, FaultKind, Operation, Write};

use super::stage::Stage;
use super::{carts, memberships, way_back};

pub(super) type Told = Result<(), Box<dyn Error>>;

/// API calls that so many new customers may take: creates, look-ups, households read back, a reading of each object that
/// goes back, and some to spare.
fn budget(customers: usize) -> u64 {
    (customers as u64 * 150).div_ceil(10_000).max(12)
}

pub async fn tell(stage: &mut Stage, customers: usize) -> Told {
    let ada = a_new_customer(stage).await?;
    a_new_phone_number(stage).await?;
    the_same_again(stage, &ada).await?;
    match stage.npsp {
        true => {
            a_teacher_before_the_school(stage).await?;
            a_school_that_nobody_sent(stage).await?;
        }
        // Without NPSP nothing of a person refers to a school.
        false => a_school(stage).await?,
    }
    salesforce_is_down(stage).await?;
    an_answer_is_lost(stage).await?;
    a_record_is_refused(stage).await?;
    way_back::tell(stage).await?;
    carts::tell(stage).await?;
    memberships::tell(stage).await?;
    stage.count_retries().await?;
    many_at_once(stage, customers).await
}

async fn a_new_customer(stage: &mut Stage) -> Result<Value, Box<dyn Error>> {
    let webhook = stage
        .change(json!({ "id": "i-ada", "first_name": "Ada", "last_name": "Lovelace", "email": " Ada@Example.org", "phone": "555 0100", "email_opt_in": true }))
        .await?;
    let settled = stage.settled().await?;
    let contact = contact(stage, "i-ada");
    let household = stage
        .simulator
        .find("Account", "Id", text(&contact, "AccountId"));
    let name = household
        .first()
        .map(|account| text(account, "Name").to_owned())
        .unwrap_or_default();
    let truth = settled && text(&contact, "Email") == "ada@example.org" && name == home(stage);
    stage.tell(
        match stage.npsp {
            true => "A new customer in Ticketure appears in Salesforce, in her own household",
            false => "A new customer in Ticketure appears in Salesforce",
        },
        &format!(
            "{} {}{}{name}",
            text(&contact, "FirstName"),
            text(&contact, "LastName"),
            if stage.npsp { " in " } else { "" }
        ),
        truth,
    );
    Ok(webhook)
}

/// The household that NPSP makes.
fn home(stage: &Stage) -> &'static str {
    match stage.npsp {
        true => "Lovelace Household",
        false => "",
    }
}

async fn a_new_phone_number(stage: &mut Stage) -> Told {
    let before = writes(stage).len();
    stage
        .change(json!({ "id": "i-ada", "phone": "555 0199" }))
        .await?;
    let settled = stage.settled().await?;
    let writes = writes(stage);
    let new = writes.get(before..).unwrap_or_default();
    let truth = settled
        && matches!(new, [write] if write.operation == Operation::Update && write.fields.keys().eq(["HomePhone"]));
    let fields: Vec<&str> = new
        .iter()
        .flat_map(|write| write.fields.keys().map(String::as_str))
        .collect();
    stage.tell(
        "Her new phone number arrives, with one field written",
        &format!("written: {}", fields.join(", ")),
        truth,
    );
    Ok(())
}

async fn the_same_again(stage: &mut Stage, webhook: &Value) -> Told {
    let before = writes(stage).len();
    let (accepted, duplicates) = stage.send(std::slice::from_ref(webhook)).await?;
    stage.change(json!({ "id": "i-ada" })).await?;
    let settled = stage.settled().await?;
    let truth = settled && (accepted, duplicates) == (0, 1) && writes(stage).len() == before;
    stage.tell(
        "A second copy of the same webhook changes nothing",
        &format!(
            "{duplicates} duplicate counted; nothing new under a new event id either: 0 writes"
        ),
        truth,
    );
    Ok(())
}

async fn a_teacher_before_the_school(stage: &mut Stage) -> Told {
    stage.change(json!({ "id": "i-noether", "first_name": "Emmy", "last_name": "Noether", "email": "emmy@hill.example", "organization_id": "o-hill" })).await?;
    let waits = stage
        .until(|status| status.parked_by_key == [("account:o-hill".to_owned(), 1)])
        .await?;
    let absent = stage
        .simulator
        .find("Contact", "Ticketure_Identity_Id__c", "i-noether")
        .is_empty();
    stage.tell(
        "A teacher whose school is not there yet waits",
        "1 waits for account:o-hill",
        waits && absent,
    );
    stage
        .change(json!({ "id": "o-hill", "identity_type": "organization", "name": "Hill School" }))
        .await?;
    let settled = stage.settled().await?;
    let school = stage
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", "o-hill");
    let teacher = contact(stage, "i-noether");
    let employer = text(&teacher, "npsp__Primary_Affiliation__c");
    let truth = settled
        && !employer.is_empty()
        && school
            .first()
            .is_some_and(|school| text(school, "Id") == employer);
    stage.tell(
        "... and lands the moment the school does",
        "Emmy Noether is affiliated with Hill School",
        truth,
    );
    Ok(())
}

async fn a_school(stage: &mut Stage) -> Told {
    stage
        .change(json!({ "id": "o-hill", "identity_type": "organization", "name": "Hill School" }))
        .await?;
    let settled = stage.settled().await?;
    let schools = stage
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", "o-hill");
    stage.tell(
        "A school appears as an account",
        "Hill School",
        settled && schools.len() == 1,
    );
    Ok(())
}

/// Its webhook was lost: Ticketure is asked for it.
async fn a_school_that_nobody_sent(stage: &mut Stage) -> Told {
    let school = json!({ "id": "o-lake", "identity_type": "organization", "name": "Lake School" });
    let school = school.as_object().cloned().unwrap_or_default();
    stage.simulator.put_identity(school);
    stage.change(json!({ "id": "i-curie", "first_name": "Marie", "last_name": "Curie", "email": "marie@lake.example", "organization_id": "o-lake" })).await?;
    let settled = stage.settled().await?;
    let schools = stage
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", "o-lake");
    let teacher = contact(stage, "i-curie");
    let employer = text(&teacher, "npsp__Primary_Affiliation__c");
    let school = schools.first().map(|school| text(school, "Id"));
    let truth = settled && !employer.is_empty() && school == Some(employer);
    stage.tell(
        "A school whose webhook was lost is asked for, and lands with its teacher",
        "Marie Curie is affiliated with Lake School",
        truth,
    );
    Ok(())
}

async fn salesforce_is_down(stage: &mut Stage) -> Told {
    const OUTAGE: u32 = 5;
    stage
        .simulator
        .add_fault(Fault::on("/services/data", OUTAGE, FaultKind::Unavailable));
    for (id, first_name) in [("i-1", "Grace"), ("i-2", "Alan"), ("i-3", "Mary")] {
        stage.change(json!({ "id": id, "first_name": first_name, "last_name": "Down", "email": format!("{first_name}@down.example") })).await?;
    }
    let settled = stage.settled().await?;
    let landed = stage.simulator.find("Contact", "LastName", "Down").len();
    stage.tell(
        "Salesforce goes down for a moment, and nothing is lost",
        &format!("{OUTAGE} calls answered 503, then {landed} of 3 landed"),
        settled && landed == 3,
    );
    Ok(())
}

async fn an_answer_is_lost(stage: &mut Stage) -> Told {
    let fault = FaultKind::LostAfterCommit;
    stage.simulator.add_fault(Fault {
        method: Some("POST".to_owned()),
        ..Fault::on("/composite/sobjects", 1, fault)
    });
    stage.change(json!({ "id": "i-once", "first_name": "Rosalind", "last_name": "Once", "email": "rosalind@once.example" })).await?;
    let settled = stage.settled().await?;
    let contacts = stage.simulator.find("Contact", "LastName", "Once").len();
    let created = writes(stage)
        .iter()
        .filter(|write| {
            write.operation == Operation::Create
                && write.fields.get("LastName") == Some(&json!("Once"))
        })
        .count();
    stage.tell(
        "An answer is lost after Salesforce had committed, and nothing is doubled",
        &format!("{created} create in the write log, {contacts} contact"),
        settled && contacts == 1 && created == 1,
    );
    Ok(())
}

async fn a_record_is_refused(stage: &mut Stage) -> Told {
    let rule = FaultKind::Reject {
        field: "MailingCountry".to_owned(),
        equals: json!("Atlantis"),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "We do not deliver there.".to_owned(),
    };
    stage.simulator.add_fault(Fault::always(rule));
    stage.change(json!({ "id": "i-plato", "last_name": "Plato", "email": "plato@atlantis.example", "address": { "country": "Atlantis" } })).await?;
    let dead = stage.until(|status| status.dead == 1).await?;
    let errors = stage.store.errors(10).await?;
    let Some(failed) = errors.first() else {
        stage.tell(
            "A record that Salesforce refuses is in the error log",
            "it is not",
            false,
        );
        return Ok(());
    };
    let line = failed.error.mapping_line.clone().unwrap_or_default();
    let truth = dead
        && line.starts_with("mappings/contact.yaml:")
        && failed.error.message.contains("deliver");
    let detail = format!(
        "{}\n      at {line}\n      {}",
        failed.error.message, failed.error.help
    );
    stage.tell("A record that Salesforce refuses is in the error log, with its reason, the mapping's line and what to do", &detail, truth);
    stage.simulator.clear_faults();
    stage.retry(failed.id).await?;
    let landed = stage
        .until(|status| status.dead == 0 && status.ready + status.running == 0)
        .await?;
    let there = stage.simulator.find("Contact", "LastName", "Plato").len() == 1;
    stage.tell(
        "... and lands after the mend",
        &format!("usher retry {}", failed.id),
        landed && there,
    );
    Ok(())
}

async fn many_at_once(stage: &mut Stage, customers: usize) -> Told {
    let before = writes(stage).len();
    let calls = stage.client.calls();
    let start = Instant::now();
    let ids: Vec<String> = (0..customers)
        .map(|number| new_person(stage, number))
        .collect();
    for chunk in ids.chunks(500) {
        let webhooks: Vec<Value> = chunk
            .iter()
            .filter_map(|id| stage.simulator.webhook(id))
            .collect();
        stage.send(&webhooks).await?;
    }
    let settled = stage.settled().await?;
    let ms = start.elapsed().as_millis();
    let calls = stage.client.calls() - calls;
    let contacts = stage.simulator.records("Contact");
    let here: std::collections::HashSet<&str> = contacts
        .iter()
        .map(|contact| text(contact, "Ticketure_Identity_Id__c"))
        .collect();
    let all = ids.iter().all(|id| here.contains(id.as_str()));
    let written = writes(stage);
    let created = written
        .get(before..)
        .unwrap_or_default()
        .iter()
        .filter(|write| write.operation == Operation::Create)
        .count();
    let truth = settled && all && created == customers && calls <= budget(customers);
    let detail = format!(
        "{created} contacts created in {calls} API calls (at most {}), {ms} ms",
        budget(customers)
    );
    stage.tell(
        &format!("{customers} customers arrive at once"),
        &detail,
        truth,
    );
    Ok(())
}

fn new_person(stage: &mut Stage, number: usize) -> String {
    const FIRST: [&str; 8] = [
        "Ada",
        "Grace",
        "Mary",
        "Alan",
        "Emmy",
        "Rosalind",
        "Katherine",
        "Hedy",
    ];
    let first_name = FIRST
        .get(stage.random.usize(0..FIRST.len()))
        .copied()
        .unwrap_or("Ada");
    let mut person = Map::new();
    person.insert("first_name".to_owned(), Value::from(first_name));
    person.insert(
        "last_name".to_owned(),
        Value::from(format!("Visitor {number}")),
    );
    person.insert(
        "email".to_owned(),
        Value::from(format!("visitor{number}@example.org")),
    );
    person.insert("email_opt_in".to_owned(), Value::from(stage.random.bool()));
    stage.simulator.put_identity(person)
}

/// What came through the API: households are the org's own doing.
pub(super) fn writes(stage: &Stage) -> Vec<Write> {
    stage
        .simulator
        .write_log()
        .into_iter()
        .filter(|write| write.actor == Actor::Api)
        .collect()
}

pub(super) fn contact(stage: &Stage, identity: &str) -> Map<String, Value> {
    let mut found = stage
        .simulator
        .find("Contact", "Ticketure_Identity_Id__c", identity);
    if found.len() == 1 {
        found.remove(0)
    } else {
        Map::new()
    }
}

pub(super) fn text<'r>(record: &'r Map<String, Value>, field: &str) -> &'r str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
