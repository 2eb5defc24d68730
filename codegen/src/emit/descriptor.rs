//! The mapping as data.

use super::code::{Code, Expr, path};
use super::tree;
use crate::ir::{Conflict, FieldSync, Mapping, RecordCondition, Rung, Value};
use crate::model::{
    AfterDelete, Duplicates, Literal as Constant, MatchPolicy, OnLink, OnRewrite, Policies, PushAs,
    Side,
};
use crate::schema::envelope::Names;

/// `pub static MAPPING: MappingDescriptor`.
pub fn mapping(code: &mut Code, mapping: &Mapping) {
    code.doc(format_args!("`{}` as data.", mapping.file));
    code.open("pub static MAPPING: MappingDescriptor = MappingDescriptor {");
    for (name, value) in before_fields(mapping) {
        code.expr(&format!("{name}: "), &value, ",");
    }
    code.line("payload: &PAYLOAD,");
    code.line("record: &RECORD,");
    code.open("origins: &[");
    for (field, value) in mapping.record.iter().zip(&mapping.values) {
        code.line(format_args!("// {}", field.path.join(".")));
        origin(code, mapping, value);
    }
    code.close("],");
    code.open("sync: &[");
    for (field, sync) in mapping.record.iter().zip(&mapping.sync) {
        code.line(format_args!("// {}", field.path.join(".")));
        field_sync(code, sync);
    }
    code.close("],");
    code.line(format_args!("lines: super::lines::{},", mapping.lines_name));
    code.expr("computed: ", &tree::computed(mapping), ",");
    let tree = mapping.tree.as_ref();
    code.line(format_args!(
        "tree: {},",
        tree.map_or("None", |_| "Some(&TREE)")
    ));
    if let Some(of) = &mapping.rows_of {
        code.line(format_args!("rows_of: Some({of:?}),"));
    } else {
        code.line("rows_of: None,");
    }
    let push = match mapping.push_as {
        None => "None",
        Some(PushAs::Create) => "Some(PushAs::Create)",
        Some(PushAs::Extend) => "Some(PushAs::Extend)",
    };
    code.line(format_args!("push_as: {push},"));
    code.line(format_args!("refuses_edits: {},", mapping.refuses_edits));
    code.close("};");
    tree::statics(code, mapping);
}

/// What is said of the mapping as a whole.
fn before_fields(mapping: &Mapping) -> Vec<(&'static str, Expr)> {
    let direction = if mapping.both { "Both" } else { "Forward" };
    let policy = match mapping.policy {
        MatchPolicy::Adopt => "Adopt",
        MatchPolicy::Review => "Review",
        MatchPolicy::AlwaysCreate => "AlwaysCreate",
    };
    let lock = match &mapping.lock {
        Some(field) => Expr::leaf(format_args!("Some({field:?})")),
        None => Expr::leaf("None"),
    };
    let rungs = mapping.rungs.iter().map(|found| rung(mapping, found));
    vec![
        ("name", Expr::text(&mapping.name)),
        ("file", Expr::text(&mapping.file)),
        ("payload_type", Expr::text(&mapping.payload_type)),
        ("rows", Expr::Leaf(path(&mapping.rows))),
        ("envelope", envelope(&mapping.envelope)),
        ("when", tree::conditions(&mapping.when)),
        ("nothing", tree::conditions(&mapping.nothing)),
        (
            "direction",
            Expr::leaf(format_args!("Direction::{direction}")),
        ),
        (
            "when_record",
            list(mapping.when_record.iter().map(record_condition)),
        ),
        ("key", Expr::Leaf(path(&mapping.key))),
        ("lane", Expr::Leaf(path(&mapping.lane))),
        ("object", Expr::text(&mapping.object)),
        ("external_id", Expr::text(&mapping.external_id)),
        ("lock", lock),
        ("policy", Expr::leaf(format_args!("MatchPolicy::{policy}"))),
        ("rungs", list(rungs)),
        ("adopts_on_conflict", Expr::leaf(mapping.adopts_on_conflict)),
        ("policies", policies(&mapping.policies)),
    ]
}

fn envelope(names: &Names) -> Expr {
    if *names == Names::usual() {
        return Expr::leaf("Envelope::USUAL");
    }
    let named = [
        ("event_type", &names.event_type),
        ("event_id", &names.event_id),
        ("occurred_at", &names.occurred_at),
    ];
    let named = named.map(|(name, at)| (name, Expr::Leaf(path(at))));
    Expr::Struct("Envelope", named.into())
}

