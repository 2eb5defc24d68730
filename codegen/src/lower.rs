//! model -> ir: every naming and typing decision.
//!
//! Comes in: a model in which the checks found nothing wrong. Goes out: structs, tables and tests with final names.

mod names;
mod sync;
mod tree;
mod values;

use std::collections::BTreeMap;

use crate::ir;
use crate::model::{self, Model, Origin};
use crate::schema::{SalesforceField, SalesforceType, SourceType};
use crate::span::{FileId, Span};
use names::{Names, pascal, screaming, snake};

/// What lowering needs to know of the files: names and lines.
pub trait Places {
    /// `contact.yaml`.
    fn file_name(&self, file: FileId) -> String;
    /// Counted from 1.
    fn line(&self, span: Span) -> u32;
}

/// Decides all names, types and orders.
pub fn lower(model: &Model, places: &dyn Places) -> ir::Program {
    let mut mappings: Vec<ir::Mapping> = model
        .mappings
        .iter()
        .map(|mapping| lower_mapping(model, mapping, places))
        .collect();
    mappings.sort_by(|a, b| a.name.cmp(&b.name));
    let handlers = lower_handlers(&mappings);
    ir::Program { mappings, handlers }
}

fn lower_handlers(mappings: &[ir::Mapping]) -> Vec<ir::Handler> {
    let mut fed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, mapping) in mappings.iter().enumerate() {
        fed.entry(&mapping.payload_type).or_default().push(index);
    }
    fed.into_iter()
        .map(|(payload_type, mappings)| ir::Handler {
            payload_type: payload_type.to_owned(),
            module: format!("on_{}", snake(payload_type)),
            trait_name: pascal(payload_type),
            adapter_name: format!("{}Adapter", pascal(payload_type)),
            mappings,
        })
        .collect()
}

fn lower_mapping(model: &Model, mapping: &model::Mapping, places: &dyn Places) -> ir::Mapping {
    let name = &mapping.name.value;
    let mut payload = payload_fields(mapping);
    let (making, tree) = tree::Making::of(mapping);
    let mut rows = record_rows(model, mapping, &making, &payload, places);
    name_variants(payload.iter_mut());
    name_variants(rows.iter_mut().map(|row| &mut row.field));
    values::move_last_uses(rows.iter_mut().map(|row| &mut row.value));
    let sync = sync::fields(mapping, &rows);
    ir::Mapping {
        name: name.clone(),
        file: format!("mappings/{}", places.file_name(mapping.file)),
        module: snake(name),
        payload_struct: format!("{}Payload", pascal(name)),
        record_struct: format!("{}Record", pascal(name)),
        lines_name: screaming(name),
        source_entity: mapping.source.value.clone(),
        object: mapping.destination.value.clone(),
        external_id: mapping.key.external_id().unwrap_or_default().to_owned(),
        lock: mapping.lock.as_ref().map(|field| field.schema.name.clone()),
        payload_type: mapping.payload.payload_type.value.clone(),
        rows: mapping.payload.rows.clone(),
        envelope: mapping.payload.names.clone(),
        when: tree::conditions(&mapping.when),
        nothing: tree::conditions(&mapping.nothing),
        key: mapping.key.source.path.clone(),
        lane: mapping.lane.path.clone(),
        policy: mapping.policy,
        both: mapping.direction == model::Direction::Both,
        when_record: sync::conditions(mapping),
        adopts_on_conflict: mapping.adopts_on_conflict,
        policies: mapping.policies,
        payload_key: index_of(payload.iter(), &mapping.key.source.path),
        record_key: index_of(
            rows.iter().map(|row| &row.field),
            &[mapping.key.external_id().unwrap_or_default().to_owned()],
        ),
        some_stay_absent: sync::goes_back(&rows, &sync).count() < payload.len(),
        sync,
        rungs: lower_rungs(mapping, &rows),
        tests: lower_tests(mapping, places),
        computed: making.computed,
        lookups: making.lookups,
        tree,
        rows_of: mapping.rows_of.as_ref().map(|of| of.value.clone()),
        push_as: mapping.push_as.as_ref().map(|word| word.value),
        refuses_edits: mapping.refuses_edits.is_some(),
        payload,
        lines: rows.iter().map(|row| row.line).collect(),
        values: rows.iter().map(|row| row.value.clone()).collect(),
        record: rows.into_iter().map(|row| row.field).collect(),
    }
}

