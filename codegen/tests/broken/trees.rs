//! The same for the mappings of a cart: trees, made members, look-ups.

use super::cases::{Case, case};
use super::memberships::{BUYER, MEMBER_ROLE, MEMBERSHIP};
use super::{everything, found, line_of};

/// A shipped mapping and the ways to break it.
const CASES: &[(&str, &[Case])] = &[
    ("ticket.yaml", TICKET),
    ("cart.yaml", CART),
    ("cart_of_tickets.yaml", DERIVED),
    ("allocation.yaml", ALLOCATION),
    ("payment.yaml", PAYMENT),
    ("refund.yaml", REFUND),
    ("contact_role.yaml", ROLE),
    ("new_membership.yaml", PUSHED),
    ("membership.yaml", REFUSED),
    ("buyer_role.yaml", BUYER),
    ("membership.yaml", MEMBERSHIP),
    ("member_role.yaml", MEMBER_ROLE),
];

const PUSHED: &[Case] = &[
    case("push_as: create\n", "", &[("M0331", "direction: reverse")]),
    case(
        "direction: reverse\n",
        "direction: forward\n",
        &[
            ("M0005", "destination: { IsWon"),
            ("M0331", "push_as: create"),
        ],
    ),
    case("push_as: create", "push_as: crate", &[("M0007", "crate")]),
    case(
        "push_as: create\n",
        "push_as: create\nnothing: { status: expired }\n",
        &[("M0332", "nothing:")],
    ),
    case(
        "{ source: price_paid, destination: Amount }",
        "{ template: \"{price_paid}\", destination: NextStep }",
        &[("M0331", "template:")],
    ),
    case(
        "{ source: price_paid, destination: Amount }",
        "{ value: 1, destination: Amount }",
        &[("M0331", "value: 1")],
    ),
    case(
        "record: { of: membership, by: id }",
        "record: { of: membreship, by: id }",
        &[("M0104", "membreship")],
    ),
];

const REFUSED: &[Case] = &[
    case(
        "on_edit: refuse",
        "on_edit: refused",
        &[("M0007", "refused")],
    ),
    case("on_edit: refuse", "on_edit: accept", &[("M0007", "accept")]),
];

