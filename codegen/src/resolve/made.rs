//! Values that are made of members: templates, cases, tables of words, look-ups.

use super::mapping::{Resolver, Sides};
use super::{condition, lookup};
use crate::ast;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{
    Case, Conversion, Lookup, LookupField, Made, Origin, Piece, Rule, SourceField, Within,
};
use crate::schema::SalesforceObject;
use crate::span::Spanned;

impl Resolver<'_> {
    /// What the words beside a field's origin make of it; nothing where they do not fit together.
    pub(super) fn made_origin(
        &self,
        field: &ast::Field,
        convert: Option<Conversion>,
        origin: Origin,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Origin> {
        let words = [
            field.values.as_ref().map(|values| ("values", values.span)),
            field.date_in.as_ref().map(|zones| ("date_in", zones.span)),
        ];
        let mut words = words.into_iter().flatten();
        let (first, second) = (words.next(), words.next());
        let fault = match (&origin, first, second) {
            (_, Some((one, _)), Some((other, span))) => {
                Some((span, format!("`{one}` and `{other}` cannot stand together")))
            }
            (Origin::Source(_), Some((word, span)), _) if convert.is_some() => Some((
                span,
                format!("`{word}` and `convert` cannot stand together"),
            )),
            (Origin::Source(_), ..) | (_, None, _) => None,
            (_, Some((word, span)), _) => {
                Some((span, format!("`{word}` wants a `source` that is one path")))
            }
        };
        if let Some((span, message)) = fault {
            let fault = Diagnostic::error(Code::WRONG_SHAPE, span, message, "does not fit");
            sink.push(fault.help("take it out, or what it does not fit"));
            return None;
        }
        let Origin::Source(source) = origin else {
            return Some(origin);
        };
        if let Some(values) = &field.values {
            return Some(Origin::Computed(table(values, source)));
        }
        if let Some(zones) = &field.date_in {
            return date_in(zones, source, sides, sink).map(Origin::Computed);
        }
        Some(match convert {
            Some(Conversion::Negative) => Origin::Computed(Rule::Negative(source)),
            _ => Origin::Source(source),
        })
    }

    pub(super) fn cases(
        &self,
        cases: &[ast::Case],
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Rule {
        let cases = cases.iter().filter_map(|case| {
            let when = condition::conditions(&case.when, sides, sides.properties, sink);
            let then = made(&case.then, sides, sink)?;
            // With fewer conditions it would be another case.
            if when.len() < case.when.len() {
                return None;
            }
            Some(Case {
                span: case.span,
                when,
                then,
            })
        });
        Rule::Cases(cases.collect())
    }

    pub(super) fn look_up(
        &self,
        written: &ast::Lookup,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Rule> {
        let object = self.looked_up(&written.object, sink)?;
        let fields = |fields: &ast::MadeFields, sink: &mut Vec<Diagnostic>| {
            let found: Vec<Option<(LookupField, Made)>> = fields
                .iter()
                .map(|(name, value)| {
                    let field = self.lookup_field(name, object, sink);
                    let value = made(value, sides, sink);
                    Some((field?, value?))
                })
                .collect();
            found.into_iter().collect::<Option<Vec<_>>>()
        };
        let by = fields(&written.by, sink);
        let create = fields(&written.create, sink);
        let within = written.within.as_ref();
        let within = within.map(|within| self.within(within, object, sides, sink));
        // What could not be found was reported: nothing is said of the rest.
        let (by, create) = (by?, create?);
        let within = within.map_or(Some(None), |found| found.map(Some))?;
        Some(Rule::Lookup(Box::new(Lookup {
            span: written.span,
            object: written.object.clone(),
            by,
            within,
            missing: written.missing.clone(),
            create,
        })))
    }

    fn looked_up(
        &self,
        name: &Spanned<String>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<&SalesforceObject> {
        let found = self.schemas.objects.get(&name.value);
        let is_broken = self
            .schemas
            .broken
            .contains(&format!("salesforce.{}", name.value));
        if found.is_none() && !is_broken {
            let known = self.schemas.objects.keys().map(String::as_str);
            let message = format!("there is no object `{}`", name.value);
            sink.push(
                Diagnostic::error(
                    Code::UNKNOWN_SCHEMA,
                    name.span,
                    message,
                    "no such schema in schemas/salesforce",
                )
                .did_you_mean(name.span, &name.value, known),
            );
        }
        found
    }

    /// `Name`, or `Product2.Name`: a field of the object that a reference of this relationship leads to.
    fn lookup_field(
        &self,
        name: &Spanned<String>,
        object: &SalesforceObject,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<LookupField> {
        let field = |schema| LookupField {
            span: name.span,
            name: name.value.clone(),
            schema,
        };
        let Some((relationship, inner)) = name.value.split_once('.') else {
            let found = lookup::destination(name, object, sink)?;
            return Some(field(Some(found.schema)));
        };
        let reference = object
            .fields
            .iter()
            .find(|field| field.relationship_name.as_deref() == Some(relationship));
        let Some(reference) = reference else {
            let known = object
                .fields
                .iter()
                .filter_map(|field| field.relationship_name.as_deref());
            let message = format!("{} has no relationship `{relationship}`", object.name);
            let fault = Diagnostic::error(
                Code::UNKNOWN_DESTINATION_FIELD,
                name.span,
                message,
                "no reference of this name in the schema",
            );
            let help = match nearest(relationship, known) {
                Some(meant) => format!("did you mean `{meant}.{inner}`?"),
                None => {
                    "name a reference's `relationshipName`, and a field behind a dot".to_owned()
                }
            };
            sink.push(fault.help(help));
            return None;
        };
        let parent = reference
            .reference_to
            .iter()
            .find_map(|parent| self.schemas.objects.get(parent));
        let Some(parent) = parent else {
            return Some(field(None));
        };
        let found = lookup::destination(&Spanned::new(inner.to_owned(), name.span), parent, sink)?;
        Some(field(Some(found.schema)))
    }

    fn within(
        &self,
        written: &ast::Within,
        object: &SalesforceObject,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Within> {
        let field = lookup::destination(&written.field, object, sink);
        let of: Vec<Option<(Spanned<String>, SourceField)>> = written
            .of
            .iter()
            .map(|(mapping, path)| {
                let known = self.reference(mapping, sink);
                let path = lookup::source(path, &sides.entity, sides.properties, sink);
                Some((known.map(|_| mapping.clone())?, path?))
            })
            .collect();
        Some(Within {
            field: field?,
            of: of.into_iter().collect::<Option<Vec<_>>>()?,
        })
    }
}

fn table(values: &ast::Values, of: SourceField) -> Rule {
    let rows = values.table.iter().map(|(word, value)| {
        let from = crate::model::Literal::Text(word.value.clone());
        (Spanned::new(from, word.span), value.clone())
    });
    Rule::Values {
        span: values.span,
        of,
        table: rows.collect(),
        otherwise: values.otherwise.clone(),
    }
}

fn date_in(
    zones: &Spanned<Vec<Spanned<String>>>,
    time: SourceField,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    let zones_found = sources(&zones.value, sides, sink)?;
    Some(Rule::DateIn {
        span: zones.span,
        time,
        zones: zones_found,
    })
}

/// All of the paths, or nothing.
pub(super) fn sources(
    paths: &[Spanned<String>],
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Vec<SourceField>> {
    let found: Vec<Option<SourceField>> = paths
        .iter()
        .map(|path| lookup::source(path, &sides.entity, sides.properties, sink))
        .collect();
    found.into_iter().collect()
}

pub(super) fn made(
    written: &ast::Made,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Made> {
    Some(match written {
        ast::Made::Constant(literal) => Made::Constant(literal.clone()),
        ast::Made::Template(text) => Made::Template(text.span, template(text, sides, sink)?),
        ast::Made::Source(paths) => {
            let mut found = sources(paths, sides, sink)?;
            match found.len() {
                1 => Made::Member(found.remove(0)),
                _ => Made::FirstOf(found),
            }
        }
    })
}

/// `Tickets {cart_number}`: text, and members in braces.
pub(super) fn template(
    text: &Spanned<String>,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text.value.as_str();
    let mut complete = true;
    while let Some((before, behind)) = rest.split_once('{') {
        let inner = behind.split_once('}').filter(|_| !before.contains('}'));
        let Some((path, after)) = inner else {
            sink.push(unbalanced(text));
            return None;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let path = Spanned::new(path.trim().to_owned(), text.span);
        match lookup::source(&path, &sides.entity, sides.properties, sink) {
            Some(source) => pieces.push(Piece::Member(source)),
            None => complete = false,
        }
        rest = after;
    }
    if rest.contains('}') {
        sink.push(unbalanced(text));
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    complete.then_some(pieces)
}

fn unbalanced(text: &Spanned<String>) -> Diagnostic {
    let message = "a brace of this template has no other half";
    Diagnostic::error(Code::WRONG_SHAPE, text.span, message, "unbalanced")
        .help("write a member in braces: `Tickets {cart_number}`")
}
