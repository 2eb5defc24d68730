//! What a handler says to a question. The interpreter's side and the compiled program both have this file, so that
//! what differs between their answers is what the mapping was made into.

use runtime::change::{Mask, present};
use runtime::entity::Entity;
use runtime::handler::{self, FieldError, Handler, RecordError};
use runtime::json::{self, ReadError};
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Clocks, LinkState, Plan};
use serde_json::{Value, json};

/// What generated records do beside being entities: base, source and destination come to this.
pub struct Merged {
    pub plan: Plan,
    pub monitored: Mask,
    pub missing: Vec<usize>,
}

/// Merges three records of the named mapping; nothing where it goes forward only.
pub type Typed<'t> = &'t dyn Fn(&str, [&dyn Entity; 3]) -> Option<Merged>;

/// All that one mapping says to two rows and two records of Salesforce's, given as texts.
pub fn answer(handler: &dyn Handler, typed: Typed<'_>, question: &Value) -> Value {
    let text = |name: &str| question[name].as_str().unwrap_or_default();
    let name = text("mapping");
    let found = handler.mappings().iter().find(|known| known.name == name);
    let Some(mapping) = found.copied() else {
        return json!({ "unknown": name });
    };
    let row = handler.to_record(name, text("row").as_bytes());
    let other = handler.to_record(name, text("other").as_bytes());
    let (base, base_read) = read(mapping.new_record(), text("base"));
    let (now, now_read) = read(mapping.new_record(), text("now"));
    let (payload, payload_read) = read(mapping.new_payload(), text("row"));
    let mut answer = json!({
        "handler": [handler.payload_type(), handler.mappings().len()],
        "payload": [slots(payload.as_ref()), payload_read],
        "row": record(&row),
        "other": record(&other),
        "base": [slots(base.as_ref()), base_read],
        "now": [slots(now.as_ref()), now_read],
        "back": [back(handler, name, base.as_ref()), back(handler, name, now.as_ref())],
        "changed": changes(&[base.as_ref(), now.as_ref(), payload.as_ref()]),
        "written": written(now.as_ref()),
        "elsewhere": [record(&handler.to_record("no such", b"{}")), back(handler, "no such", now.as_ref())],
        "not its own": back(handler, name, payload.as_ref()),
        "records": records(handler, mapping, question),
    });
    if question["tables"] == true {
        answer["tables"] = tables(mapping);
    }
    if let Ok(row) = row {
        let records = [base.as_ref(), row.as_ref(), now.as_ref()];
        answer["changed by the row"] = changes(&records);
        answer["row written"] = written(row.as_ref());
        answer["merged"] = merged(mapping, records, question);
        answer["met"] = met(mapping, records, question);
        answer["typed"] = typed(name, records).map_or(Value::Null, |merged| {
            json!([
                plan(&merged.plan),
                fields(&merged.monitored),
                merged.missing
            ])
        });
    }
    answer
}

