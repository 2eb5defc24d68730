//! The way back: what changes in Salesforce reaches Ticketure, and both sides end up the same.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::stage::Stage;
use super::story::{Told, contact, text, writes};

/// How long a change may take to arrive.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn tell(stage: &mut Stage) -> Told {
    a_phone_number_changed_in_salesforce(stage).await?;
    her_fax_number(stage).await?;
    born_in_salesforce(stage).await?;
    incomplete(stage).await?;
    both_sides_edit(stage).await?;
    the_opt_out_wins(stage).await
}

pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn identity(stage: &Stage, id: &str) -> Map<String, Value> {
    let all = stage.simulator.identities();
    all.into_iter()
        .find(|identity| text(identity, "id") == id)
        .unwrap_or_default()
}

fn edit(stage: &Stage, id: &str, change: Value) -> Told {
    stage
        .simulator
        .update_by_user("Contact", id, fields(change))
        .map_err(|errors| format!("Salesforce refused it: {errors:?}").into())
}

/// Passes on what Ticketure tells of its own writes, until it holds.
pub(super) async fn until(
    stage: &Stage,
    holds: impl Fn(&Stage) -> bool,
) -> Result<bool, Box<dyn std::error::Error>> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let webhooks = stage.simulator.take_webhooks();
        if !webhooks.is_empty() {
            stage.send(&webhooks).await?;
        }
        if holds(stage) {
            return stage.settled().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(false)
}