pub(super) fn list(items: impl Iterator<Item = Expr>) -> Expr {
    Expr::List(items.collect())
}

fn record_condition(condition: &RecordCondition) -> Expr {
    Expr::Struct(
        "RecordCondition",
        vec![
            ("field", Expr::text(&condition.field)),
            ("negated", Expr::leaf(condition.negated)),
            ("equals", constant(&condition.equals)),
            ("needs_npsp", Expr::leaf(condition.needs_npsp)),
        ],
    )
}

fn policies(policies: &Policies) -> Expr {
    let tie = match policies.tie {
        Side::Source => "Source",
        Side::Destination => "Destination",
    };
    let on_link = match policies.on_link {
        OnLink::FillBlanks => "FillBlanks",
        OnLink::Source => "Source",
        OnLink::Destination => "Destination",
        OnLink::Newest => "Newest",
        OnLink::Review => "Review",
    };
    let on_rewrite = match policies.on_rewrite {
        OnRewrite::Accept => "Accept",
        OnRewrite::Keep => "Keep",
    };
    let after_delete = match policies.after_delete {
        AfterDelete::Recreate => "Recreate",
        AfterDelete::Detach => "Detach",
        AfterDelete::Review => "Review",
    };
    let duplicates = match policies.duplicates {
        Duplicates::Review => "Review",
        Duplicates::Allow => "Allow",
    };
    Expr::Struct(
        "Policies",
        vec![
            ("tie", Expr::leaf(format_args!("Side::{tie}"))),
            ("on_link", Expr::leaf(format_args!("OnLink::{on_link}"))),
            (
                "on_rewrite",
                Expr::leaf(format_args!("OnRewrite::{on_rewrite}")),
            ),
            (
                "after_delete",
                Expr::leaf(format_args!("AfterDelete::{after_delete}")),
            ),
            (
                "duplicates",
                Expr::leaf(format_args!("Duplicates::{duplicates}")),
            ),
        ],
    )
}

pub(super) fn constant(equals: &Constant) -> Expr {
    Expr::leaf(constant_text(equals))
}

fn constant_text(equals: &Constant) -> String {
    match equals {
        Constant::Boolean(truth) => format!("Constant::Boolean({truth})"),
        Constant::Integer(number) => format!("Constant::Integer({number})"),
        Constant::Text(text) | Constant::Decimal(text) => format!("Constant::Text({text:?})"),
        Constant::Null | Constant::List(_) | Constant::Object(_) => "Constant::Null".to_owned(),
    }
}

fn rung(mapping: &Mapping, rung: &Rung) -> Expr {
    let fields = rung
        .fields
        .iter()
        .filter_map(|index| mapping.record.get(*index))
        .map(|field| Expr::leaf(format_args!("RecordField::{} as usize", field.variant)));
    Expr::Struct(
        "Rung",
        vec![
            ("fields", list(fields)),
            ("proposes_only", Expr::leaf(rung.proposes_only)),
        ],
    )
}

fn origin(code: &mut Code, mapping: &Mapping, value: &Value) {
    match value {
        Value::Payload { index, .. } => {
            let variant = mapping
                .payload
                .get(*index)
                .map_or("", |field| field.variant.as_str());
            code.line(format_args!(
                "Origin::Payload(PayloadField::{variant} as usize),"
            ));
        }
        Value::Text(_) | Value::Boolean(_) | Value::Date(..) => code.line("Origin::Constant,"),
    }
}

fn field_sync(code: &mut Code, field: &FieldSync) {
    let monitored = if field.monitored { ".monitored()" } else { "" };
    let required = if field.required { ".required()" } else { "" };
    if !field.both {
        return code.line(format_args!("FieldSync::FORWARD{monitored}{required},"));
    }
    let conflict = match field.conflict {
        Conflict::Source => "Source",
        Conflict::Destination => "Destination",
        Conflict::Newest => "Newest",
        Conflict::Restrictive(true) => "Restrictive(true)",
        Conflict::Restrictive(false) => "Restrictive(false)",
        Conflict::Review => "Review",
    };
    code.line(format_args!(
        "FieldSync::both(Conflict::{conflict}){monitored}{required},"
    ));
}
