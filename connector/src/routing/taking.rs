//! Which mapping takes a row, and what becomes of a row that none takes.

use runtime::handler::Handler;
use runtime::json::text_at;
use runtime::mapping::{Condition, Is, MappingDescriptor, Path};
use runtime::queue::{ErrorRecord, unknown_word};
use serde_json::Value;

/// Characters of a word that an error shows.
const SHOWN_MAX: usize = 80;

/// Outcome of routing one row.
pub(super) enum Taking {
    /// The mapping takes it.
    By(&'static MappingDescriptor),
    /// The mapping says that its word is nothing.
    Nothing(&'static MappingDescriptor),
    /// No mapping knows the word at this path; the mapping comes nearest to taking the row.
    Unknown(&'static MappingDescriptor, Path),
    /// No mapping takes it, for what it has or lacks at this path; the mapping comes nearest.
    Nobody(&'static MappingDescriptor, Path),
    /// There is no mapping that takes rows.
    None,
}

impl Taking {
    /// What the mappings of a payload type say to a row, by its members.
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
        let deciding = deciding.filter(|mapping| super::speaks(mapping));
        let all: Vec<Answers> = deciding.map(answers).collect();
        if let Some(taker) = all.iter().find(|answers| answers.hold()) {
            return Taking::By(taker.mapping);
        }
        let mut mappings = handler.mappings().iter().copied();
        let is_nothing = |condition: &Condition| condition.is.holds(at(condition.path).as_ref());
        if let Some(mapping) = mappings.find(|mapping| mapping.nothing.iter().any(is_nothing)) {
            return Taking::Nothing(mapping);
        }
        // The rows of a tree are read together: what one leaves out another may say.
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

/// Whether a condition holds for a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Holds,
    Fails,
    /// The row leaves the member out, and without it the condition does not hold.
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

/// Verdict of all conditions of a mapping on a row.
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

    /// The first condition that fails, or else the first that is open.
    fn blamed(&self) -> Option<(&'static Condition, Answer)> {
        let conditions = self.mapping.when.iter().zip(self.each.iter().copied());
        let mut wrong: Vec<_> = conditions
            .filter(|(_, answer)| *answer != Answer::Holds)
            .collect();
        wrong.sort_by_key(|(_, answer)| *answer == Answer::Open);
        wrong.first().copied()
    }
}

/// Of the mappings that come nearest to taking the row, the condition that fails, and the mapping.
fn blamed(all: &[Answers]) -> Option<(&'static MappingDescriptor, (&'static Condition, Answer))> {
    let least = all.iter().map(Answers::failing).min()?;
    let nearest = all.iter().filter(|answers| answers.failing() == least);
    let blamed = nearest.filter_map(|answers| Some((answers.mapping, answers.blamed()?)));
    // A mapping that asks for one word picks some of the rows; the member with many words says what a row is. The first
    // of equals, so that the same row is always named alike.
    let rank = |(_, (condition, _)): &(_, (&Condition, Answer))| {
        std::cmp::Reverse(words_at(all, condition.path))
    };
    blamed.min_by_key(rank)
}

/// How many words the mappings list for a member.
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

/// A number that is too small, or a blank, is no word.
fn asks_for_a_word(is: Is) -> bool {
    matches!(is, Is::Equal(_) | Is::OneOf(_) | Is::NoneOf(_))
}

/// Says whether a mapping knows a word of the row, and does not take every row.
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

/// The error of a row that no mapping takes, and not because of a word.
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

/// Stands for an id in an error.
const NO_ID: &str = "a row without an id";

/// A row with a word that no mapping knows, as its error names it.
pub(super) struct Stranger<'r> {
    pub(super) payload_type: &'r str,
    pub(super) path: Path,
    pub(super) word: Option<Value>,
    /// The row's own id.
    pub(super) id: Option<String>,
    /// Where the root's id stands, and the id, where the row is not the root's own.
    pub(super) root: Option<(Path, String)>,
    /// The tree whose root the row says.
    pub(super) tree: Option<&'static str>,
}

impl Stranger<'_> {
    /// The error; a word that is personal data is not shown.
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
