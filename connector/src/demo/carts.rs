//! What a day at the tills brings: a family, a school, a refund, the gate, and two records of one person.

mod rows;

use serde_json::{Map, Value, json};

use super::stage::Stage;
use super::story::{Told, text};
use rows::{amount, amounts, cart, line, opportunity, paid, said, send, ticket};

type Record = Map<String, Value>;

pub(super) async fn tell(stage: &mut Stage) -> Told {
    funds(stage);
    a_family(stage).await?;
    a_school(stage).await?;
    a_refund(stage).await?;
    a_scan(stage).await?;
    a_merge(stage).await
}

fn funds(stage: &Stage) {
    for name in ["Conservation", "Education"] {
        let fund = json!({ "Name": name, "npsp__Active__c": true });
        if let Value::Object(fund) = fund {
            let _ = stage
                .simulator
                .insert_by_user("npsp__General_Accounting_Unit__c", fund);
        }
    }
}

async fn a_family(stage: &mut Stage) -> Told {
    let donation = json!({
        "item_kind": "donation", "ticket_type": "Donation", "ticket_type_id": "tt-donation", "price_paid": "100.00",
        "funds": [{ "code": "Conservation", "percent": 60 }, { "code": "Education", "percent": 40 }],
    });
    let buy = |id: &str, who: &str, more: Value| {
        ticket("cart-kahlo", id, who, "purchased", "1T18:04:00", more)
    };
    // Everything before the people that it is about.
    let tickets = vec![
        buy("t-1", "i-frida", json!({})),
        buy(
            "t-2",
            "i-frida",
            json!({ "ticket_type": "Child", "ticket_type_id": "tt-child", "price_paid": "12.50" }),
        ),
        buy("t-3", "i-diego", json!({})),
        buy("t-4", "i-frida", donation),
    ];
    send(stage, "ticket_audit", "ticket_audit", tickets).await?;
    send(
        stage,
        "gateway_audit",
        "gateway_audit",
        vec![paid("cart-kahlo", "g-1", "charge", "ch-1", "162.50")],
    )
    .await?;
    send(
        stage,
        "cart_changed",
        "cart",
        vec![cart(
            "cart-kahlo",
            json!("i-frida"),
            Value::Null,
            "162.50",
            "0.00",
        )],
    )
    .await?;
    let waits = stage.until(|status| status.parked > 0).await?;
    for (id, first_name) in [("i-frida", "Frida"), ("i-diego", "Diego")] {
        stage.change(json!({ "id": id, "first_name": first_name, "last_name": "Kahlo", "email": format!("{id}@example.org") })).await?;
    }
    let settled = stage.settled().await?;
    let found = opportunity(stage, "cart-kahlo");
    let lines = amounts(
        stage,
        "OpportunityLineItem",
        "OpportunityId",
        &found,
        "TotalPrice",
    );
    let allocations = amounts(
        stage,
        "npsp__Allocation__c",
        "npsp__Opportunity__c",
        &found,
        "npsp__Amount__c",
    );
    let payments = amounts(
        stage,
        "npe01__OppPayment__c",
        "npe01__Opportunity__c",
        &found,
        "npe01__Payment_Amount__c",
    );
    let households: Vec<String> = ["i-frida", "i-diego"]
        .iter()
        .flat_map(|id| {
            stage
                .simulator
                .find("Contact", "Ticketure_Identity_Id__c", id)
        })
        .map(|contact| text(&contact, "AccountId").to_owned())
        .collect();
    let truth = waits
        && settled
        && amount(&found, "Amount").as_deref() == Some("162.50")
        && text(&found, "StageName") == "Closed Won"
        && lines == ["100.00", "12.50", "25.00", "25.00"]
        && (!stage.npsp || allocations == ["40.00", "60.00"])
        && (!stage.npsp || payments == ["162.50"])
        && (!stage.npsp
            || matches!(households.as_slice(), [one, other] if one == other && !one.is_empty()));
    let more = match stage.npsp {
        true => format!(", allocations {}, one household", allocations.join(" + ")),
        false => String::new(),
    };
    stage.tell(
        "A family buys tickets and gives to two funds; the tickets come before the family",
        &format!(
            "one opportunity of {}, lines {}{more}",
            amount(&found, "Amount").unwrap_or_default(),
            lines.join(" + "),
        ),
        truth,
    );
    Ok(())
}

