//! A fold under the name of a member of another type: what reads the name would read something else.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(properties) = context.schemas.entities.get(&mapping.source.value) else {
        return;
    };
    let reduce = mapping.tree.as_ref().and_then(|tree| tree.reduce.as_ref());
    for fold in reduce.iter().flat_map(|reduce| &reduce.folds) {
        let name = &fold.name.value;
        let shadowed = properties.iter().find(|(known, _)| known == name);
        let Some((_, own)) = shadowed.filter(|(_, own)| own.kind != fold.schema.kind) else {
            continue;
        };
        let message = format!(
            "`{name}` of a row is {}, and this makes {} of it",
            own.kind.describe(),
            fold.schema.kind.describe()
        );
        sink.push(
            Diagnostic::error(Code::FOLD_SHADOWS, fold.name.span, message, "another type")
                .related(own.span, "its schema")
                .help("fold into another name"),
        );
    }
}
