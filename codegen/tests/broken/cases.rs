//! How people break the shipped contact mapping, and what is to be said of it. The schema for editors is tried by it too.

/// Replaces the first `from` by `to`; the diagnostics are expected at the lines that then hold the given texts.
pub struct Case {
    pub from: &'static str,
    pub to: &'static str,
    pub expected: &'static [(&'static str, &'static str)],
}

pub const fn case(
    from: &'static str,
    to: &'static str,
    expected: &'static [(&'static str, &'static str)],
) -> Case {
    Case { from, to, expected }
}

pub const CASES: &[Case] = &[
    case(
        "destination: FirstName",
        "destination: FristName",
        &[("M0102", "FristName")],
    ),
    case(
        "destination: FirstName",
        "destination: first_name",
        &[("M0102", "destination: first_name")],
    ),
    case(
        "source: mobile",
        "source: mobil",
        &[("M0101", "source: mobil,")],
    ),
    case("address.city", "address.cty", &[("M0101", "address.cty")]),
    case("address.city", "adress.city", &[("M0101", "adress.city")]),
    case("address.city", "city", &[("M0101", "source: city")]),
    case("convert: email", "convert: e-mail", &[("M0105", "e-mail,")]),
    case(
        "convert: date",
        "convert: dat",
        &[("M0105", "convert: dat,")],
    ),
    case(", convert: date", "", &[("M0201", "Birthdate")]),
    case(
        "convert: not",
        "convert: phone",
        &[("M0201", "convert: phone }")],
    ),
    case(
        "reference: account",
        "reference: acount",
        &[("M0104", "acount")],
    ),
    case(
        "reference: account",
        "reference: contact",
        &[
            ("M0201", "reference: contact"),
            ("M0307", "reference: contact"),
        ],
    ),
    case(
        ", reference: account",
        "",
        &[("M0201", "npsp__Primary_Affiliation__c, needs")],
    ),
    case(", needs: npsp", "", &[("M0208", "reference: account }")]),
    case("needs: npsp", "needs: nspp", &[("M0007", "nspp")]),
    case(
        "value: Ticketure",
        "value: Tiketure",
        &[("M0206", "Tiketure")],
    ),
    case(
        "monitored: true",
        "monitord: true",
        &[("M0004", "monitord")],
    ),
    case(
        "monitored: true",
        "monitored: yes",
        &[("M0006", "monitored: yes")],
    ),
    case(
        "monitored: true",
        "monitored: \"true\"",
        &[("M0006", "monitored: \"true\"")],
    ),
    case(
        "destination: HomePhone",
        "destination: MobilePhone",
        &[("M0302", "source: mobile")],
    ),
    case(
        "destination: HomePhone",
        "destination: CreatedDate",
        &[("M0203", "CreatedDate")],
    ),
    case(
        "destination: HomePhone",
        "destination: Ticketure_Identity_Id__c",
        &[("M0302", "source: phone"), ("M0202", "source: phone")],
    ),
    case(
        "destination: MailingCity",
        "destination: MailingPostalCode",
        &[("M0202", "address.city"), ("M0302", "address.postal_code")],
    ),
    case(
        "source: address.city",
        "source: address",
        &[("M0201", "source: address,")],
    ),
    case(
        "destination: Ticketure_Identity_Id__c",
        "destination: Email",
        &[("M0207", "key:"), ("M0302", "convert: email")],
    ),
    case(
        "destination: Ticketure_Identity_Id__c }",
        "destination: Ticketure_Id__c }",
        &[("M0102", "Ticketure_Id__c }")],
    ),
    case(
        "key: { source: id",
        "key: { source: email",
        &[("M0207", "key:")],
    ),
    case("lane: id", "lane: idd", &[("M0101", "idd")]),
    case("lane: id", "lane:id", &[("M0001", "lane:id")]),
    case("lane: id\n", "", &[("M0005", "mapping: contact")]),
    case("lane: id", "lane: address", &[("M0305", "lane: address")]),
    case(
        "lock: AccountId",
        "lock: AcountId",
        &[("M0102", "AcountId")],
    ),
    case(
        "lock: AccountId",
        "lock: LastName",
        &[("M0305", "lock: LastName")],
    ),
    case("lock: AccountId", "lcok: AccountId", &[("M0004", "lcok")]),
    case(
        "on: identity_changed",
        "on: identity_change",
        &[("M0103", "identity_change")],
    ),
    case(
        "source: ticketure.identity",
        "source: ticketure.identiy",
        &[("M0103", "identiy")],
    ),
    case(
        "destination: salesforce.Contact",
        "destination: salesforce.Contcat",
        &[("M0103", "Contcat")],
    ),
    case("direction: both", "direction: boht", &[("M0007", "boht")]),
    case(
        "direction: both",
        "direction: reverse",
        &[("M0331", "reverse")],
    ),
    case(
        "identity_type: person",
        "identity_type: persn",
        &[("M0306", "persn")],
    ),
    case(
        "key: { source: id",
        "nothing: { identity_type: organization }\nkey: { source: id",
        &[("M0332", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: { identity_type: [person] }\nkey: { source: id",
        &[("M0332", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: { identity_type: robto }\nkey: { source: id",
        &[("M0306", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: { languag: en }\nkey: { source: id",
        &[("M0101", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: { language: { not: en } }\nkey: { source: id",
        &[("M0006", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: { language: [] }\nkey: { source: id",
        &[("M0006", "nothing:")],
    ),
    case(
        "key: { source: id",
        "nothing: [open]\nkey: { source: id",
        &[("M0006", "nothing:")],
    ),
    case(
        "identity_type: person",
        "identity_typ: person",
        &[("M0101", "identity_typ:")],
    ),
    case("conflict: newest", "conflict: newst", &[("M0007", "newst")]),
    case(
        "on_link: fill_blanks",
        "on_link: fill",
        &[("M0007", "on_link: fill")],
    ),
    case(
        "after_delete: detach",
        "after_delete: detach\nduplicates: alow",
        &[("M0007", "duplicates: alow")],
    ),
    case(
        "after_delete: detach",
        "after_delte: detach",
        &[("M0004", "after_delte")],
    ),
    case(
        "destination: LastName, monitored",
        "destination: LastName, conflict: restrictive, monitored",
        &[("M0211", "restrictive")],
    ),
    case(
        "when_creating: true",
        "when_creating: true, direction: both",
        &[("M0209", "LeadSource, when_creating: true")],
    ),
    case(
        "reference: account,",
        "reference: account, direction: both,",
        &[("M0209", "reference: account")],
    ),
    case(
        "reference: account,",
        "reference: account, monitored: true,",
        &[("M0210", "reference: account")],
    ),
    case(
        "source: language,",
        "source: id,",
        &[
            ("M0202", "source: id, destination: Ticketure_L"),
            ("M0209", "source: id, destination: Ticketure_L"),
        ],
    ),
    case(
        "source: mobile,",
        "source: phone,",
        &[("M0209", "!second source: phone,")],
    ),
    case(
        "push: { mobile: \"2\" }",
        "push: { moblie: \"2\" }",
        &[("M0101", "moblie")],
    ),
    case("    push: false", "    push: maybe", &[("M0006", "maybe")]),
    case(
        "before: { FirstName: Ada, LastName: Lovelace }",
        "before: { FristName: Ada, LastName: Lovelace }",
        &[("M0102", "FristName")],
    ),
    case(
        "direction: both",
        "direction: forward",
        &[("M0210", "direction: forward")],
    ),
    case("policy: adopt", "policy: adpot", &[("M0007", "adpot")]),
    case(
        "[[email, first_name, last_name]",
        "[[email, first_name, lastname]",
        &[("M0101", "lastname")],
    ),
    case(
        "[[email, first_name, last_name]",
        "[[email, first_name, language2]",
        &[("M0101", "language2")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Salutatoin]",
        &[("M0301", "Salutatoin")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Email]",
        &[("M0301", "ignore:")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Salutation",
        &[("M0001", "ignore:")],
    ),
    case(
        "mapping: contact",
        "maping: contact",
        &[("M0004", "maping")],
    ),
    case("fields:\n", "fields\n", &[("M0001", "fields")]),
    case(
        "{ source: mobile,",
        "{ source: mobile",
        &[("M0001", "source: mobile")],
    ),
    case(
        "source: phone, destination: HomePhone",
        "source: phone, destination:HomePhone",
        &[("M0004", "destination:HomePhone")],
    ),
    case(
        "source: phone, destination: HomePhone",
        "source: \"phone, destination: HomePhone",
        &[("M0001", "\"phone")],
    ),
    case(
        "convert: date, pii: true }",
        "convert: date, pii: true",
        &[("M0001", "date_of_birth")],
    ),
    case(
        "  - { source: language",
        "\t- { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language",
        " - { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language",
        "   - { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c",
        "  - { source: language, value: x, destination: Ticketure_Language__c",
        &[("M0006", "value: x")],
    ),
    case(
        "lane: id",
        "lane: id\nlane: id",
        &[("M0002", "!second lane: id")],
    ),
    case(
        "    given: { id: \"i-1\"",
        "    givn: { id: \"i-1\"",
        &[("M0004", "givn")],
    ),
    case(
        "Email: ada@example.org",
        "Emial: ada@example.org",
        &[("M0102", "Emial: ada")],
    ),
    case(", convert: not", "", &[("M0225", "HasOptedOutOfEmail")]),
    case("value: Ticketure", "value: 5", &[("M0206", "value: 5")]),
    case(
        "source: { identity_type: person }",
        "source: { identity_type: organization }",
        &[("M0313", "source: { identity_type: organization }")],
    ),
    case(
        "source: organization_id",
        "source: email",
        &[("M0215", "source: email, destination: npsp__")],
    ),
    case(
        "[[email, first_name, last_name], [email]]",
        "[[email], [email, first_name, last_name]]",
        &[("M0319", "[[email], [")],
    ),
    case(
        "expect_some: { npsp__Primary_Affiliation__c: \"o-1\" }",
        "expect_some: { npsp__Primary_Affiliation__c: 5 }",
        &[("M0315", "npsp__Primary_Affiliation__c: 5")],
    ),
    case(
        "expect_some: { npsp__Primary_Affiliation__c: \"o-1\" }",
        "expect_some: {}",
        &[("M0314", "name: the employer")],
    ),
    case(
        "    before: { FirstName: Ada, LastName: Lovelace, Email: ada@example.org, MobilePhone: \"1\" }\n",
        "",
        &[("M0005", "name: a changed phone number")],
    ),
    case(
        "MobilePhone: \"1\" }\n    after",
        "MobilePhone: 1 }\n    after",
        &[("M0315", "MobilePhone: 1 }")],
    ),
];
