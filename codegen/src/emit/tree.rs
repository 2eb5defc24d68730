//! Trees, look-ups and made members as data.

use super::code::{Code, Expr, path};
use super::descriptor::{constant, list};
use crate::ir::{
    Adopt, AdoptFrom, Case, Computed, Condition, Fold, How, Lookup, Made, Mapping, Missing,
    Otherwise, Piece, Rank, Reduce, Rule, Tree,
};
use crate::model::{Gone, Is};

/// `static TREE: Tree` and a static for each look-up, below the mapping's own.
pub fn statics(code: &mut Code, mapping: &Mapping) {
    if let Some(tree) = &mapping.tree {
        code.blank();
        code.doc(format_args!(
            "How records of `{}` are written together with others.",
            mapping.file
        ));
        code.definition("static TREE: Tree", &self::tree(tree));
    }
    for lookup in &mapping.lookups {
        code.blank();
        code.doc(format_args!("What {} is looked for by.", lookup.field));
        let before = format!("static {}: Lookup", lookup.static_name);
        code.definition(&before, &self::lookup(lookup));
    }
}

/// The types of `runtime::mapping` that these tables name, sorted.
pub fn names(mapping: &Mapping) -> Vec<&'static str> {
    let mut written = Code::default();
    statics(&mut written, mapping);
    written.expr("", &computed(mapping), "");
    written.expr("", &conditions(&mapping.when), "");
    written.expr("", &conditions(&mapping.nothing), "");
    let text = written.into_text();
    // A name is followed by what its kind of type has behind it.
    let names = [
        ("Adopt", "Adopt {"),
        ("AdoptFrom", "AdoptFrom::"),
        ("Case", "Case {"),
        ("Computed", "Computed {"),
        ("Condition", "Condition {"),
        ("Constant", "Constant::"),
        ("Fold", "Fold {"),
        ("ForEach", "ForEach {"),
        ("Gone", "Gone::"),
        ("How", "How::"),
        ("Is", "Is::"),
        ("Lookup", "Lookup {"),
        ("Made", "Made::"),
        ("Missing", "Missing::"),
        ("Otherwise", "Otherwise::"),
        ("Piece", "Piece::"),
        ("Rank", "Rank {"),
        ("Reduce", "Reduce {"),
        ("Rule", "Rule::"),
        ("Tree", "Tree {"),
        ("Within", "Within {"),
        ("WrittenLast", "WrittenLast {"),
    ];
    let is_there = |mark: &str| {
        text.match_indices(mark).any(|(place, _)| {
            let before = text
                .get(..place)
                .and_then(|before| before.chars().next_back());
            before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '"')
        })
    };
    let named = names.into_iter().filter(|(_, mark)| is_there(mark));
    named.map(|(name, _)| name).collect()
}

pub fn conditions(conditions: &[Condition]) -> Expr {
    list(conditions.iter().map(|condition| {
        let is = match &condition.is {
            Is::Equal(value) => Expr::call("Is::Equal", constant(value)),
            Is::OneOf(values) => Expr::call(
                "Is::OneOf",
                list(values.iter().map(|value| constant(&value.value))),
            ),
            Is::NoneOf(values) => Expr::call(
                "Is::NoneOf",
                list(values.iter().map(|value| constant(&value.value))),
            ),
            Is::Above(number) => Expr::call("Is::Above", Expr::text(number)),
            Is::Given(given) => Expr::call("Is::Given", Expr::leaf(given)),
        };
        Expr::Struct(
            "Condition",
            vec![("path", one_path(&condition.path)), ("is", is)],
        )
    }))
}

pub fn computed(mapping: &Mapping) -> Expr {
    list(mapping.computed.iter().map(|Computed { name, rule }| {
        let rule = self::rule(mapping, rule);
        Expr::Struct("Computed", vec![("name", Expr::text(name)), ("rule", rule)])
    }))
}

fn one_path(names: &[String]) -> Expr {
    Expr::Leaf(path(names))
}

fn paths(paths: &[Vec<String>]) -> Expr {
    list(paths.iter().map(|path| one_path(path)))
}

fn some(value: Option<Expr>) -> Expr {
    value.map_or(Expr::leaf("None"), |value| Expr::call("Some", value))
}

fn texts(texts: &[String]) -> Expr {
    list(texts.iter().map(|text| Expr::text(text)))
}

fn rule(mapping: &Mapping, rule: &Rule) -> Expr {
    match rule {
        Rule::Template(pieces) => Expr::call("Rule::Template", list(pieces.iter().map(piece))),
        Rule::Cases(cases) => Expr::call("Rule::Cases", list(cases.iter().map(case))),
        Rule::Values {
            of,
            table,
            otherwise,
        } => {
            let row = |(from, to): &(_, _)| Expr::Tuple(vec![constant(from), constant(to)]);
            let otherwise = match otherwise {
                Otherwise::Fail => Expr::leaf("Otherwise::Fail"),
                Otherwise::Same => Expr::leaf("Otherwise::Same"),
                Otherwise::Constant(value) => Expr::call("Otherwise::Constant", constant(value)),
            };
            Expr::Struct(
                "Rule::Values",
                vec![
                    ("of", one_path(of)),
                    ("table", list(table.iter().map(row))),
                    ("otherwise", otherwise),
                ],
            )
        }
        Rule::DateIn { time, zones } => Expr::Struct(
            "Rule::DateIn",
            vec![("time", one_path(time)), ("zones", paths(zones))],
        ),
        Rule::Negative(of) => Expr::call("Rule::Negative", one_path(of)),
        Rule::FirstOf(of) => Expr::call("Rule::FirstOf", paths(of)),
        Rule::Lookup(index) => {
            let lookup = mapping.lookups.get(*index);
            let name = lookup.map_or("", |lookup| lookup.static_name.as_str());
            Expr::call("Rule::Lookup", Expr::leaf(format_args!("&{name}")))
        }
    }
}

