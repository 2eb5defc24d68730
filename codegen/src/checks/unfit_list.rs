//! `for_each` over what is no list, and a share of what is no amount.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, Rule, SourceField};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let for_each = mapping
        .tree
        .as_ref()
        .and_then(|tree| tree.for_each.as_ref());
    let Some(for_each) = for_each else { return };
    match &for_each.list.schema.kind {
        SourceType::List(item) => {
            let is_object = matches!(item.kind, SourceType::Object(_));
            if for_each.share.is_some() && !is_object {
                let message = format!(
                    "the entries of `{}` are {}, and have no part of an amount",
                    for_each.list.dotted(),
                    item.kind.describe()
                );
                sink.push(fault(&for_each.list, message, "not objects").help("take `share` out"));
            }
        }
        kind => {
            let message = format!(
                "`{}` is {}, and `for_each` wants a list",
                for_each.list.dotted(),
                kind.describe()
            );
            sink.push(fault(&for_each.list, message, "no list").help("name a list of the row"));
        }
    }
    sink.extend(same_key(mapping));
    if let Some(share) = &for_each.share
        && !fit::is_amount(&share.schema.kind)
    {
        let message = format!(
            "`{}` is {}, and no amount that can be shared",
            share.dotted(),
            share.schema.kind.describe()
        );
        sink.push(fault(share, message, "no amount").help("name an amount"));
    }
}

/// Every entry of a row would be one record.
fn same_key(mapping: &Mapping) -> Option<Diagnostic> {
    let key = &mapping.key;
    let made = key.made.iter().flat_map(Rule::members);
    let mut members = made.chain([&key.source]);
    let of_entry = |source: &SourceField| source.path.first().is_some_and(|name| name == "each");
    if !key.natural.is_empty() || members.any(of_entry) {
        return None;
    }
    let message = "every entry of a row would have the same key".to_owned();
    let fault = Diagnostic::error(Code::UNFIT_LIST, key.source.span, message, "one for all");
    Some(fault.help("name a member of the entry: `key: { template: \"{id}:{each.code}\", ... }`"))
}

fn fault(source: &SourceField, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::UNFIT_LIST, source.span, message, label)
        .related(source.schema.span, "its schema")
}
