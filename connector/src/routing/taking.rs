//! Chooses the mapping that takes a row, and makes the error of a row without one.

use runtime::handler::Handler;
use runtime::json::text_at;
use runtime::mapping::{Condition, Is, MappingDescriptor, Path};
use runtime::queue::{ErrorRecord, unknown_word};
use serde_json::Value;

/// The most characters of a word in an error text.
const SHOWN_MAX: usize = 80;

/// Outcome of routing one row.
pub(super) enum Taking {
    /// The mapping's `when` holds, or may hold with the other rows of the tree.
    By(&'static MappingDescriptor),
    /// The mapping lists the word under `nothing`.
    Nothing(&'static MappingDescriptor),
    /// No mapping knows the word at this path. The mapping comes nearest to taking the row.
    Unknown(&'static MappingDescriptor, Path),
    /// The value at this path, or its absence, keeps the nearest mapping from taking the row.
    Nobody(&'static MappingDescriptor, Path),
    /// No mapping of the payload type decides about rows.
    None,
}

impl Taking {
    /// Chooses by the row's members, which `at` reads.
    pub(super) fn of(handler: &dyn Handler, at: &impl Fn(Path) -> Option<Value>) -> Taking {
        let answers = |mapping: &'static MappingDescriptor| {
            let conditions = mapping.when.iter();
            Answers {
                mapping,
                each: conditions
                    .map(|condition| Answer::of(condition, at))
                    .collect(),
            }
        };
        let deciding = handler.mappings().iter().copied();
        let deciding = deciding.filter(|mapping| super::row::speaks(mapping));
        let all: Vec<Answers> = deciding.map(answers).collect();
        if let Some(taker) = all.iter().find(|answers| answers.hold()) {
            return Taking::By(taker.mapping);
        }
        let mut mappings = handler.mappings().iter().copied();
        let is_nothing = |condition: &Condition| condition.is.holds(at(condition.path).as_ref());
        if let Some(mapping) = mappings.find(|mapping| mapping.nothing.iter().any(is_nothing)) {
            return Taking::Nothing(mapping);
        }
        // Another row of the tree may give the member that this one leaves out.
        let may_take = |answers: &&Answers| answers.mapping.tree.is_some() && answers.may_hold();
        if let Some(taker) = all.iter().find(may_take) {
            return Taking::By(taker.mapping);
        }
        match blamed(&all) {
            Some((mapping, (condition, Answer::Fails))) if asks_for_a_word(condition.is) => {
                Taking::Unknown(mapping, condition.path)
            }
            Some((mapping, (condition, _))) => Taking::Nobody(mapping, condition.path),
            None => Taking::None,
        }
    }
}

/// Result of one condition on a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Holds,
    Fails,
    /// The row leaves the member out, and another row of its tree may give it.
    Open,
}

impl Answer {
    fn of(condition: &Condition, at: &impl Fn(Path) -> Option<Value>) -> Answer {
        let value = at(condition.path);
        match (
            condition.is.holds(value.as_ref()),
            condition.is.is_said(value.as_ref()),
        ) {
            (true, _) => Answer::Holds,
            (false, true) => Answer::Fails,
            (false, false) => Answer::Open,
        }
    }
}

/// Results of all conditions of a mapping.
struct Answers {
    mapping: &'static MappingDescriptor,
    each: Vec<Answer>,
}

impl Answers {
    fn hold(&self) -> bool {
        self.each.iter().all(|answer| *answer == Answer::Holds)
    }

    fn may_hold(&self) -> bool {
        self.failing() == 0
    }

    fn failing(&self) -> usize {
        let failing = |answer: &&Answer| **answer == Answer::Fails;
        self.each.iter().filter(failing).count()
    }

    /// The condition that keeps the mapping from taking the row: the first that fails, or else the first open one.
    fn blamed(&self) -> Option<(&'static Condition, Answer)> {
        let conditions = self.mapping.when.iter().zip(self.each.iter().copied());
        let mut wrong: Vec<_> = conditions
            .filter(|(_, answer)| *answer != Answer::Holds)
            .collect();
        wrong.sort_by_key(|(_, answer)| *answer == Answer::Open);
        wrong.first().copied()
    }
}

/// The mapping that fails the fewest conditions, and its failing condition.
fn blamed(all: &[Answers]) -> Option<(&'static MappingDescriptor, (&'static Condition, Answer))> {
    let least = all.iter().map(Answers::failing).min()?;
    let nearest = all.iter().filter(|answers| answers.failing() == least);
    let blamed = nearest.filter_map(|answers| Some((answers.mapping, answers.blamed()?)));
    // Members with many listed words describe the row best, so they come before members with one. Ties go to the first
    // mapping, so that equal rows get equal errors.
    let rank = |(_, (condition, _)): &(_, (&Condition, Answer))| {
        std::cmp::Reverse(words_at(all, condition.path))
    };
    blamed.min_by_key(rank)
}

/// Count of the words that the mappings list for a member.
fn words_at(all: &[Answers], path: Path) -> usize {
    let conditions = all.iter().flat_map(|answers| answers.mapping.when);
    let listed = conditions.filter(|condition| condition.path == path);
    listed
        .map(|condition| match condition.is {
            Is::Equal(_) => 1,
            Is::OneOf(words) | Is::NoneOf(words) => words.len(),
            Is::Above(_) | Is::Given(_) => 0,
        })
        .sum()
}

/// Returns whether the condition compares words. A number that is too small, or a blank, is no unknown word.
fn asks_for_a_word(is: Is) -> bool {
    matches!(is, Is::Equal(_) | Is::OneOf(_) | Is::NoneOf(_))
}

/// Returns whether a condition of the mapping holds for a word of the row.
pub(super) fn knows_a_word(
    mapping: &MappingDescriptor,
    at: &impl Fn(Path) -> Option<Value>,
) -> bool {
    let knows = |condition: &Condition| {
        let value = at(condition.path);
        asks_for_a_word(condition.is)
            && condition.is.is_said(value.as_ref())
            && condition.is.holds(value.as_ref())
    };
    mapping.when.iter().any(knows)
}

/// Makes the error of a row that no mapping takes for another reason than a word.
pub(super) fn nobody(
    payload_type: &str,
    path: Path,
    value: Option<Value>,
    id: Option<String>,
) -> ErrorRecord {
    let member = path.join(".");
    let id = id.as_deref().unwrap_or(NO_ID);
    let message = match value.filter(|value| !value.is_null()) {
        Some(_) => format!("no mapping's `when` holds for {id}, for what it has at {member}"),
        None => format!("{id} does not say {member}, and no mapping takes it without"),
    };
    ErrorRecord {
        code: "unknown".to_owned(),
        message: format!("{payload_type}: {message}"),
        mapping_line: None,
        help: "Correct it in Ticketure, so that it is sent again. Or let the `when` of a mapping take it, build and start usher anew, and retry the item.".to_owned(),
        group: None,
    }
}

/// Replaces a missing id in an error text.
const NO_ID: &str = "a row without an id";

/// A row with an unknown word, for its error.
pub(super) struct Stranger<'r> {
    pub(super) payload_type: &'r str,
    pub(super) path: Path,
    pub(super) word: Option<Value>,
    /// The id of the row itself.
    pub(super) id: Option<String>,
    /// The member with the root's id, and the id. `None` for a row of the root itself.
    pub(super) root: Option<(Path, String)>,
    /// The tree that the row belongs to.
    pub(super) tree: Option<&'static str>,
}

