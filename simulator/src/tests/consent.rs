//! NPSP's trigger on Do Not Contact.

use super::*;

const BOXES: [&str; 4] = [
    "npsp__Deceased__c",
    "npsp__Do_Not_Contact__c",
    "HasOptedOutOfEmail",
    "DoNotCall",
];

impl Client {
    /// Values of Deceased, Do Not Contact, opted out and Do Not Call.
    fn boxes(&self, id: &str) -> [bool; 4] {
        let contact = self.record("Contact", id);
        BOXES.map(|field| contact[field] == json!(true))
    }

    fn edited(&self, id: &str, fields: Value) -> [bool; 4] {
        let fields = fields.as_object().unwrap().clone();
        self.simulator
            .update_by_user("Contact", id, fields)
            .unwrap();
        self.boxes(id)
    }
}

#[tokio::test]
async fn mail_and_calls_follow_do_not_contact_when_it_changes() {
    let org = client(true).await;
    let id = org.make("Contact", json!({ "LastName": "Lovelace" })).await;
    let ticked = json!({ "npsp__Do_Not_Contact__c": true });
    assert_eq!(org.edited(&id, ticked.clone()), [false, true, true, true]);
    // While Do Not Contact stays the same, a user may set the other boxes, and ticking it again changes nothing.
    let wants_mail = json!({ "HasOptedOutOfEmail": false });
    assert_eq!(org.edited(&id, wants_mail), [false, true, false, true]);
    assert_eq!(org.edited(&id, ticked), [false, true, false, true]);
    // Unticking it also unticks boxes that a user has ticked.
    let opted_out = json!({ "HasOptedOutOfEmail": true });
    org.edited(&id, opted_out);
    let unticked = json!({ "npsp__Do_Not_Contact__c": false, "HasOptedOutOfEmail": true });
    assert_eq!(org.edited(&id, unticked), [false, false, false, false]);
}

#[tokio::test]
async fn the_deceased_are_not_contacted() {
    let org = client(true).await;
    let id = org.make("Contact", json!({ "LastName": "Lovelace" })).await;
    let deceased = json!({ "npsp__Deceased__c": true });
    assert_eq!(org.edited(&id, deceased), [true, true, true, true]);
    let alive = json!({ "npsp__Deceased__c": false, "npsp__Do_Not_Contact__c": true });
    assert_eq!(org.edited(&id, alive), [false, false, false, false]);
}

#[tokio::test]
async fn a_new_contact_follows_where_a_box_is_ticked() {
    let org = client(true).await;
    for (fields, boxes) in [
        (
            json!({ "LastName": "L", "npsp__Do_Not_Contact__c": true }),
            [false, true, true, true],
        ),
        (
            json!({ "LastName": "L", "npsp__Deceased__c": true }),
            [true, true, true, true],
        ),
        (
            json!({ "LastName": "L", "HasOptedOutOfEmail": true }),
            [false, false, true, false],
        ),
    ] {
        let id = org.make("Contact", fields).await;
        assert_eq!(org.boxes(&id), boxes);
    }
    // Without NPSP the org has neither the box nor the trigger.
    let plain = client(false).await;
    let fields = json!({ "LastName": "L", "npsp__Do_Not_Contact__c": true });
    assert_eq!(plain.refusal(fields).await, "INVALID_FIELD");
}