const TICKET: &[Case] = &[
    case(
        "part_of: cart\n",
        "part_of: crt\n",
        &[("M0104", "part_of: crt")],
    ),
    case(
        "part_of: cart\n",
        "part_of: payment\n",
        &[("M0321", "part_of: payment")],
    ),
    case("part_of: cart\n", "", &[("M0320", "reduce:")]),
    case(
        "lane: cart_id",
        "lane: ticket_id",
        &[("M0321", "lane: ticket_id")],
    ),
    case(
        "reference: cart, when",
        "reference: contact, when",
        &[
            ("M0201", "reference: contact, when"),
            ("M0321", "part_of: cart"),
        ],
    ),
    case(
        "  by: ticket_id\n",
        "  by: ticketid\n",
        &[("M0101", "by: ticketid")],
    ),
    case(
        "  distinct: id\n",
        "  distinct: ids\n",
        &[("M0101", "distinct: ids")],
    ),
    case(
        "    - occurred_at\n",
        "    - ocurred_at\n",
        &[("M0101", "- ocurred_at")],
    ),
    case(
        "count: true, of: { action: purchased }",
        "cont: true, of: { action: purchased }",
        &[("M0004", "cont: true")],
    ),
    case(
        "price: { last: price_paid,",
        "price: { sum: price_payd,",
        &[
            ("M0101", "price_payd"),
            ("M0101", "price: { given: false }"),
            ("M0101", "source: price, "),
        ],
    ),
    case(
        "price: { last: price_paid",
        "price: { last: price_paid, first: price_paid",
        &[("M0006", "price: { last")],
    ),
    case(
        "of: { action: [redeemed, force_redeemed] } }\n    last_scan:",
        "of: { actions: redeemed } }\n    last_scan:",
        &[("M0101", "actions: redeemed")],
    ),
    case(
        "event_name: { last: event_name",
        "event_name: { count: true, last: event_name",
        &[("M0006", "event_name: { count")],
    ),
    case(
        "exists_when: { brought: { above: \"0\" } }",
        "exists_when: { brought: { above: none } }",
        &[("M0006", "above: none")],
    ),
    case(
        "exists_when: { brought: { above: \"0\" } }",
        "exists_when: { last_scan: { above: \"0\" } }",
        &[("M0306", "last_scan: { above")],
    ),
    case(
        "$refund: reduce_lines }\ngone",
        "$refund: reduce_line }\ngone",
        &[("M0306", "reduce_line }")],
    ),
    case(
        "$refund: reduce_lines }\ngone",
        "$refunds: reduce_lines }\ngone",
        &[("M0106", "$refunds")],
    ),
    case(
        "gone: delete",
        "gone: deleted",
        &[("M0007", "gone: deleted")],
    ),
    case(
        "      object: PricebookEntry\n",
        "      object: PriceBookEntry\n",
        &[("M0103", "PriceBookEntry")],
    ),
    case(
        "by: { Product2.Ticketure_Ticket_Type_Id__c",
        "by: { Product2.Ticketure_Type__c",
        &[("M0102", "Product2.Ticketure_Type__c")],
    ),
    case(
        "by: { Product2.Ticketure_Ticket_Type_Id__c",
        "by: { Product.Ticketure_Ticket_Type_Id__c",
        &[("M0102", "Product.Ticketure")],
    ),
    case(
        ", UnitPrice: { value: 0 } }",
        " }",
        &[("M0325", "missing: create")],
    ),
    case(
        "missing: create ",
        "missing: fail ",
        &[("M0325", "create: { Product2.Name")],
    ),
    case(
        "missing: create ",
        "missing: make ",
        &[("M0007", "missing: make")],
    ),
    case(
        "within: { AccountId: [ { contact: identity_id }, { account: organization } ] }",
        "within: { AccountId: [ { cart: identity_id }, { account: organization } ] }",
        &[("M0325", "{ cart: identity_id }")],
    ),
    case(
        "within: { AccountId",
        "within: { OwnerId",
        &[("M0325", "within: { OwnerId")],
    ),
    case(
        "      object: Contact\n",
        "      object: Account\n",
        &[
            ("M0102", "Email: admit_email"),
            ("M0102", "within: { AccountId"),
        ],
    ),
    case(
        "date_in: [session_timezone, $venue_zone]",
        "date_in: [session_timezone, $venue_zones]",
        &[("M0106", "$venue_zones")],
    ),
    case(
        "date_in: [session_timezone, $venue_zone]",
        "convert: date, date_in: [session_timezone, $venue_zone]",
        &[("M0006", "date_in: [session_timezone")],
    ),
    case(
        "{ source: session_start_datetime, destination: ServiceDate",
        "{ source: event_name, destination: ServiceDate",
        &[("M0201", "destination: ServiceDate")],
    ),
    case(
        "{ source: event_name, destination",
        "{ source: scans, destination",
        &[("M0201", "source: scans, destination: Ticketure_Event")],
    ),
    case(
        "{ source: last_scan_at, destination",
        "{ source: event_name, destination",
        &[("M0201", "destination: Ticketure_Last_Redeemed__c")],
    ),
    case(
        "{ source: price, destination: UnitPrice }",
        "{ source: event_name, destination: UnitPrice }",
        &[("M0201", "destination: UnitPrice")],
    ),
    case(
        "value: Refunded }",
        "value: Returned }",
        &[("M0206", "value: Returned")],
    ),
    case(
        "      - { value: Issued }\n",
        "",
        &[("M0327", "destination: Ticketure_Status__c")],
    ),
    case(
        "      - { value: Issued }\n",
        "      - { value: Issued }\n      - { value: Redeemed }\n",
        &[("M0327", "      - { value: Redeemed }")],
    ),
    case(
        "{ value: 1, destination: Quantity }",
        "{ value: one, destination: Quantity }",
        &[("M0201", "value: one")],
    ),
    case(
        "settings: { refund: reduce_lines }",
        "settings: { refund: all }",
        &[("M0315", "refund: all")],
    ),
    case(
        "settings: { refund: reduce_lines }",
        "settings: { refnd: reduce_lines }",
        &[("M0106", "refnd: reduce_lines")],
    ),
];

const CART: &[Case] = &[
    case(
        "direction: forward\n",
        "direction: both\n",
        &[("M0321", "direction: both"), ("M0210", "mapping: cart")],
    ),
    case(
        "lane: id\n",
        "lane: id\nmatch: { destination: [[cart_number, channel_id]] }\n",
        &[("M0321", "match:")],
    ),
    case(
        "part_of: cart\n",
        "part_of: ticket\n",
        &[("M0321", "part_of: ticket"), ("M0321", "part_of: ticket")],
    ),
    case(
        "\"Tickets {cart_number}\"",
        "\"Tickets {cart_nmber}\"",
        &[("M0101", "{cart_nmber}")],
    ),
    case(
        "\"Tickets {cart_number}\"",
        "\"Tickets {cart_number\"",
        &[("M0006", "{cart_number\"")],
    ),
    case(
        "source: $stage_lost }",
        "source: $stage_list }",
        &[("M0106", "$stage_list")],
    ),
    case(
        "when: { status: cancelled }",
        "when: { status: canceled }",
        &[("M0306", "canceled")],
    ),
    case(
        "destination: CloseDate, date_in: $venue_zone",
        "destination: CloseDate",
        &[("M0201", "destination: CloseDate")],
    ),
    case(
        "destination: Ticketure_Channel__c }",
        "destination: Ticketure_Channel__c, written_last: { value: x } }",
        &[("M0321", "written_last: { source: $stage_open }")],
    ),
    case(
        "lookup: { object: RecordType",
        "lookup: { object: Contact",
        &[("M0102", "object: Contact"), ("M0102", "object: Contact")],
    ),
    case(
        "allow: { M0327: NPSP puts people's opportunities into their household }\n    ",
        "",
        &[("M0327", "destination: AccountId")],
    ),
];