impl Stranger<'_> {
    /// Makes the error. A word that is personal data is not shown.
    pub(super) fn error(&self, handler: &dyn Handler, nearest: &MappingDescriptor) -> ErrorRecord {
        let member = self.path.join(".");
        let word = self.word.as_ref().and_then(|word| text_at(word, &[]));
        let word = word.unwrap_or_default().trim().to_owned();
        let is_personal = handler.mappings().iter().any(|mapping| {
            let mut fields = mapping.payload.fields.iter();
            fields.any(|field| field.pii && field.path == self.path)
        });
        let (shown, of_line) = match is_personal {
            true => ("a word that is personal data".to_owned(), String::new()),
            false => {
                let shown: String = word.chars().take(SHOWN_MAX).collect();
                (format!("{shown:?}"), word.to_lowercase())
            }
        };
        let id = self.id.as_deref().unwrap_or(NO_ID);
        let root = match &self.root {
            Some((path, root)) => format!(" ({} {root})", path.join(".")),
            None => String::new(),
        };
        let file = nearest.file;
        ErrorRecord {
            code: "unknown_word".to_owned(),
            message: format!(
                "{}: {member} is {shown} in {id}{root}, a word that no mapping knows",
                self.payload_type
            ),
            mapping_line: Some(file.to_owned()),
            help: format!(
                "Add the word to `when` of the mapping that is to take it, such as {file}, or to its `nothing` where it is nothing; build and start usher anew. Then retry this line: that takes all rows of the word."
            ),
            group: Some(unknown_word(
                self.tree,
                &format!("{}.{member}={of_line}", self.payload_type),
            )),
        }
    }
}
