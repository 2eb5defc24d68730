//! Trees whose mapping is held, and trees beside them.

use runtime::queue::State;
use serde_json::json;
use simulator::{Fault, FaultKind};

use super::shapes::{cart, ticket, webhook};
use crate::sync::holds::Cause;
use crate::sync::tests::museum::{Museum, pass};

/// The user does not see a field of opportunity lines.
fn hide_event(museum: &Museum) {
    museum.simulator.add_fault(Fault {
        path: Some("/services/data".to_owned()),
        ..Fault::always(FaultKind::Reject {
            field: "Ticketure_Event__c".to_owned(),
            equals: json!("Dinosaurs"),
            code: "INVALID_FIELD".to_owned(),
            message: "No such column 'Ticketure_Event__c' on sobject of type OpportunityLineItem"
                .to_owned(),
        })
    });
}

async fn sell(museum: &Museum, carts: std::ops::Range<usize>) {
    for number in carts {
        let id = format!("c-{number}");
        let mut sold = ticket(&id, number, "purchased");
        sold["event_name"] = json!("Dinosaurs");
        let webhooks = vec![
            webhook("ticket_audit", "ticket_audit", number, vec![sold]),
            webhook("cart_changed", "cart", number, vec![cart(&id)]),
        ];
        museum.send(webhooks).await;
        pass(2).await;
    }
}

fn sales(museum: &Museum) -> usize {
    museum.simulator.records("Opportunity").len()
}

#[tokio::test(start_paused = true)]
async fn a_hidden_field_of_lines_holds_the_carts_with_lines_alone() {
    let museum = Museum::working();
    hide_event(&museum);
    sell(&museum, 0..5).await;
    let told = museum.pause("mapping ticket").await.unwrap();
    assert!(told.contains("ticket.yaml:"), "{told}");
    assert_eq!(sales(&museum), 0);
    let mut gift = cart("gift");
    gift["total_outstanding"] = json!("0.00");
    museum
        .send(vec![webhook("cart_changed", "cart", 90, vec![gift])])
        .await;
    museum.people(3).await;
    pass(5).await;
    assert_eq!((sales(&museum), museum.contacts()), (1, 3));
    let before = museum.simulator.calls();
    pass(3_600).await;
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 60 + 12 * 12, "{calls} calls in an hour");
    museum.simulator.clear_faults();
    pass(300).await;
    museum.settled().await;
    assert_eq!(sales(&museum), 6);
    assert_eq!(museum.errors().await, []);
    assert_eq!(museum.state(1).await, (State::Done, 0));
    pass(10).await;
    assert_eq!(museum.pause("mapping ticket").await, None);
}

#[tokio::test(start_paused = true)]
async fn twenty_carts_that_a_rule_refuses_hold_their_mapping() {
    let museum = Museum::working();
    museum.fault(
        "/services/data",
        None,
        FaultKind::Reject {
            field: "CloseDate".to_owned(),
            equals: json!("2026-03-01"),
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            message: "Say the currency.".to_owned(),
        },
    );
    sell(&museum, 0..25).await;
    assert_eq!(sales(&museum), 0);
    let told = museum.pause("mapping cart").await.unwrap();
    assert!(told.contains("Say the currency."), "{told}");
    assert_eq!(museum.errors().await, []);
    museum.simulator.clear_faults();
    pass(60).await;
    museum.settled().await;
    assert_eq!(sales(&museum), 25);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_try_goes_to_a_cart_that_no_other_hold_stops() {
    let museum = Museum::working();
    sell(&museum, 0..1).await;
    let object = "OpportunityLineItem";
    let hold = |name| {
        let (sync, reason) = (&museum.sync, "hidden".to_owned());
        let cause = Cause::Mapping { object };
        sync.holds()
            .hold(name, cause, (reason, None), sync.now_ms());
    };
    hold("ticket");
    pass(290).await;
    hold("fees");
    pass(20).await;
    let mut with_fees = cart("c-9");
    with_fees["total_fee_fixed_outside"] = json!("2.50");
    let more = vec![ticket("c-0", 7, "purchased")];
    let new = vec![ticket("c-9", 9, "purchased")];
    museum
        .send(vec![
            webhook("ticket_audit", "ticket_audit", 7, more),
            webhook("ticket_audit", "ticket_audit", 9, new),
            webhook("cart_changed", "cart", 9, vec![with_fees]),
        ])
        .await;
    pass(5).await;
    assert_eq!(museum.simulator.records(object).len(), 2);
    museum.settled().await;
    assert_eq!(sales(&museum), 2);
}
