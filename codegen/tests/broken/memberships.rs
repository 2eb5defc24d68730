//! The same for the mappings of a membership: a root whose key is made, and records that are taken over.

use codegen::source::Sources;

use super::cases::{Case, case};
use super::{everything, found};

pub(super) const MEMBERSHIP: &[Case] = &[
    case(
        "same: [began, heard_first] }",
        "same: [bgan, heard_first] }",
        &[("M0101", "bgan")],
    ),
    // A fold that comes later has no value yet, and a count has no member.
    case(
        "same: [began, heard_first] }",
        "same: price_paid }",
        &[("M0101", "same: price_paid")],
    ),
    case(
        "{ first: action }",
        "{ first: action, same: was_active }",
        &[("M0101", "same: was_active")],
    ),
    case(
        "{ id: external_ref }",
        "{ id: external_reff }",
        &[("M0101", "external_reff")],
    ),
    case(
        "{ id: external_ref }",
        "{ ids: external_ref }",
        &[("M0004", "ids: external_ref")],
    ),
    case(
        "{ id: external_ref }",
        "{ id: external_ref, by: cart_id }",
        &[("M0006", "external_ref, by")],
    ),
    case(
        "{ id: external_ref }",
        "{ id: external_ref, record: cart }",
        &[("M0006", "external_ref, record")],
    ),
    case(
        "{ id: external_ref }",
        "{ id: external_ref, writes: all }",
        &[("M0007", "writes: all")],
    ),
    case("record: cart,", "record: crt,", &[("M0104", "record: crt")]),
    case(
        "record: cart, by: cart_id",
        "record: cart, by: cart",
        &[("M0101", "by: cart,")],
    ),
    case(
        "record: cart, by: cart_id",
        "record: cart",
        &[("M0005", "record: cart, when")],
    ),
    case(
        "record: cart,",
        "record: payment,",
        &[("M0321", "record: payment")],
    ),
    case(
        "record: cart,",
        "record: membership,",
        &[("M0321", "record: membership")],
    ),
    case(
        "$membership_opportunity: shared,",
        "$membership_opportunity: share,",
        &[("M0306", "$membership_opportunity: share,")],
    ),
    case(
        "$membership_opportunity: shared,",
        "$membership_opportunities: shared,",
        &[("M0106", "$membership_opportunities")],
    ),
    case(
        "template: \"{id}:{valid_from}\"",
        "template: \"{id}:{valid_form}\"",
        &[("M0101", "valid_form")],
    ),
    case(
        "template: \"{id}:{valid_from}\"",
        "source: [id, member_number]",
        &[("M0321", "source: [id, member_number]")],
    ),
    case(
        "lane: id",
        "lane: level_name",
        &[("M0317", "lane: level_name"), ("M0321", "lane: level_name")],
    ),
    case(
        "$adopted: { given: false } }, source: primary_identity_id",
        "$adoptd: { given: false } }, source: primary_identity_id",
        &[("M0106", "$adoptd")],
    ),
    case(
        "part_of: membership\n",
        "",
        &[
            ("M0207", "template: \"{id}"),
            ("M0320", "adopt:"),
            ("M0331", "on_edit: refuse"),
        ],
    ),
];

pub(super) const BUYER: &[Case] = &[
    // Rows of another webhook do not say which term it is.
    case(
        "part_of: cart\n",
        "part_of: membership\n",
        &[("M0321", "on: cart_changed")],
    ),
];

pub(super) const MEMBER_ROLE: &[Case] = &[
    case(
        "part_of: membership\n",
        "part_of: membership\nadopt: [{ id: external_ref }]\n",
        &[("M0321", "adopt: [{ id")],
    ),
    case(
        "part_of: membership\n",
        "part_of: cart\n",
        &[("M0321", "part_of: cart")],
    ),
    case(
        "each.role: given",
        "each.rol: given",
        &[("M0101", "each.rol: given")],
    ),
];

/// A record of the org's stands for the level: it is found by the level's name.
#[test]
fn a_level_may_be_looked_up() {
    let mut files = everything().to_files();
    let is_it = |file: &&mut (String, String)| file.0 == "membership.yaml";
    let (_, text) = files.iter_mut().find(is_it).unwrap();
    let (from, to) = (
        "DeveloperName: $membership_record_type",
        "DeveloperName: level_name",
    );
    assert!(text.contains(from));
    *text = text.replace(from, to);
    assert_eq!(found(&Sources::from_files(files)), []);
}