/// What several rows become: reduced, made ready, and each read as a record.
fn records(handler: &dyn Handler, mapping: &'static MappingDescriptor, question: &Value) -> Value {
    let rows = question["rows"].as_array().cloned().unwrap_or_default();
    let settings = question["settings"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let ready = match runtime::row::records(mapping, &rows, &settings) {
        Ok(ready) => ready,
        Err(error) => return json!(error.to_string()),
    };
    ready
        .iter()
        .map(|ready| {
            let row = ready.row.to_string();
            let made = handler.to_record(mapping.name, row.as_bytes());
            let read = |row: &[u8]| handler.to_record(mapping.name, row);
            let fitted = match handler::fitted(mapping, row.as_bytes(), &read) {
                Ok(fitted) => json!([
                    slots(fitted.record.as_ref()),
                    said(&ready.errors),
                    said(&fitted.errors)
                ]),
                Err(error) => json!(error.to_string()),
            };
            json!([
                ready.row,
                record(&made),
                made.as_deref().map_or(Value::Null, written),
                fitted
            ])
        })
        .collect()
}

/// The fields that are left out, each with its reason.
fn said(errors: &[FieldError]) -> Value {
    let each = errors.iter();
    each.map(|error| json!([error.destination, error.said()]))
        .collect()
}

/// The entity, filled with what fits, and what does not.
fn read(mut entity: Box<dyn Entity>, text: &str) -> (Box<dyn Entity>, Value) {
    let result: Result<(), ReadError> = json::read(entity.as_mut(), text.as_bytes());
    let said = result.err().map(|error| error.to_string());
    (entity, json!(said))
}

fn record(made: &Result<Box<dyn Entity>, RecordError>) -> Value {
    match made {
        Ok(record) => slots(record.as_ref()),
        Err(error) => json!({ "error": error.to_string(), "line": error.line() }),
    }
}

/// Every slot by its field, as it says it.
fn slots(entity: &dyn Entity) -> Value {
    let fields = entity.descriptor().fields.iter().enumerate();
    fields
        .map(|(index, field)| format!("{}: {:?}", field.dotted(), entity.slot(index)))
        .collect()
}

fn back(handler: &dyn Handler, mapping: &str, record: &dyn Entity) -> Value {
    match handler.back(mapping, record) {
        Err(error) => json!(error.to_string()),
        Ok(back) => {
            let errors = back.errors.iter().map(ToString::to_string);
            let body = json::write_tree(back.payload.as_ref(), &present(back.payload.as_ref()));
            json!({
                "payload": slots(back.payload.as_ref()),
                "body": body,
                "image": slots(back.image.as_ref()),
                "errors": errors.collect::<Vec<String>>(),
            })
        }
    }
}

/// Which fields of each differ from each.
fn changes(entities: &[&dyn Entity]) -> Value {
    let against = |now: &&dyn Entity| -> Value {
        let masks = entities.iter().map(|base| now.changed_since(*base));
        masks.map(|mask| fields(&mask)).collect()
    };
    entities.iter().map(against).collect()
}

/// How many there are, and which.
fn fields(mask: &Mask) -> Value {
    let last = runtime::change::FIELDS_MAX;
    let set = (0..last).filter(|index| mask.contains(*index));
    json!([mask.len(), set.take(mask.len()).collect::<Vec<usize>>()])
}

/// As JSON, flat and as a tree: all of it, and every other field; some references are known, some are not.
fn written(entity: &dyn Entity) -> Value {
    let all = present(entity);
    let mut half = all;
    (0..entity.descriptor().fields.len())
        .step_by(2)
        .for_each(|index| half.clear(index));
    let known = |mapping: &str, id: &str| {
        id.len()
            .is_multiple_of(2)
            .then(|| format!("{mapping}/{id}"))
    };
    let flat = |mask: &Mask| json::write(entity, mask, &known).unwrap_or_default();
    json!([
        flat(&all),
        flat(&half),
        json::write_tree(entity, &all),
        json::write_tree(entity, &half)
    ])
}

/// A linked pair of which both sides say something, written as planned, and told of the first again.
fn merged(
    mapping: &'static MappingDescriptor,
    [base, row, now]: [&dyn Entity; 3],
    question: &Value,
) -> Value {
    let [source_at, destination_at] = times(question);
    let mut state = LinkState::created(mapping, base, 1);
    state.observe(Side::Source, row, source_at, 1);
    state.observe(Side::Destination, now, destination_at, 1);
    let first = state.plan(&Clocks::default());
    let kept = LinkState::from_json(mapping, &state.to_json()).to_json();
    state.landed(Side::Destination, first.to_destination.as_ref());
    state.landed(Side::Source, first.to_source.as_ref());
    state.observe(Side::Destination, base, destination_at + 1, 1);
    let second = state.plan(&Clocks::default());
    json!([plan(&first), kept, plan(&second), state.to_json()])
}

/// Two records that meet for the first time.
fn met(
    mapping: &'static MappingDescriptor,
    [_, row, now]: [&dyn Entity; 3],
    question: &Value,
) -> Value {
    let [source_at, destination_at] = times(question);
    let mut state = LinkState::meet(mapping, (row, source_at), (now, destination_at));
    let planned = state.plan(&Clocks::default());
    json!([plan(&planned), state.to_json()])
}

fn times(question: &Value) -> [i64; 2] {
    [0, 1].map(|side| question["at"][side].as_i64().unwrap_or_default())
}

fn plan(plan: &Plan) -> Value {
    json!({
        "to_source": slots(plan.to_source.as_ref()),
        "to_destination": slots(plan.to_destination.as_ref()),
        "decisions": format!("{:?}", plan.decisions),
        "gate": format!("{:?}", plan.gate),
    })
}

/// All that the descriptor says.
fn tables(mapping: &MappingDescriptor) -> Value {
    let about = format!(
        "{:?}",
        (
            (
                mapping.name,
                mapping.file,
                mapping.payload_type,
                mapping.rows
            ),
            (
                mapping.when,
                mapping.nothing,
                mapping.direction,
                mapping.when_record
            ),
            (
                mapping.key,
                mapping.lane,
                mapping.object,
                mapping.external_id
            ),
            (mapping.lock, mapping.policy, mapping.rungs),
            (mapping.adopts_on_conflict, mapping.policies, mapping.lines),
            (mapping.origins, mapping.sync),
            (mapping.computed, mapping.tree),
        )
    );
    let entities = [mapping.payload, mapping.record].map(|table| {
        let fields = table.fields.iter().map(|field| format!("{field:?}"));
        json!([table.name, fields.collect::<Vec<String>>()])
    });
    json!([about, entities])
}
