//! Every code there is. A code is never used for something else, not even when its rule is gone.

/// A code: `M0101`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub &'static str);

macro_rules! codes {
    ($($name:ident $code:literal),* $(,)?) => {
        impl Code {
            $(pub const $name: Code = Code($code);)*
        }

        /// Every code with its page, sorted.
        pub const CODES: &[(Code, &str)] = &[
            $((Code($code), include_str!(concat!("../../errors/", $code, ".md"))),)*
        ];
    };
}

codes! {
    SYNTAX "M0001",
    DUPLICATE_KEY "M0002",
    PLAIN_YAML "M0003",
    UNKNOWN_KEY "M0004",
    MISSING_KEY "M0005",
    WRONG_SHAPE "M0006",
    UNKNOWN_WORD "M0007",
    NOT_YET "M0008",
    NOT_UTF8 "M0009",
    AMBIGUOUS_VALUE "M0010",
    MAPPING_NAME "M0011",
    UNKNOWN_SOURCE_FIELD "M0101",
    UNKNOWN_DESTINATION_FIELD "M0102",
    UNKNOWN_SCHEMA "M0103",
    UNKNOWN_REFERENCE "M0104",
    UNKNOWN_CONVERSION "M0105",
    UNKNOWN_SETTING "M0106",
    TYPE_MISMATCH "M0201",
    TEXT_TOO_LONG "M0202",
    READ_ONLY "M0203",
    REQUIRED_NOT_SET "M0204",
    CREATE_ONLY "M0205",
    UNKNOWN_PICKLIST_VALUE "M0206",
    KEY_NOT_UNIQUE "M0207",
    NEEDS_NPSP "M0208",
    NOT_TWO_WAY "M0209",
    GATE_WITHOUT_WAY_BACK "M0210",
    NOT_A_CONSENT "M0211",
    NULL_INTO_REQUIRED "M0212",
    NULL_BACK "M0213",
    TOO_LONG_BACK "M0214",
    WRONG_FORMAT "M0215",
    NOT_TAKEN_BACK "M0216",
    KEY_FOLDS_CASE "M0217",
    COMPOUND_AND_PART "M0218",
    OVERWRITTEN "M0219",
    RECOMPUTED "M0220",
    STALE_NEEDS "M0221",
    UPDATE_ONLY "M0222",
    KEY_NEEDS_NPSP "M0223",
    OPEN_INTO_RESTRICTED "M0224",
    OPPOSITE_CONSENT "M0225",
    STALE_IGNORE "M0301",
    TWO_SOURCES "M0302",
    EMPTY_MAPPING "M0303",
    DUPLICATE_MAPPING "M0304",
    UNFIT_PATH "M0305",
    IMPOSSIBLE_WHEN "M0306",
    REFERENCE_CYCLE "M0307",
    NOT_ALLOWABLE "M0308",
    STALE_ALLOW "M0309",
    UNMAPPED "M0310",
    SAME_RECORD "M0311",
    DUPLICATE_TEST "M0312",
    TEST_ROW "M0313",
    TEST_OF_UNMAPPED "M0314",
    TEST_VALUE "M0315",
    WEAK_MATCH "M0316",
    LANE_MISSING "M0317",
    LOCK_NO_PARENT "M0318",
    UNFIT_MATCH "M0319",
    NOT_IN_TREE "M0320",
    UNFIT_TREE "M0321",
    ORDER_MISSING "M0322",
    FOLD_SHADOWS "M0323",
    UNFIT_LIST "M0324",
    UNFIT_LOOKUP "M0325",
    VALUES_INCOMPLETE "M0326",
    NO_LAST_CASE "M0327",
    RECORD_TWICE "M0328",
    ROWS_OF_ANOTHER "M0330",
    UNFIT_PUSH "M0331",
    UNFIT_NOTHING "M0332",
    BROKEN_SCHEMA "M0401",
    STALE_ORG_FACT "M0402",
}

/// Judgements, which an author may overrule with a reason; all others are facts.
pub const ALLOWABLE: &[Code] = &[
    Code::NULL_INTO_REQUIRED,
    Code::NULL_BACK,
    Code::TOO_LONG_BACK,
    Code::NOT_TAKEN_BACK,
    Code::KEY_FOLDS_CASE,
    Code::OVERWRITTEN,
    Code::RECOMPUTED,
    Code::OPEN_INTO_RESTRICTED,
    Code::OPPOSITE_CONSENT,
    Code::SAME_RECORD,
    Code::WEAK_MATCH,
    Code::NO_LAST_CASE,
];

/// Mistakes of a test, while its mapping is right.
pub const ABOUT_TESTS: &[Code] = &[
    Code::DUPLICATE_TEST,
    Code::TEST_ROW,
    Code::TEST_OF_UNMAPPED,
    Code::TEST_VALUE,
];

impl Code {
    /// The code of this name, when it is a judgement.
    pub fn allowable(name: &str) -> Option<&'static str> {
        let found = ALLOWABLE.iter().find(|code| code.0 == name)?;
        Some(found.0)
    }
}

/// The page of a code, in any case.
pub fn page(code: &str) -> Option<&'static str> {
    CODES
        .iter()
        .find(|(known, _)| known.0.eq_ignore_ascii_case(code))
        .map(|(_, page)| *page)
}