async fn a_school(stage: &mut Stage) -> Told {
    let row = |owed: &str| {
        vec![cart(
            "cart-hill",
            Value::Null,
            json!("o-hill"),
            "400.00",
            owed,
        )]
    };
    let group = json!({ "ticket_type": "School group", "ticket_type_id": "tt-group", "price_paid": "400.00", "identity_id": null });
    let group = ticket("cart-hill", "t-5", "", "purchased", "1T18:04:00", group);
    send(stage, "ticket_audit", "ticket_audit", vec![group]).await?;
    send(
        stage,
        "gateway_audit",
        "gateway_audit",
        vec![paid("cart-hill", "g-2", "charge", "ch-2", "150.00")],
    )
    .await?;
    send(stage, "cart_changed", "cart", row("250.00")).await?;
    let settled = stage.settled().await?;
    let first = opportunity(stage, "cart-hill");
    let then = text(&first, "StageName").to_owned();
    let mut paid_up = cart("cart-hill", Value::Null, json!("o-hill"), "400.00", "0.00");
    // The delivery is later than the first.
    if let Value::Object(row) = &mut paid_up {
        row.insert("updated_at".to_owned(), json!("2026-03-20T10:00:00Z"));
    }
    let later = json!({
        "event_type": "cart_changed", "event_id": "cart-hill-paid", "occurred_at": "2026-03-20T10:00:00Z",
        "data": { "cart": { "_data": [paid_up] } },
    });
    stage.send(&[later]).await?;
    send(
        stage,
        "gateway_audit",
        "gateway_audit",
        vec![paid("cart-hill", "g-3", "charge", "ch-3", "250.00")],
    )
    .await?;
    let settled = stage.settled().await? && settled;
    let found = opportunity(stage, "cart-hill");
    let payments = amounts(
        stage,
        "npe01__OppPayment__c",
        "npe01__Opportunity__c",
        &found,
        "npe01__Payment_Amount__c",
    );
    let school = stage
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", "o-hill");
    let is_schools = school
        .first()
        .is_some_and(|school| text(school, "Id") == text(&found, "AccountId"));
    let truth = settled
        && is_schools
        && then == "Pledged"
        && text(&found, "StageName") == "Closed Won"
        && (!stage.npsp || payments == ["150.00", "250.00"]);
    stage.tell(
        "A school books, and pays in two instalments",
        &format!(
            "{then} after the first, {} after the second{}",
            text(&found, "StageName"),
            said(": payments ", &payments.join(" + "))
        ),
        truth,
    );
    Ok(())
}

async fn a_refund(stage: &mut Stage) -> Told {
    let back = ticket(
        "cart-kahlo",
        "t-3",
        "i-diego",
        "refunded",
        "2T10:00:00",
        json!({}),
    );
    send(stage, "ticket_audit", "ticket_audit", vec![back]).await?;
    send(
        stage,
        "gateway_audit",
        "gateway_audit",
        vec![paid("cart-kahlo", "g-4", "refund", "ch-1", "25.00")],
    )
    .await?;
    let settled = stage.settled().await?;
    let found = opportunity(stage, "cart-kahlo");
    let payments = amounts(
        stage,
        "npe01__OppPayment__c",
        "npe01__Opportunity__c",
        &found,
        "npe01__Payment_Amount__c",
    );
    // By default a refunded line is deleted, and the rest is the opportunity's amount.
    let is_gone = line(stage, "cart-kahlo", "t-3").is_empty();
    let left = amount(&found, "Amount").unwrap_or_default();
    let truth =
        settled && (!stage.npsp || payments == ["-25.00", "162.50"]) && is_gone && left == "137.50";
    stage.tell(
        "Diego cannot come: his ticket is refunded",
        &format!(
            "the line is deleted, the opportunity comes to {left}{}",
            said(", payments ", &payments.join(" and "))
        ),
        truth,
    );
    Ok(())
}

async fn a_scan(stage: &mut Stage) -> Told {
    let scans = ["7T18:01:00", "7T20:30:00"]
        .map(|at| ticket("cart-kahlo", "t-1", "i-frida", "redeemed", at, json!({})));
    // The later one first: it is what happened that counts, not when it was heard.
    send(
        stage,
        "ticket_audit",
        "ticket_audit",
        scans.into_iter().rev().collect(),
    )
    .await?;
    let settled = stage.settled().await?;
    let line = line(stage, "cart-kahlo", "t-1");
    let count = amount(&line, "Ticketure_Redeemed_Count__c").unwrap_or_default();
    let at = text(&line, "Ticketure_Last_Redeemed__c").to_owned();
    let truth = settled
        && text(&line, "Ticketure_Status__c") == "Redeemed"
        && count == "2.00"
        && at.starts_with("2026-03-07T20:30:00");
    stage.tell(
        "Frida is scanned at the gate, twice, and the second scan is heard of first",
        &format!(
            "the line says {}, twice, last at {at}",
            text(&line, "Ticketure_Status__c")
        ),
        truth,
    );
    Ok(())
}

async fn a_merge(stage: &mut Stage) -> Told {
    stage.change(json!({ "id": "i-frieda", "first_name": "Frieda", "last_name": "Kahlo", "email": "frieda@example.org" })).await?;
    stage.settled().await?;
    stage
        .change(json!({ "id": "i-frieda", "merged_into_id": "i-frida" }))
        .await?;
    stage.settled().await?;
    let bought = ticket(
        "cart-late",
        "t-6",
        "i-frieda",
        "purchased",
        "9T12:00:00",
        json!({}),
    );
    send(stage, "ticket_audit", "ticket_audit", vec![bought]).await?;
    send(
        stage,
        "cart_changed",
        "cart",
        vec![cart(
            "cart-late",
            json!("i-frieda"),
            Value::Null,
            "25.00",
            "0.00",
        )],
    )
    .await?;
    let settled = stage.settled().await?;
    let found = opportunity(stage, "cart-late");
    let frida = stage
        .simulator
        .find("Contact", "Ticketure_Identity_Id__c", "i-frida");
    let id = frida
        .first()
        .map(|contact| text(contact, "Id").to_owned())
        .unwrap_or_default();
    let roles = stage.simulator.find(
        "OpportunityContactRole",
        "OpportunityId",
        text(&found, "Id"),
    );
    let is_hers = matches!(roles.as_slice(), [role] if text(role, "ContactId") == id && role.get("IsPrimary") == Some(&json!(true)));
    let truth = settled && !id.is_empty() && is_hers;
    stage.tell(
        "Two identities of one person are merged, and a cart of the one that went is the other's",
        "cart-late is Frida's",
        truth,
    );
    Ok(())
}
