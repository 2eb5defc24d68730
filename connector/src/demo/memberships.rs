//! Memberships both ways: one that a family buys, one that is made in Salesforce, a longer one, and an edit that does not
//! go back.

use serde_json::{Map, Value, json};

use super::stage::Stage;
use super::story::{Told, text, writes};
use super::way_back::{a_while, fields, until};

type Record = Map<String, Value>;

pub(super) async fn tell(stage: &mut Stage) -> Told {
    a_family_joins(stage).await?;
    a_member_renews(stage).await?;
    a_longer_one(stage).await?;
    an_edit_is_refused(stage).await
}

/// Puts a row into Ticketure, which tells of it.
async fn told(stage: &Stage, entity: &str, row: Value) -> Told {
    let id = stage.simulator.put_row(entity, fields(row));
    let webhook = stage.simulator.row_webhook(entity, &id);
    let webhook = webhook.ok_or("the row is gone")?;
    stage.send(&[webhook]).await.map(|_| ())
}

/// The opportunity that has the field.
fn opportunity(stage: &Stage, field: &str, value: &str) -> Record {
    let mut found = stage.simulator.find("Opportunity", field, value);
    found.pop().unwrap_or_default()
}

fn membership(stage: &Stage, field: &str, value: &str) -> Record {
    let rows = stage.simulator.rows("membership");
    let mut rows = rows.into_iter();
    rows.find(|row| text(row, field) == value)
        .unwrap_or_default()
}

fn contact(stage: &Stage, id: &str) -> Record {
    let mut found = stage
        .simulator
        .find("Contact", "Ticketure_Identity_Id__c", id);
    found.pop().unwrap_or_default()
}

/// The term that the family bought.
fn the_term(stage: &Stage) -> Record {
    opportunity(stage, "Ticketure_Membership_Id__c", "m-kahlo")
}

async fn a_family_joins(stage: &mut Stage) -> Told {
    let bought = json!({
        "id": "m-kahlo", "member_number": "M-1001", "level_name": "Family", "status": "active", "action": "new",
        "valid_from": "2026-03-01", "valid_until": "2027-02-28", "auto_renew": false, "price_paid": "120.00", "currency": "USD",
        "cart_id": "cart-join", "primary_identity_id": "i-frida", "is_gift": false,
        "members": [{ "identity_id": "i-frida", "role": "primary" }, { "identity_id": "i-diego", "role": "secondary" }],
    });
    // The membership before the cart that it was bought with.
    told(stage, "membership", bought).await?;
    let waits = stage.until(|status| status.parked > 0).await?;
    let line = json!({
        "action": "purchased", "cart_id": "cart-join", "ticket_id": "t-join", "item_kind": "membership", "membership_id": "m-kahlo",
        "ticket_type": "Family", "ticket_type_id": "tt-family", "price_paid": "120.00", "identity_id": "i-frida",
        "occurred_at": "2026-03-01T18:04:00Z",
    });
    told(stage, "ticket_audit", line).await?;
    let cart = json!({
        "id": "cart-join", "cart_number": "JOIN", "status": "checked_out", "channel_id": "web", "identity_id": "i-frida",
        "currency": "USD", "checked_out_at": "2026-03-01T18:05:00Z", "total_outstanding": "0.00",
    });
    told(stage, "cart", cart).await?;
    let settled = stage.settled().await?;
    let found = opportunity(stage, "Ticketure_Cart_Id__c", "cart-join");
    let level = if stage.npsp {
        "npe01__Member_Level__c"
    } else {
        "Ticketure_Membership_Level__c"
    };
    let roles = stage.simulator.find(
        "OpportunityContactRole",
        "OpportunityId",
        text(&found, "Id"),
    );
    let truth = waits
        && settled
        && text(&found, "Ticketure_Membership_Term__c") == "m-kahlo:2026-03-01"
        && text(&found, "Ticketure_Membership_End__c") == "2027-02-28"
        && roles.len() == 2;
    stage.tell(
        "The family buys a membership: it is on the opportunity of its cart, and both of them have a role",
        &format!(
            "level {}, {} to {}, {} roles",
            text(&found, level),
            text(&found, "Ticketure_Membership_Start__c"),
            text(&found, "Ticketure_Membership_End__c"),
            roles.len()
        ),
        truth,
    );
    Ok(())
}

/// An opportunity as somebody makes it in Salesforce: open, then with its contact, then won.
fn won(stage: &Stage, member: &str, more: Value) -> Result<String, Box<dyn std::error::Error>> {
    let refused = |errors| format!("Salesforce refused it: {errors:?}");
    let record_type = stage
        .simulator
        .find("RecordType", "DeveloperName", "Membership");
    let record_type = record_type
        .first()
        .map(|found| text(found, "Id").to_owned());
    let member = contact(stage, member);
    let mut opportunity = fields(json!({
        "Name": "Frida's membership", "StageName": "Pledged", "CloseDate": "2027-02-15", "Amount": 130,
        "RecordTypeId": record_type,
    }));
    if stage.npsp {
        opportunity.insert(
            "npsp__Primary_Contact__c".to_owned(),
            json!(text(&member, "Id")),
        );
    }
    opportunity.extend(fields(more));
    let id = stage
        .simulator
        .insert_by_user("Opportunity", opportunity)
        .map_err(refused)?;
    if !stage.npsp {
        let role = json!({ "OpportunityId": id, "ContactId": text(&member, "Id"), "IsPrimary": true, "Role": "Donor" });
        stage
            .simulator
            .insert_by_user("OpportunityContactRole", fields(role))
            .map_err(refused)?;
    }
    let won = fields(json!({ "StageName": "Closed Won" }));
    stage
        .simulator
        .update_by_user("Opportunity", &id, won)
        .map_err(refused)?;
    Ok(id)
}

