//! ir -> the descriptors of `runtime`, as `emit` writes them down as statics.
//!
//! A descriptor is `'static`, so these are leaked: a few kilobytes a mapping, once a run of a command line. Nothing
//! that runs for long, or compiles again and again, may come here.

mod tree;

use runtime::dynamic::Record;
use runtime::entity::{ANY_SCALE, EntityDescriptor, FieldDescriptor, Kind};
use runtime::mapping::{
    AfterDelete, Conflict, Constant, Direction, Duplicates, Envelope, FieldSync, Lookup,
    MappingDescriptor, MatchPolicy, OnLink, OnRewrite, Origin, Policies, PushAs, RecordCondition,
    Rung, Side,
};

use crate::ir;
use crate::model::{self, Literal};

pub(super) fn mapping(mapping: &ir::Mapping) -> &'static MappingDescriptor {
    let lookups = tree::lookups(&mapping.lookups);
    one(MappingDescriptor {
        name: text(&mapping.name),
        file: text(&mapping.file),
        payload_type: text(&mapping.payload_type),
        rows: path(&mapping.rows),
        envelope: Envelope {
            event_type: path(&mapping.envelope.event_type),
            event_id: path(&mapping.envelope.event_id),
            occurred_at: path(&mapping.envelope.occurred_at),
        },
        when: tree::conditions(&mapping.when),
        nothing: tree::conditions(&mapping.nothing),
        direction: match mapping.both {
            true => Direction::Both,
            false => Direction::Forward,
        },
        when_record: all(&mapping.when_record, record_condition),
        key: path(&mapping.key),
        lane: path(&mapping.lane),
        object: text(&mapping.object),
        external_id: text(&mapping.external_id),
        lock: mapping.lock.as_deref().map(text),
        policy: match mapping.policy {
            model::MatchPolicy::Adopt => MatchPolicy::Adopt,
            model::MatchPolicy::Review => MatchPolicy::Review,
            model::MatchPolicy::AlwaysCreate => MatchPolicy::AlwaysCreate,
        },
        rungs: all(&mapping.rungs, |rung| Rung {
            fields: list(rung.fields.clone()),
            proposes_only: rung.proposes_only,
        }),
        adopts_on_conflict: mapping.adopts_on_conflict,
        policies: policies(&mapping.policies),
        payload: entity(&mapping.source_entity, &mapping.payload, lookups),
        record: entity(&mapping.object, &mapping.record, lookups),
        origins: all(&mapping.values, origin),
        sync: all(&mapping.sync, field_sync),
        lines: list(mapping.lines.clone()),
        computed: tree::computed(mapping, lookups),
        tree: mapping.tree.as_ref().map(tree::tree),
        rows_of: mapping.rows_of.as_deref().map(text),
        push_as: mapping.push_as.map(|push| match push {
            model::PushAs::Create => PushAs::Create,
            model::PushAs::Extend => PushAs::Extend,
        }),
        refuses_edits: mapping.refuses_edits,
    })
}

/// A text that stays.
pub(super) fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A list that stays.
pub(super) fn list<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}

pub(super) fn one<T>(item: T) -> &'static T {
    Box::leak(Box::new(item))
}

pub(super) fn all<T, U>(items: &[T], make: impl Fn(&T) -> U) -> &'static [U] {
    list(items.iter().map(make).collect())
}

pub(super) fn path(names: &[String]) -> &'static [&'static str] {
    all(names, |name| text(name))
}

fn entity(
    name: &str,
    fields: &[ir::Field],
    lookups: &'static [Lookup],
) -> &'static EntityDescriptor {
    one(EntityDescriptor {
        name: text(name),
        fields: all(fields, |found| field(found, lookups)),
        new: Record::boxed,
    })
}

fn field(field: &ir::Field, lookups: &'static [Lookup]) -> FieldDescriptor {
    let kind = match &field.kind {
        ir::Kind::Text => Kind::Text,
        ir::Kind::Boolean => Kind::Boolean,
        ir::Kind::Date => Kind::Date,
        ir::Kind::Decimal { scale } => Kind::Decimal {
            scale: match scale {
                ir::Scale::Any => ANY_SCALE,
                ir::Scale::Digits(digits) => *digits,
            },
        },
        ir::Kind::DateTime => Kind::DateTime,
        ir::Kind::Lookup { index, .. } => match lookups.get(*index) {
            Some(lookup) => Kind::Lookup(lookup),
            None => Kind::Text,
        },
        ir::Kind::Reference { mapping } => Kind::Reference {
            mapping: text(mapping),
        },
    };
    FieldDescriptor {
        path: path(&field.path),
        kind,
        max_length: field.max_length,
        pii: field.pii,
        create_only: field.create_only,
        needs_npsp: field.needs_npsp,
        required: field.required,
        demanded: field.demanded,
        whole_digits: field.whole_digits,
    }
}

fn record_condition(condition: &ir::RecordCondition) -> RecordCondition {
    RecordCondition {
        field: text(&condition.field),
        negated: condition.negated,
        equals: constant(&condition.equals),
        needs_npsp: condition.needs_npsp,
    }
}

pub(super) fn constant(literal: &Literal) -> Constant {
    match literal {
        Literal::Boolean(truth) => Constant::Boolean(*truth),
        Literal::Integer(number) => Constant::Integer(*number),
        Literal::Text(written) | Literal::Decimal(written) => Constant::Text(text(written)),
        Literal::Null | Literal::List(_) | Literal::Object(_) => Constant::Null,
    }
}

fn policies(policies: &model::Policies) -> Policies {
    Policies {
        tie: match policies.tie {
            model::Side::Source => Side::Source,
            model::Side::Destination => Side::Destination,
        },
        on_link: match policies.on_link {
            model::OnLink::FillBlanks => OnLink::FillBlanks,
            model::OnLink::Source => OnLink::Source,
            model::OnLink::Destination => OnLink::Destination,
            model::OnLink::Newest => OnLink::Newest,
            model::OnLink::Review => OnLink::Review,
        },
        on_rewrite: match policies.on_rewrite {
            model::OnRewrite::Accept => OnRewrite::Accept,
            model::OnRewrite::Keep => OnRewrite::Keep,
        },
        after_delete: match policies.after_delete {
            model::AfterDelete::Recreate => AfterDelete::Recreate,
            model::AfterDelete::Detach => AfterDelete::Detach,
            model::AfterDelete::Review => AfterDelete::Review,
        },
        duplicates: match policies.duplicates {
            model::Duplicates::Review => Duplicates::Review,
            model::Duplicates::Allow => Duplicates::Allow,
        },
    }
}

fn origin(value: &ir::Value) -> Origin {
    match value {
        ir::Value::Payload { index, .. } => Origin::Payload(*index),
        ir::Value::Text(_) | ir::Value::Boolean(_) | ir::Value::Date(..) => Origin::Constant,
    }
}

fn field_sync(field: &ir::FieldSync) -> FieldSync {
    if !field.both {
        return FieldSync {
            monitored: field.monitored,
            required: field.required,
            ..FieldSync::FORWARD
        };
    }
    FieldSync {
        both: true,
        monitored: field.monitored,
        required: field.required,
        conflict: match field.conflict {
            ir::Conflict::Source => Conflict::Source,
            ir::Conflict::Destination => Conflict::Destination,
            ir::Conflict::Newest => Conflict::Newest,
            ir::Conflict::Restrictive(value) => Conflict::Restrictive(value),
            ir::Conflict::Review => Conflict::Review,
        },
    }
}