fn name_variants<'f>(fields: impl Iterator<Item = &'f mut ir::Field>) {
    let mut names = Names::default();
    for field in fields {
        field.variant = names.unique(pascal(&field.ident));
    }
}

/// The place of a path that is there.
fn index_of<'f>(mut fields: impl Iterator<Item = &'f ir::Field>, path: &[String]) -> usize {
    fields
        .position(|field| field.path == path)
        .unwrap_or_default()
}

/// Every path that the mapping reads, once, sorted by path.
fn payload_fields(mapping: &model::Mapping) -> Vec<ir::Field> {
    let mut read: BTreeMap<&[String], (&model::SourceField, bool)> = BTreeMap::new();
    let mapped = mapping
        .fields
        .iter()
        .filter_map(|field| match &field.origin {
            Origin::Source(source) => Some((source, field.pii)),
            Origin::Constant(_) | Origin::Computed(_) => None,
        });
    let is_single = |source: &&model::SourceField| {
        !matches!(
            source.schema.kind,
            SourceType::Object(_) | SourceType::List(_)
        )
    };
    let named = [&mapping.key.source, &mapping.lane]
        .into_iter()
        .chain(mapping.when.iter().map(|condition| &condition.source))
        .filter(is_single)
        .map(|source| (source, false));
    for (source, pii) in named.chain(mapped) {
        let entry = read.entry(&source.path).or_insert((source, false));
        entry.1 |= pii;
    }
    let mut names = Names::default();
    let mut fields: Vec<ir::Field> = read
        .into_values()
        .map(|(source, pii)| ir::Field {
            ident: names.unique(snake(&source.path.join("_"))),
            variant: String::new(),
            path: source.path.clone(),
            kind: payload_kind(&source.schema.kind),
            max_length: payload_length(source),
            pii,
            create_only: false,
            needs_npsp: false,
            required: source.schema.required && source.path.len() == 1,
            demanded: false,
            whole_digits: None,
            doc: format!("`{}`", source.dotted()),
        })
        .collect();
    let made = mapping.fields.iter().filter_map(made_field);
    fields.extend(made.map(|mut field| {
        field.ident = names.unique(field.ident);
        field
    }));
    fields.sort_by(|one, other| one.path.cmp(&other.path));
    fields
}

/// The member that a field's value is made into.
fn made_field(field: &model::Field) -> Option<ir::Field> {
    let Origin::Computed(_) = &field.origin else {
        return None;
    };
    let schema = &field.destination.schema;
    let name = tree::name(&schema.name);
    Some(ir::Field {
        ident: names::destination(&schema.name),
        variant: String::new(),
        kind: match record_kind(schema) {
            ir::Kind::Decimal { .. } => ir::Kind::Decimal {
                scale: ir::Scale::Any,
            },
            ir::Kind::Boolean => ir::Kind::Boolean,
            _ => ir::Kind::Text,
        },
        max_length: None,
        pii: field.pii,
        create_only: false,
        needs_npsp: false,
        required: false,
        demanded: false,
        whole_digits: None,
        doc: format!("`{name}`, made of other members"),
        path: vec![name],
    })
}

/// How long a text may be, on both ways.
fn payload_length(source: &model::SourceField) -> Option<u32> {
    match &source.schema.kind {
        SourceType::Text { max_length, .. } => *max_length,
        _ => None,
    }
}

fn payload_kind(kind: &SourceType) -> ir::Kind {
    match kind {
        SourceType::Boolean => ir::Kind::Boolean,
        SourceType::Integer | SourceType::Number => ir::Kind::Decimal {
            scale: ir::Scale::Any,
        },
        // What else a schema may hold, the checks refuse.
        SourceType::Text { .. }
        | SourceType::Object(_)
        | SourceType::List(_)
        | SourceType::Unknown => ir::Kind::Text,
    }
}