async fn a_member_renews(stage: &mut Stage) -> Told {
    let id = won(
        stage,
        "i-frida",
        json!({ "Ticketure_Membership_Level__c": "Family", "Ticketure_Membership_Start__c": "2027-03-01", "Ticketure_Membership_End__c": "2028-02-29" }),
    )?;
    let of_it = id.clone();
    let arrived = until(stage, move |stage| {
        let found = opportunity(stage, "Id", &of_it);
        let is_told = |field: &str| !text(&found, field).is_empty();
        is_told("Ticketure_Cart_Id__c") && is_told("Ticketure_Membership_Number__c")
    })
    .await?;
    let made = membership(stage, "external_ref", &id);
    let cart = text(&made, "cart_id").to_owned();
    let found = opportunity(stage, "Id", &id);
    let here = (writes(stage).len(), stage.simulator.tenant_log().len());
    a_while(stage).await?;
    let quiet = here == (writes(stage).len(), stage.simulator.tenant_log().len());
    let term = format!("{}:2027-03-01", text(&made, "id"));
    let truth = arrived
        && quiet
        && text(&made, "valid_until") == "2028-02-29"
        && text(&made, "primary_identity_id") == "i-frida"
        && text(&found, "Ticketure_Membership_Term__c") == term
        && text(&found, "Ticketure_Cart_Id__c") == cart
        && stage
            .simulator
            .find("Opportunity", "Ticketure_Cart_Id__c", &cart)
            .len()
            == 1;
    stage.tell(
        "She renews, and the development office enters it in Salesforce: Ticketure has the membership, and its cart is the same opportunity",
        &format!("{} to {}, then nothing more on either side", text(&made, "valid_from"), text(&made, "valid_until")),
        truth,
    );
    Ok(())
}

async fn a_longer_one(stage: &mut Stage) -> Told {
    let found = opportunity(stage, "Ticketure_Cart_Id__c", "cart-join");
    // Ticketure takes no term that runs into the next: the renewed one is cancelled first.
    let next = stage.simulator.rows("membership");
    let next = next
        .iter()
        .find(|row| text(row, "valid_from") == "2027-03-01");
    let next = next
        .map(|row| text(row, "id").to_owned())
        .unwrap_or_default();
    told(
        stage,
        "membership",
        json!({ "id": next, "status": "cancelled", "action": "cancel" }),
    )
    .await?;
    stage.settled().await?;
    let change = fields(json!({ "Ticketure_Extend_To__c": "2027-05-31" }));
    stage
        .simulator
        .update_by_user("Opportunity", text(&found, "Id"), change)
        .map_err(|errors| format!("Salesforce refused it: {errors:?}"))?;
    let arrived = until(stage, |stage| {
        text(&membership(stage, "id", "m-kahlo"), "valid_until") == "2027-05-31"
            && text(&the_term(stage), "Ticketure_Membership_End__c") == "2027-05-31"
    })
    .await?;
    let found = the_term(stage);
    let is_blank = found
        .get("Ticketure_Extend_To__c")
        .is_none_or(Value::is_null);
    stage.tell(
        "Instead the first one is extended, by a date on its opportunity",
        &format!(
            "it ends on {} on both sides",
            text(&found, "Ticketure_Membership_End__c")
        ),
        arrived && is_blank,
    );
    Ok(())
}

async fn an_edit_is_refused(stage: &mut Stage) -> Told {
    let found = the_term(stage);
    let end = |day: &str| fields(json!({ "Ticketure_Membership_End__c": day }));
    let edit = |stage: &Stage, day: &str| {
        let edited = stage
            .simulator
            .update_by_user("Opportunity", text(&found, "Id"), end(day));
        edited.map_err(|errors| format!("Salesforce refused it: {errors:?}"))
    };
    edit(stage, "2030-12-31")?;
    let dead = stage.until(|status| status.dead == 1).await?;
    let errors = stage.store.errors(10).await?;
    let Some(failed) = errors.first() else {
        stage.tell("An end that is typed over is refused", "it is not", false);
        return Ok(());
    };
    let kept = text(&membership(stage, "id", "m-kahlo"), "valid_until") == "2027-05-31";
    let told =
        failed.error.code == "edit_refused" && failed.error.help.contains("Ticketure_Extend_To__c");
    let detail = format!("{}\n      {}", failed.error.message, failed.error.help);
    stage.tell(
        "An end that is typed over is refused, with what to do instead, and Ticketure keeps its own",
        &detail,
        dead && kept && told,
    );
    edit(stage, "2027-05-31")?;
    stage.retry(failed.id).await?;
    let mended = stage
        .until(|status| status.dead == 0 && status.ready + status.running == 0)
        .await?;
    stage.tell(
        "... and is no error any more when it is put back",
        &format!("usher retry {}", failed.id),
        mended,
    );
    Ok(())
}
