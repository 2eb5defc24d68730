//! Routes one row: to the mapping that takes it, or to the error log.

use runtime::handler::Handler;
use runtime::json::{find, text_at};
use runtime::mapping::{MappingDescriptor, Path};
use runtime::queue::{ErrorRecord, NewItem, Word, unknown_word};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fit::{self, Misfit};
use super::place::{Place, key_members, own_id};
use super::taking::{self, Stranger, Taking};

/// The members that a handler's mappings want to know of a row, found in one go.
pub(super) struct Asked {
    paths: Vec<Path>,
}

impl Asked {
    pub(super) fn of_rows(handler: &dyn Handler) -> Asked {
        let mut paths = Vec::new();
        for mapping in handler.mappings() {
            let conditions = mapping.when.iter().chain(mapping.nothing);
            let conditions = conditions.map(|condition| condition.path);
            let key = key_members(mapping).unwrap_or_default();
            let own = [mapping.key, mapping.lane, own_id(mapping)];
            let own = own.into_iter().chain(key);
            for path in conditions.chain(own) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Asked { paths }
    }
}

/// A row's item, without its delivery's id. A row that no system may see is in the error log, in its own lane.
pub(super) fn of_row(
    handler: &dyn Handler,
    asked: &Asked,
    row: &str,
    payload_type: &str,
) -> NewItem {
    let item = routed(handler, asked, row, payload_type);
    if item.reason.is_some() || item.word == Word::Nothing {
        return item;
    }
    let Some(misfit) = fit::misfit(row) else {
        return item;
    };
    let error = unfit(handler, &item, &misfit);
    NewItem {
        mapping: None,
        reason: Some(error.message.clone()),
        word: Word::Unknown {
            error,
            asked: false,
        },
        ..item
    }
}

/// Makes the error of a row that does not fit. A later row of the record that fits closes it.
fn unfit(handler: &dyn Handler, item: &NewItem, misfit: &Misfit) -> ErrorRecord {
    let payload_type = &item.payload_type;
    let mut mappings = handler.mappings().iter();
    let root = mappings.find(|mapping| item.mapping.as_deref() == Some(mapping.name));
    let root = root.filter(|mapping| mapping.tree.is_some());
    let id = match runtime::ticketure::unfit_id(&item.key) {
        None => item.key.as_str(),
        Some(_) => "a row whose id is none",
    };
    let (member, what) = (&misfit.member, &misfit.what);
    let group = format!("{payload_type}.{member} does not fit");
    ErrorRecord {
        code: "does_not_fit".to_owned(),
        message: format!("{payload_type}: {member} of {id} does not fit: {what}"),
        mapping_line: None,
        help: "Correct it in Ticketure, so that the row is sent again: that closes this line. Nothing of the row was sent to Salesforce.".to_owned(),
        group: Some(unknown_word(root.map(|root| root.name), &group)),
    }
}

/// Routes a row by its own members alone.
fn routed(handler: &dyn Handler, asked: &Asked, row: &str, payload_type: &str) -> NewItem {
    let found = find(row, &asked.paths).unwrap_or_default();
    let raw = |path: Path| {
        let place = asked.paths.iter().position(|asked| *asked == path)?;
        found.get(place).copied().flatten()
    };
    let at = |path: Path| raw(path).and_then(value_of);
    // Salesforce stores blank text as none.
    let text = |path: Path| {
        let text = raw(path).and_then(text_of);
        text.filter(|text| !text.trim().is_empty())
    };
    let item = NewItem {
        payload_type: payload_type.to_owned(),
        lane: payload_type.to_owned(),
        payload: row.to_owned(),
        ..NewItem::default()
    };
    match Taking::of(handler, &at) {
        Taking::By(mapping) => {
            let place = Place::of(handler, mapping, &text);
            let is_known = place.closes && taking::knows_a_word(mapping, &at);
            NewItem {
                word: if is_known { Word::Known } else { Word::Unasked },
                ..place.item(item)
            }
        }
        Taking::Nothing(mapping) => NewItem {
            reason: None,
            word: Word::Nothing,
            ..Place::of(handler, mapping, &text).item(item)
        },
        Taking::Unknown(nearest, path) => {
            let place = Place::of(handler, nearest, &text);
            let stranger = Stranger {
                payload_type,
                path,
                word: at(path),
                id: text(own_id(nearest)),
                root: place.root.clone().filter(|_| !place.closes),
                tree: place.tree,
            };
            let error = stranger.error(handler, nearest);
            NewItem {
                mapping: None,
                reason: Some(error.message.clone()),
                word: Word::Unknown {
                    error,
                    asked: false,
                },
                ..place.item(item)
            }
        }
        Taking::Nobody(nearest, path) => {
            let place = Place::of(handler, nearest, &text);
            let id = text(own_id(nearest));
            let error = taking::nobody(payload_type, path, at(path), id);
            NewItem {
                mapping: None,
                reason: Some(error.message.clone()),
                word: Word::Unknown {
                    error,
                    asked: false,
                },
                ..place.item(item)
            }
        }
        // No mapping of the payload type selects rows by its `when`.
        Taking::None => NewItem {
            reason: Some(format!("no mapping takes rows of {payload_type}")),
            ..item
        },
    }
}

/// Does a row have to be this mapping's, or some such other's? One that makes more records of a row that another takes
/// does not say which rows there may be.
pub(super) fn speaks(mapping: &MappingDescriptor) -> bool {
    mapping.push_as.is_none()
        && mapping.tree.is_none_or(|tree| {
            tree.record_of.is_none() && tree.for_each.is_none() && tree.natural_key.is_empty()
        })
}

fn value_of(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// Text; a number or a truth as its text. A whole number keeps all its digits.
pub(super) fn text_of(raw: &RawValue) -> Option<String> {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(raw.get().to_owned());
    }
    text_at(&value_of(raw)?, &[])
}

/// Makes the item of a stored row, or of one that usher asked Ticketure for. `None` if no handler knows the payload
/// type.
pub fn of_row_alone(
    handlers: &[Box<dyn Handler>],
    payload_type: &str,
    row: &str,
) -> Option<NewItem> {
    let handler = handlers
        .iter()
        .find(|handler| handler.payload_type() == payload_type)?
        .as_ref();
    let delivered = find(row, &[&["$at"]]).unwrap_or_default();
    let delivered = delivered.first().copied().flatten().and_then(text_of);
    Some(NewItem {
        at_ms: delivered.as_deref().and_then(super::milliseconds),
        ..of_row(handler, &Asked::of_rows(handler), row, payload_type)
    })
}