/// Long enough for a change to be read and for its echo to come back.
pub(super) async fn a_while(stage: &Stage) -> Told {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(700) {
        let webhooks = stage.simulator.take_webhooks();
        if !webhooks.is_empty() {
            stage.send(&webhooks).await?;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.settled().await.map(|_| ())
}

async fn a_phone_number_changed_in_salesforce(stage: &mut Stage) -> Told {
    let ada = contact(stage, "i-ada");
    edit(
        stage,
        text(&ada, "Id"),
        json!({ "MobilePhone": "555 0300" }),
    )?;
    let arrived = until(stage, |stage| {
        text(&identity(stage, "i-ada"), "mobile") == "555 0300"
    })
    .await?;
    let (here, there) = (writes(stage).len(), stage.simulator.tenant_log().len());
    a_while(stage).await?;
    let quiet = (writes(stage).len(), stage.simulator.tenant_log().len()) == (here, there);
    let log = stage.simulator.tenant_log();
    let last = log.last().map(|write| {
        write
            .fields
            .keys()
            .filter(|name| *name != "id")
            .cloned()
            .collect::<Vec<_>>()
    });
    stage.tell(
        "Her phone number, changed in Salesforce, arrives in Ticketure, and the echo stops",
        &format!(
            "written: {}; then nothing more on either side",
            last.unwrap_or_default().join(", ")
        ),
        arrived && quiet,
    );
    Ok(())
}

async fn her_fax_number(stage: &mut Stage) -> Told {
    let ada = contact(stage, "i-ada");
    let before = stage.simulator.tenant_log().len();
    edit(stage, text(&ada, "Id"), json!({ "Fax": "555 0400" }))?;
    a_while(stage).await?;
    let after = stage.simulator.tenant_log().len();
    stage.tell(
        "Her fax number does not go: nobody monitors it",
        &format!("{} writes to Ticketure", after - before),
        before == after,
    );
    Ok(())
}

async fn born_in_salesforce(stage: &mut Stage) -> Told {
    let id = stage
        .simulator
        .insert_by_user(
            "Contact",
            fields(
                json!({ "FirstName": "Grace", "LastName": "Hopper", "Email": "grace@example.org" }),
            ),
        )
        .map_err(|errors| format!("Salesforce refused it: {errors:?}"))?;
    let linked = until(stage, |stage| {
        let found = stage.simulator.find("Contact", "Id", &id);
        found
            .first()
            .is_some_and(|contact| !text(contact, "Ticketure_Identity_Id__c").is_empty())
    })
    .await?;
    a_while(stage).await?;
    let people = stage.simulator.identities();
    let same: Vec<_> = people
        .iter()
        .filter(|person| text(person, "email") == "grace@example.org")
        .collect();
    let contacts = stage
        .simulator
        .find("Contact", "Email", "grace@example.org");
    let truth = linked
        && matches!((same.as_slice(), contacts.as_slice()), ([person], [contact])
            if text(person, "id") == text(contact, "Ticketure_Identity_Id__c"));
    stage.tell(
        "A contact born in Salesforce appears in Ticketure, and the two are linked, once",
        &format!(
            "{} identity, {} contact, one external id",
            same.len(),
            contacts.len()
        ),
        truth,
    );
    Ok(())
}

async fn incomplete(stage: &mut Stage) -> Told {
    let id = stage
        .simulator
        .insert_by_user(
            "Contact",
            fields(json!({ "FirstName": "Mary", "LastName": "Somerville" })),
        )
        .map_err(|errors| format!("Salesforce refused it: {errors:?}"))?;
    let start = Instant::now();
    let mut held = stage.store.gated(Some(id.clone())).await?;
    while held.is_empty() && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
        held = stage.store.gated(Some(id.clone())).await?;
    }
    let reason = held
        .first()
        .map(|held| held.reason.clone())
        .unwrap_or_default();
    stage.tell(
        "An incomplete one waits, and says for what",
        &reason,
        reason.contains("Email"),
    );
    edit(stage, &id, json!({ "Email": "mary@example.org" }))?;
    let went = until(stage, |stage| {
        stage
            .simulator
            .identities()
            .iter()
            .any(|person| text(person, "email") == "mary@example.org")
    })
    .await?;
    let left = stage.store.gated(Some(id)).await?;
    stage.tell(
        "... and goes when it is completed",
        "Mary Somerville is in Ticketure",
        went && left.is_empty(),
    );
    Ok(())
}

async fn both_sides_edit(stage: &mut Stage) -> Told {
    let ada = contact(stage, "i-ada");
    edit(
        stage,
        text(&ada, "Id"),
        json!({ "MailingCity": "Ockham", "HomePhone": "555 0500" }),
    )?;
    stage
        .change(json!({ "id": "i-ada", "last_name": "King", "phone": "555 0600" }))
        .await?;
    let merged = until(stage, |stage| {
        let (here, there) = (contact(stage, "i-ada"), identity(stage, "i-ada"));
        let city = there
            .get("address")
            .and_then(|address| address.get("city"))
            .and_then(Value::as_str);
        text(&here, "LastName") == "King"
            && city == Some("Ockham")
            && text(&here, "HomePhone") == text(&there, "phone")
    })
    .await?;
    let decided = stage.store.decisions("contact", "i-ada").await?;
    let phone = decided
        .iter()
        .find(|decision| decision.field == "HomePhone" && decision.loser.is_some());
    let said = phone.map(|phone| {
        format!(
            "HomePhone: {} won ({}), {} is in the conflict log",
            phone.winner,
            phone.why.replace('_', " "),
            phone.loser.clone().unwrap_or_default()
        )
    });
    stage.tell(
        "Both sides edit the same customer: the fields merge, and usher explain says who won",
        &said.clone().unwrap_or_default(),
        merged && said.is_some(),
    );
    Ok(())
}

async fn the_opt_out_wins(stage: &mut Stage) -> Told {
    stage
        .simulator
        .insert_by_user("Contact", fields(json!({ "FirstName": "Joan", "LastName": "Clarke", "Email": "joan@example.org", "HasOptedOutOfEmail": true, "Ticketure_Identity_Id__c": "i-joan" })))
        .map_err(|errors| format!("Salesforce refused it: {errors:?}"))?;
    stage
        .change(json!({ "id": "i-joan", "first_name": "Joan", "last_name": "Clarke", "email": "joan@example.org", "email_opt_in": true }))
        .await?;
    let agreed = until(stage, |stage| {
        identity(stage, "i-joan").get("email_opt_in") == Some(&Value::Bool(false))
    })
    .await?;
    let here = contact(stage, "i-joan");
    let out = here.get("HasOptedOutOfEmail") == Some(&Value::Bool(true));
    let contacts = stage.simulator.find("Contact", "Email", "joan@example.org");
    stage.tell(
        "Two records of one person meet, one opted out: the opt-out wins on both sides",
        "no mail to Joan Clarke",
        agreed && out && contacts.len() == 1,
    );
    Ok(())
}
