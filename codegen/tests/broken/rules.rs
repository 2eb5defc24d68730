//! The same for what only the compiler sees: schemas that contradict the mapping, tests that do, and reasons to allow it.

use super::cases::{Case, case};

pub const CASES: &[Case] = &[
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: address.line2, destination: MailingStreet }\n",
        &[("M0302", "address.line2")],
    ),
    case(
        "destination: MailingStreet",
        "destination: MailingAddress",
        &[("M0203", "MailingAddress")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: sms_opt_in, destination: Title }\n",
        &[("M0201", "sms_opt_in")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: organization_id, destination: AccountId, reference: account }\n",
        &[
            ("M0219", "destination: AccountId"),
            ("M0302", "!second destination: AccountId"),
        ],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: organization_id, destination: ReportsToId, reference: contact }\n",
        &[("M0307", "ReportsToId")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: organization_id, destination: ReportsToId }\n",
        &[("M0201", "ReportsToId")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { value: Ticketure, destination: Title, reference: account }\n",
        &[("M0201", "destination: Title")],
    ),
    case(
        "destination: Ticketure_Language__c",
        "destination: Account.Name",
        &[("M0102", "Account.Name")],
    ),
    case(
        "npsp__Primary_Affiliation__c, ref",
        "npsp__Primary_Affiliation__r, ref",
        &[("M0102", "Affiliation__r")],
    ),
    case(
        "convert: email, pii",
        "convert: email, needs: npsp, pii",
        &[("M0221", "needs: npsp, pii")],
    ),
    case(
        "when_creating: true",
        "when_creating: true, required: true",
        &[("M0210", "required: true }")],
    ),
    case(
        "when_creating: true",
        "when_creating: true, conflict: source",
        &[("M0210", "conflict: source")],
    ),
    case(
        "identity_type: person }",
        "identity_type: organization }",
        &[("M0313", "source: { identity_type: organization }")],
    ),
    case(
        "identity_type: person }",
        "identity_type: null }",
        &[("M0306", "identity_type: null")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { LeadSource: Tiketure }\n",
        &[("M0306", "Tiketure")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { HasOptedOutOfEmail: \"false\" }\n",
        &[("M0306", "\"false\"")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { LastName: null }\n",
        &[("M0306", "LastName: null")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { OwnerId: Ada }\n",
        &[("M0306", "OwnerId: Ada")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { AccountId: \"003000000000001\" }\n",
        &[("M0306", "003000000000001")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { Birthdate: 2001-02-30 }\n",
        &[("M0306", "2001-02-30")],
    ),
    case(
        "  source: { identity_type: person }\n",
        "  source: { identity_type: person }\n  destination: { Salutation: { not: Herr } }\n",
        &[("M0306", "Herr")],
    ),
    case(
        "key: { source: id, destination: Ticketure_Identity_Id__c }",
        "key: { source: id, destination: Id }",
        &[("M0207", "key:")],
    ),
    case(
        "key: { source: id",
        "key: { source: identity_type",
        &[("M0207", "key:")],
    ),
    case("lane: id", "lane: organization_id", &[("M0317", "lane:")]),
    case("lane: id", "lane: identity_type", &[("M0305", "lane:")]),
    case("lock: AccountId", "lock: OwnerId", &[("M0318", "lock:")]),
    case(
        "lock: AccountId",
        "lock: npsp__Primary_Affiliation__c",
        &[("M0223", "lock:")],
    ),
    case(
        "[[email, first_name, last_name], [email]]",
        "[[last_name]]",
        &[("M0316", "[[last_name]]")],
    ),
    case(
        "[[email, first_name, last_name], [email]]",
        "[[email], [email]]",
        &[("M0319", "[[email], [email]]")],
    ),
    case(
        "[[email, first_name, last_name], [email]]",
        "[[email, email]]",
        &[("M0319", "[[email, email]]")],
    ),
    case(
        "policy: adopt",
        "policy: always_create",
        &[("M0319", "always_create")],
    ),
    case(
        "destination: [[email, first_name, last_name], [email]]\n  source: on_conflict\n  ",
        "",
        &[("M0319", "policy: adopt")],
    ),
    case(
        "name: a changed fax number does not",
        "name: a changed phone number goes back",
        &[("M0312", "!second name: a changed phone number goes back")],
    ),
    case(
        "given: { id: \"i-3\", identity",
        "given: { identity",
        &[("M0313", "given: { identity")],
    ),
    case(
        "given: { id: \"i-3\", identity_type: person",
        "given: { id: \"i-3\", identity_type: organization",
        &[("M0313", "\"i-3\"")],
    ),
    case(
        "push: { mobile: \"2\" }",
        "push: { organization_id: \"2\" }",
        &[("M0314", "push: { organization_id")],
    ),
    case(
        "expect_some: { npsp__Primary_Affiliation__c",
        "expect_some: { Title: x, npsp__Primary_Affiliation__c",
        &[("M0314", "Title: x")],
    ),
    case(
        "LeadSource: Ticketure }",
        "LeadSource: Web }",
        &[("M0314", "LeadSource: Web")],
    ),
    case(
        "email_opt_in: true }\n    expect:",
        "email_opt_in: yes }\n    expect:",
        &[("M0315", "email_opt_in: yes")],
    ),
    case(
        "address: { city: Arlington, country: US }",
        "address: Arlington",
        &[("M0315", "address: Arlington")],
    ),
    case(
        "HasOptedOutOfEmail: false",
        "HasOptedOutOfEmail: 0",
        &[("M0315", "HasOptedOutOfEmail: 0")],
    ),
    case("Salutation]", "Fax]", &[("M0301", "ignore:")]),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Salutation]\nunmapped: error",
        &[("M0310", "unmapped: error")],
    ),
    case(
        "destination: Ticketure_Language__c, monitored",
        "destination: Ticketure_Language__c, allow: { M0214: }, monitored",
        &[("M0006", "allow: { M0214: }")],
    ),
    case(
        "destination: Ticketure_Language__c, monitored",
        "destination: Ticketure_Language__c, allow: { M0202: it fits }, monitored",
        &[("M0308", "M0202: it fits")],
    ),
    case(
        "destination: Ticketure_Language__c, monitored",
        "destination: Ticketure_Language__c, allow: { M0214: it fits }, monitored",
        &[("M0309", "M0214: it fits")],
    ),
    case(
        "destination: Ticketure_Language__c, monitored",
        "destination: Title, allow: { M0214: nobody types that much }, monitored",
        &[],
    ),
    case(
        "lane: id\n",
        "lane: id\nallow: { M0311: there is no other }\n",
        &[("M0309", "M0311")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: website, destination: Title }\n",
        &[("M0202", "destination: Title")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: website, destination: EmailBouncedReason }\n",
        &[("M0216", "EmailBouncedReason")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: customer_note, destination: Description }\n",
        &[("M0214", "Description")],
    ),
    case(
        "phone, destination: HomePhone",
        "phone, destination: Jigsaw",
        &[("M0202", "Jigsaw")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: customer_note, destination: npe01__AlternateEmail__c, needs: npsp }\n",
        &[("M0215", "AlternateEmail")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: website, destination: AssistantPhone }\n",
        &[("M0215", "AssistantPhone")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { value: Ada, destination: npe01__AlternateEmail__c, needs: npsp }\n",
        &[("M0215", "AlternateEmail")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { value: \"\", destination: Title }\n",
        &[("M0201", "destination: Title")],
    ),
    case(
        "destination: Ticketure_Language__c",
        "destination: CleanStatus",
        &[("M0224", "CleanStatus")],
    ),
    case(
        "convert: not",
        "convert: not, direction: forward",
        &[("M0210", "convert: not")],
    ),
    case(
        "required: true, convert: email",
        "required: true, convert: date",
        &[("M0201", "convert: date, pii: true }")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n",
        "  - { source: language, destination: Ticketure_Language__c, monitored: true }\n  - { source: sms_opt_in, destination: npsp__Do_Not_Contact__c, needs: npsp }\n",
        &[("M0225", "npsp__Do_Not_Contact__c")],
    ),
    case(
        "value: Ticketure, destination: LeadSource",
        "value: 1234567890.12345678901, destination: Jigsaw",
        &[("M0202", "Jigsaw")],
    ),
];
