//! A look-up that cannot do its work: fields that no query compares, records that could not be made.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Lookup, LookupField, Made, Mapping, Missing, Origin, Rule};
use crate::schema::{SalesforceField, SalesforceObject, SalesforceType, SourceType};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let Origin::Computed(Rule::Lookup(lookup)) = &field.origin else {
            continue;
        };
        let Some(object) = context.schemas.objects.get(&lookup.object.value) else {
            continue;
        };
        sink.extend(lookup.by.iter().filter_map(|(field, _)| no_filter(field)));
        let all = lookup.by.iter().chain(&lookup.create);
        sink.extend(all.filter_map(|(field, made)| other_type(field, made)));
        sink.extend(create(lookup, object));
        sink.extend(within(lookup, context));
    }
}

fn fault(span: Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::UNFIT_LOOKUP, span, message, label)
}

fn no_filter(field: &LookupField) -> Option<Diagnostic> {
    let schema = field.schema.as_ref()?;
    (!schema.filterable).then(|| {
        let message = format!("{} cannot be compared in a query", field.name);
        fault(field.span, message, "not filterable")
            .related(schema.span, "its schema")
            .help("compare another field")
    })
}

/// A value that the field never has.
fn other_type(field: &LookupField, made: &Made) -> Option<Diagnostic> {
    let schema = field.schema.as_ref()?;
    let misfit = match made {
        Made::Constant(literal) => fit::record_misfit(schema, &literal.value),
        made => made.members().into_iter().find_map(|source| {
            let fits = comparable(&source.schema.kind, schema.kind);
            (!fits).then(|| {
                format!(
                    "{} is {}, and `{}` is {}",
                    field.name,
                    schema.kind.describe(),
                    source.dotted(),
                    source.schema.kind.describe()
                )
            })
        }),
    };
    let fault = fault(field.span, misfit?, "another type").related(schema.span, "its schema");
    Some(fault.help("compare it with a member of its type"))
}

fn comparable(from: &SourceType, to: SalesforceType) -> bool {
    use SalesforceType as T;
    match from {
        SourceType::Text { .. } => {
            to.is_text()
                || matches!(to, T::Reference | T::Id)
                || (fit::is_number(to) && fit::is_amount(from))
        }
        SourceType::Boolean => to == T::Boolean,
        SourceType::Integer | SourceType::Number => fit::is_number(to),
        SourceType::Object(_) | SourceType::List(_) | SourceType::Unknown => false,
    }
}

/// What a record that is made would lack, and what is said of one that is never made.
fn create(lookup: &Lookup, object: &SalesforceObject) -> Option<Diagnostic> {
    if lookup.missing.value != Missing::Create {
        let (field, _) = lookup.create.first()?;
        let message = "`create` says what is never made: `missing` is not `create`".to_owned();
        return Some(fault(field.span, message, "never made").help("take `create` out"));
    }
    let set: Vec<&str> = lookup
        .by
        .iter()
        .chain(&lookup.create)
        .map(|(field, _)| field.name.as_str())
        .collect();
    let is_set = |field: &SalesforceField| {
        set.iter().any(|name| {
            let parent = name.split_once('.').map(|(parent, _)| parent);
            *name == field.name
                || (parent.is_some() && parent == field.relationship_name.as_deref())
        })
    };
    let mut required = object.fields.iter().filter(|field| field.is_required());
    let lacking = required.find(|field| !is_set(field))?;
    let message = format!(
        "{} demands `{}`, and a record that is made would lack it",
        object.name, lacking.name
    );
    Some(
        fault(lookup.missing.span, message, "could not be made")
            .related(lacking.span, "required by the schema")
            .help(format!("add `create: {{ {}: ... }}`", lacking.name)),
    )
}

/// The field holds an account, and each mapping makes somebody who belongs to one.
fn within(lookup: &Lookup, context: &Context<'_>) -> Option<Diagnostic> {
    let within = lookup.within.as_ref()?;
    let schema = &within.field.schema;
    if !schema.reference_to.iter().any(|object| object == "Account") {
        let message = format!("{} holds no account", schema.name);
        return Some(
            fault(within.field.span, message, "no account")
                .related(schema.span, "its schema")
                .help("name the field that holds the account: AccountId"),
        );
    }
    within.of.iter().find_map(|(name, _)| {
        let mapping = context.named(&name.value)?;
        let object = mapping.destination.value.as_str();
        (!["Account", "Contact"].contains(&object)).then(|| {
            let message = format!("`{}` makes a {object}, which has no account", name.value);
            fault(name.span, message, "no account")
                .help("name a mapping of contacts or of accounts")
        })
    })
}