/// One field of the record with what is said of it.
struct Row {
    field: ir::Field,
    value: ir::Value,
    line: u32,
}

fn record_rows(
    model: &Model,
    mapping: &model::Mapping,
    making: &tree::Making,
    payload: &[ir::Field],
    places: &dyn Places,
) -> Vec<Row> {
    let mut rows: Vec<Row> = mapping
        .fields
        .iter()
        .map(|field| field_row(model, mapping, field, making, payload, places))
        .collect();
    let key = &mapping.key;
    if let Some(destination) = &key.destination
        && !rows
            .iter()
            .any(|row| row.field.path == [destination.schema.name.clone()])
    {
        rows.push(key_row(key, destination, payload, places));
    }
    rows.sort_by(|a, b| a.field.path.cmp(&b.field.path));
    let mut names = Names::default();
    for row in &mut rows {
        row.field.ident = names.unique(std::mem::take(&mut row.field.ident));
    }
    rows
}

fn field_row(
    model: &Model,
    mapping: &model::Mapping,
    field: &model::Field,
    making: &tree::Making,
    payload: &[ir::Field],
    places: &dyn Places,
) -> Row {
    let schema = &field.destination.schema;
    let kind = match &field.reference {
        Some(reference) => ir::Kind::Reference {
            mapping: model
                .mappings
                .get(reference.value.0)
                .map(|mapping| mapping.name.value.clone())
                .unwrap_or_default(),
        },
        None => making
            .lookup_kind(&schema.name)
            .unwrap_or_else(|| record_kind(schema)),
    };
    let doc = match &field.origin {
        Origin::Source(source) => format!("`{}`, from `{}`", schema.name, source.dotted()),
        Origin::Constant(_) => format!("`{}`, a constant", schema.name),
        Origin::Computed(_) => format!("`{}`, made of members", schema.name),
    };
    Row {
        field: ir::Field {
            ident: names::destination(&schema.name),
            variant: String::new(),
            path: vec![schema.name.clone()],
            // A reference holds the source's id, whatever its length; what is sent is an id of Salesforce.
            max_length: if kind == ir::Kind::Text {
                schema.length
            } else {
                None
            },
            kind,
            pii: field.pii,
            create_only: field.when_creating,
            needs_npsp: field.needs_npsp.is_some(),
            required: false,
            demanded: is_demanded(model, mapping, field),
            whole_digits: whole_digits(schema),
            doc,
        },
        value: values::value(field, payload),
        line: places.line(field.span),
    }
}

fn key_row(
    key: &model::Key,
    destination: &model::DestinationField,
    payload: &[ir::Field],
    places: &dyn Places,
) -> Row {
    let schema = &destination.schema;
    Row {
        field: ir::Field {
            ident: names::destination(&schema.name),
            variant: String::new(),
            path: vec![schema.name.clone()],
            kind: ir::Kind::Text,
            max_length: schema.length,
            pii: false,
            create_only: false,
            needs_npsp: false,
            required: false,
            demanded: true,
            whole_digits: None,
            doc: format!("`{}`, the key, from `{}`", schema.name, key.source.dotted()),
        },
        value: values::from_payload(&key.source.path, "same", payload),
        line: places.line(destination.span),
    }
}

/// Returns whether the record is refused or useless without this field. Salesforce's required fields and the key are
/// demanded. Below the root of a tree, so are the parent and the amount.
fn is_demanded(model: &Model, mapping: &model::Mapping, field: &model::Field) -> bool {
    let schema = &field.destination.schema;
    let is_key = mapping.key.external_id() == Some(schema.name.as_str());
    let name = &mapping.name.value;
    let tree = mapping.tree.as_ref();
    let root = tree.map(|tree| &tree.root.value);
    let is_roots = tree.is_some_and(|tree| tree.record_of.is_some()) || root == Some(name);
    let refers_to = field
        .reference
        .as_ref()
        .and_then(|reference| model.mappings.get(reference.value.0))
        .map(|mapping| &mapping.name.value);
    let is_parent = root.is_some() && refers_to == root;
    let is_amount = schema.kind == SalesforceType::Currency;
    schema.is_required() || is_key || (tree.is_some() && !is_roots && (is_parent || is_amount))
}