fn piece(piece: &Piece) -> Expr {
    match piece {
        Piece::Text(text) => Expr::call("Piece::Text", Expr::text(text)),
        Piece::Member(path) => Expr::call("Piece::Member", one_path(path)),
    }
}

fn case(case: &Case) -> Expr {
    Expr::Struct(
        "Case",
        vec![("when", conditions(&case.when)), ("then", made(&case.then))],
    )
}

fn made(made: &Made) -> Expr {
    match made {
        Made::Constant(value) => Expr::call("Made::Constant", constant(value)),
        Made::Member(path) => Expr::call("Made::Member", one_path(path)),
        Made::FirstOf(all) => Expr::call("Made::FirstOf", paths(all)),
    }
}

fn made_fields(fields: &[(String, Made)]) -> Expr {
    let field = |(name, value): &(String, Made)| Expr::Tuple(vec![Expr::text(name), made(value)]);
    list(fields.iter().map(field))
}

fn lookup(lookup: &Lookup) -> Expr {
    let within = lookup.within.as_ref().map(|(field, of)| {
        let owner = |(mapping, path): &(String, Vec<String>)| {
            Expr::Tuple(vec![Expr::text(mapping), one_path(path)])
        };
        let of = list(of.iter().map(owner));
        Expr::Struct("Within", vec![("field", Expr::text(field)), ("of", of)])
    });
    let missing = match &lookup.missing {
        Missing::Create => Expr::leaf("Missing::Create"),
        Missing::Fail => Expr::leaf("Missing::Fail"),
        Missing::Leave => Expr::leaf("Missing::Leave"),
        Missing::Use(value) => Expr::call("Missing::Use", constant(value)),
    };
    Expr::Struct(
        "Lookup",
        vec![
            ("object", Expr::text(&lookup.object)),
            ("by", made_fields(&lookup.by)),
            ("within", some(within)),
            ("missing", missing),
            ("create", made_fields(&lookup.create)),
        ],
    )
}

fn tree(tree: &Tree) -> Expr {
    let for_each = tree.for_each.as_ref().map(|each| {
        let share = some(each.share.as_deref().map(one_path));
        Expr::Struct(
            "ForEach",
            vec![("list", one_path(&each.list)), ("share", share)],
        )
    });
    let last = tree.written_last.as_ref().map(|last| {
        let until = made(&last.until_then);
        Expr::Struct(
            "WrittenLast",
            vec![("field", Expr::text(&last.field)), ("until_then", until)],
        )
    });
    let gone = match tree.gone {
        Gone::Delete => "Gone::Delete",
        Gone::Keep => "Gone::Keep",
    };
    let unless = tree.unless.iter().map(|case| conditions(case));
    Expr::Struct(
        "Tree",
        vec![
            ("root", Expr::text(&tree.root)),
            ("record_of", some(tree.record_of.as_deref().map(Expr::text))),
            ("adopt", list(tree.adopt.iter().map(adopt))),
            ("reduce", some(tree.reduce.as_ref().map(reduce))),
            ("for_each", some(for_each)),
            ("exists_when", conditions(&tree.exists_when)),
            ("unless", list(unless)),
            ("gone", Expr::leaf(gone)),
            ("needs_npsp", Expr::leaf(tree.needs_npsp)),
            ("natural_key", texts(&tree.natural_key)),
            ("written_last", some(last)),
            ("or_first", texts(&tree.or_first)),
            ("after", texts(&tree.after)),
        ],
    )
}

fn adopt(adopt: &Adopt) -> Expr {
    let from = match &adopt.from {
        AdoptFrom::Id(path) => Expr::call("AdoptFrom::Id", one_path(path)),
        AdoptFrom::Record(mapping, by) => Expr::Struct(
            "AdoptFrom::Record",
            vec![("mapping", Expr::text(mapping)), ("by", one_path(by))],
        ),
    };
    Expr::Struct(
        "Adopt",
        vec![
            ("from", from),
            ("when", conditions(&adopt.when)),
            ("key_only", Expr::leaf(adopt.key_only)),
        ],
    )
}

fn reduce(reduce: &Reduce) -> Expr {
    Expr::Struct(
        "Reduce",
        vec![
            ("by", paths(&reduce.by)),
            ("distinct", some(reduce.distinct.as_deref().map(one_path))),
            ("order", list(reduce.order.iter().map(rank))),
            ("folds", list(reduce.folds.iter().map(fold))),
        ],
    )
}

fn rank(rank: &Rank) -> Expr {
    Expr::Struct(
        "Rank",
        vec![
            ("path", one_path(&rank.path)),
            ("words", texts(&rank.words)),
        ],
    )
}

fn same((name, path): &(String, Vec<String>)) -> Expr {
    Expr::Tuple(vec![Expr::text(name), one_path(path)])
}

fn fold(fold: &Fold) -> Expr {
    let how = match &fold.how {
        How::First(path) => Expr::call("How::First", one_path(path)),
        How::Last(path) => Expr::call("How::Last", one_path(path)),
        How::Count => Expr::leaf("How::Count"),
        How::Sum(path) => Expr::call("How::Sum", one_path(path)),
        How::Max(path) => Expr::call("How::Max", one_path(path)),
        How::Min(path) => Expr::call("How::Min", one_path(path)),
    };
    Expr::Struct(
        "Fold",
        vec![
            ("name", Expr::text(&fold.name)),
            ("how", how),
            ("of", conditions(&fold.of)),
            ("same", list(fold.same.iter().map(same))),
        ],
    )
}
