//! A lane that a row may come without: such a row could not be put in order.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let lane = &mapping.lane;
    // The key has its own rule, and so has what is no text.
    let is_text = matches!(lane.schema.kind, SourceType::Text { .. });
    if lane.path == mapping.key.source.path || !is_text {
        return;
    }
    let what = match (lane.schema.required, lane.schema.nullable) {
        (true, false) => return,
        (true, true) => "may be null",
        (false, _) => "may be missing",
    };
    let message = format!("`{}` cannot be the lane: it {what}", lane.dotted());
    sink.push(
        Diagnostic::error(Code::LANE_MISSING, lane.span, message, what)
            .related(lane.schema.span, "its schema")
            .help("use a path that every row has, such as the key's"),
    );
}