/// The most digits before the decimal point of the field.
fn whole_digits(schema: &SalesforceField) -> Option<u32> {
    match record_kind(schema) {
        ir::Kind::Decimal { .. } => {
            let scale = schema.scale.unwrap_or_default();
            schema.precision?.checked_sub(scale)
        }
        _ => None,
    }
}

fn record_kind(schema: &SalesforceField) -> ir::Kind {
    use SalesforceType as T;
    match schema.kind {
        T::Boolean => ir::Kind::Boolean,
        T::Date => ir::Kind::Date,
        T::Datetime => ir::Kind::DateTime,
        T::Currency | T::Double | T::Int | T::Long | T::Percent => ir::Kind::Decimal {
            scale: ir::Scale::Digits(schema.scale.unwrap_or_default()),
        },
        _ => ir::Kind::Text,
    }
}

fn lower_rungs(mapping: &model::Mapping, rows: &[Row]) -> Vec<ir::Rung> {
    let index = |name: &str| {
        rows.iter()
            .position(|row| row.field.path == [name.to_owned()])
    };
    mapping
        .rungs
        .iter()
        .map(|rung| ir::Rung {
            fields: rung.pairs.iter().filter_map(|(_, field)| index(&field.schema.name)).collect(),
            // Families share an address: e-mail alone says where to look, not who it is.
            proposes_only: matches!(rung.pairs.as_slice(), [(_, field)] if field.schema.kind == SalesforceType::Email),
        })
        .filter(|rung| !rung.fields.is_empty())
        .collect()
}

fn lower_tests(mapping: &model::Mapping, places: &dyn Places) -> Vec<ir::Test> {
    let mut names = Names::default();
    mapping
        .tests
        .iter()
        .map(|test| ir::Test {
            function: names.unique(snake(&test.name.value)),
            name: test.name.value.clone(),
            line: places.line(test.name.span),
            subject: subject(mapping, test),
            exact: test.expect.as_ref().is_some_and(|expect| expect.exact),
        })
        .collect()
}

fn records(test: &model::Test) -> ir::Records {
    if let Some(records) = &test.records {
        let all: Vec<String> = records.value.iter().map(values::json_of_fields).collect();
        return ir::Records::Several(format!("[{}]", all.join(",")));
    }
    let one = test.expect.as_ref().map(values::json_of_fields);
    one.map_or(ir::Records::None, ir::Records::One)
}

/// A test that has only a row and its record is about that; every other is about a pair.
fn subject(mapping: &model::Mapping, test: &model::Test) -> ir::Subject {
    if mapping.makes_ready()
        && let Some(given) = &test.given
        && test.base.is_none()
        && test.now.is_none()
        && test.push.is_none()
    {
        return ir::Subject::Rows {
            given: values::json(&given.value),
            settings: tree::settings(mapping, test),
            expect: records(test),
        };
    }
    let given = test.given.as_ref().map(|given| values::json(&given.value));
    let base = test.base.as_ref().map(values::json_of_fields);
    let now = test.now.as_ref().map(values::json_of_fields);
    let expect = test.expect.as_ref().map(values::json_of_fields);
    let push = test.push.as_ref().map(|push| match push {
        model::Push::Nothing => "{}".to_owned(),
        model::Push::Body(body) => values::json(&body.value),
    });
    if let (true, None, Some(now), Some(push)) = (mapping.goes_back_only(), &given, &now, &push) {
        return ir::Subject::Pushed {
            now: now.clone(),
            push: push.clone(),
        };
    }
    match (given, expect) {
        (Some(given), Some(expect)) if base.is_none() && now.is_none() && push.is_none() => {
            ir::Subject::Record { given, expect }
        }
        (given, expect) => ir::Subject::Pair(ir::Pair {
            settings: (given.is_some() && mapping.makes_ready())
                .then(|| tree::settings(mapping, test)),
            base,
            now,
            given,
            expect,
            push,
        }),
    }
}