const DERIVED: &[Case] = &[
    case(
        "record: { of: cart, by: cart_id }",
        "record: { of: ticket, by: cart_id }",
        &[("M0321", "record: { of: ticket")],
    ),
    case(
        "record: { of: cart, by: cart_id }",
        "record: { of: cart }",
        &[("M0005", "record: { of: cart }")],
    ),
    case(
        "exists_when: { $cart_source: derived, bought_at",
        "exists_when: { bought_at",
        &[("M0328", "record: { of: cart")],
    ),
    case(
        "  order: [occurred_at, id]\n",
        "",
        &[("M0322", "  by: cart_id")],
    ),
];

const ALLOCATION: &[Case] = &[
    case(
        "for_each: { list: funds, share: price }\n",
        "",
        &[
            ("M0101", "each.code}"),
            ("M0101", "each.share: { above"),
            ("M0101", "source: each.share"),
            ("M0101", "Name: each.code"),
        ],
    ),
    case(
        "list: funds, share: price",
        "list: fund, share: price",
        &[
            ("M0101", "list: fund,"),
            ("M0101", "each.code}"),
            ("M0101", "each.share: { above"),
            ("M0101", "source: each.share"),
            ("M0101", "Name: each.code"),
        ],
    ),
    case(
        "list: funds, share: price",
        "list: funds, share: ticket_id",
        &[("M0324", "share: ticket_id")],
    ),
    case(
        "\"{cart_id}:{ticket_id}:{each.code}\"",
        "\"{cart_id}:{ticket_id}\"",
        &[("M0324", "\"{cart_id}:{ticket_id}\"")],
    ),
    case(
        "{ source: each.share",
        "{ source: each.shares",
        &[("M0101", "each.shares")],
    ),
    case(
        "after: [ticket, kept]",
        "after: [ticket, refunds]",
        &[("M0104", "refunds]")],
    ),
    case(
        "after: [ticket, kept]",
        "after: [ticket, contact]",
        &[("M0321", "contact]")],
    ),
    case(
        "by: { Name: each.code }",
        "by: { Name: each.code, npsp__Active__c: { value: yes please } }",
        &[("M0325", "yes please")],
    ),
];

const PAYMENT: &[Case] = &[
    case("needs: npsp\n", "needs: npp\n", &[("M0007", "needs: npp")]),
    case(
        "amount: { above: \"0\" }",
        "amonut: { above: \"0\" }",
        &[("M0101", "amonut: { above")],
    ),
    case(
        "{ card: Credit Card",
        "{ card: Creditcard",
        &[("M0206", "Creditcard")],
    ),
];

const REFUND: &[Case] = &[
    case(
        "key: { source: id,",
        "key: { source: [gateway_reference],",
        &[("M0207", "[gateway_reference]")],
    ),
    // Another mapping of the webhook takes the word `charge`.
    case(
        "key: { source: id",
        "nothing: { action: [authorized, Charge ] }\nkey: { source: id",
        &[("M0332", "nothing:")],
    ),
    case(
        "convert: negative",
        "convert: negativ",
        &[("M0105", "negativ,")],
    ),
    case(
        "{ source: amount, destination",
        "{ source: method, destination",
        &[("M0201", "convert: negative")],
    ),
    case(
        "reference: payment, or_first: true",
        "or_first: true",
        &[("M0201", "or_first: true"), ("M0321", "or_first: true")],
    ),
    case(
        "after: payment",
        "after: refund",
        &[("M0321", "after: refund")],
    ),
];

const ROLE: &[Case] = &[
    case(
        "[OpportunityId, ContactId]",
        "[OpportunityId, Role, Contact]",
        &[("M0102", "Role, Contact]")],
    ),
    case(
        "[OpportunityId, ContactId]",
        "[OpportunityId, IsPrimary]",
        &[("M0321", "IsPrimary]")],
    ),
];

#[test]
fn each_mistake_of_a_tree_is_found_at_its_line_and_once() {
    let files = everything().to_files();
    let mut wrong = Vec::new();
    for (file, cases) in CASES {
        let (_, whole) = files.iter().find(|(name, _)| name == file).unwrap();
        for case in *cases {
            let Case { from, to, .. } = case;
            assert!(whole.contains(from), "{from:?} is not in {file}");
            let text = whole.replacen(from, to, 1);
            let mut broken = files.clone();
            broken.retain(|(name, _)| name != file);
            broken.push(((*file).to_owned(), text.clone()));
            let mut expected: Vec<(String, u32)> = case
                .expected
                .iter()
                .map(|(code, part)| ((*code).to_owned(), line_of(&text, part)))
                .collect();
            let mut got = found(&codegen::source::Sources::from_files(broken));
            expected.sort();
            got.sort();
            if got != expected {
                wrong.push(format!(
                    "{file}: {from:?} -> {to:?}: expected {expected:?}, got {got:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_shipped_mappings_are_clean() {
    assert_eq!(found(&everything()), []);
}
