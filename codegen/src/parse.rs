//! YAML text to a tree in which every key and value has its place.
//!
//! A mapping as people write it is read by `quick`, in one pass. What that does not take, right or wrong, goes to the
//! parser underneath, which alone says what YAML is. It stops at its first error: the broken entry is reported and
//! blanked, up to its next sibling, and the text is read again, so that one run shows all mistakes. Offsets stay what
//! they were.

mod culprit;
mod quick;
mod tree;

use granit_parser::ScanError;

use crate::diagnostic::{Code, Diagnostic};
use crate::span::{FileId, Span, Spanned};

/// Larger files are refused: the largest mapping we know has 12 KB.
const BYTES_MAX: usize = 1024 * 1024;
/// After so many syntax errors the rest is left for the next run.
const ERRORS_MAX: usize = 40;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// What YAML can hold, without anchors and tags.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar {
        text: String,
        /// Without quotes: `true` is a truth and not a text.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Spanned<String>,
    pub value: Node,
}

impl Node {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|entry| entry.key.value == name)
                .map(|entry| &entry.value),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Written as nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// As an error names it.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The tree of one file; nothing when it is empty. Mistakes are reported and left out.
pub fn parse(file: FileId, text: &str, sink: &mut Vec<Diagnostic>) -> Option<Node> {
    quickly(file, text).or_else(|| thoroughly(file, text, sink))
}

/// The tree of a file without mistakes that holds nothing unusual; nothing where only [`thoroughly`] can tell.
pub fn quickly(file: FileId, text: &str) -> Option<Node> {
    quick::read(file, text)
}

/// The same of any file.
pub fn thoroughly(file: FileId, text: &str, sink: &mut Vec<Diagnostic>) -> Option<Node> {
    if text.len() > BYTES_MAX {
        let span = Span {
            file,
            start: 0,
            end: 0,
        };
        let message = format!("the file is larger than {BYTES_MAX} bytes");
        sink.push(
            Diagnostic::error(Code::PLAIN_YAML, span, message, "split it")
                .help("one file holds one mapping"),
        );
        return None;
    }
    let mut text = without_mark(text);
    let mut before: Option<culprit::Culprit> = None;
    for _ in 0..ERRORS_MAX {
        match tree::build(file, &text, sink) {
            Ok(node) => return node,
            Err(error) => {
                let broken = culprit::find(&text, offset(&error, &text));
                if !before.is_some_and(|before| broken.follows_from(&before, &text)) {
                    sink.push(report(file, &text, &error, &broken));
                }
                if !blank(&mut text, broken.line_start, broken.end) {
                    return None;
                }
                before = Some(broken);
            }
        }
    }
    None
}

/// Some of the text is not in the tree: what seems to be missing may have been there.
pub fn is_incomplete(root: Option<&Node>, found: &[Diagnostic]) -> bool {
    let syntax = found.iter().any(|found| found.code == Code::SYNTAX.0);
    syntax || (root.is_none() && !found.is_empty())
}

/// A key that was there before. Few keys are compared one with the other, many are sorted.
pub(crate) fn twice(entries: &[Entry]) -> Option<Spanned<String>> {
    let few = entries.len() <= 12;
    let mut names: Vec<&Spanned<String>> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if few {
            let before = entries.get(..at).unwrap_or_default();
            if before
                .iter()
                .any(|other| other.key.value == entry.key.value)
            {
                return Some(entry.key.clone());
            }
        } else {
            names.push(&entry.key);
        }
    }
    names.sort_by_key(|name| (&name.value, name.span.start));
    names.windows(2).find_map(|pair| match pair {
        [one, other] if one.value == other.value => Some((*other).clone()),
        _ => None,
    })
}

/// A byte order mark is white space to us.
fn without_mark(text: &str) -> String {
    text.strip_prefix('\u{feff}')
        .map_or_else(|| text.to_owned(), |rest| format!("   {rest}"))
}

fn offset(error: &ScanError, text: &str) -> usize {
    error
        .marker()
        .byte_offset()
        .unwrap_or(text.len())
        .min(text.len())
}

fn report(file: FileId, text: &str, error: &ScanError, broken: &culprit::Culprit) -> Diagnostic {
    let span = Span {
        file,
        start: broken.start as u32,
        end: broken.caret_end as u32,
    };
    match broken.cause {
        Some(cause) => {
            let fault = Diagnostic::error(Code::SYNTAX, span, cause.message(), cause.label())
                .help(cause.help());
            match text
                .get(broken.start..broken.caret_end)
                .and_then(without_space)
            {
                Some(at) if cause == culprit::Cause::Colon => {
                    let at = span.start + at as u32;
                    fault.fix(
                        Span {
                            start: at,
                            end: at,
                            ..span
                        },
                        " ",
                    )
                }
                _ => fault,
            }
        }
        None => Diagnostic::error(
            Code::SYNTAX,
            span,
            format!("this is not YAML: {}", error.info()),
            "here",
        )
        .help("compare the line with its neighbours: indentation, colons, quotes and brackets"),
    }
}

/// Behind the colon of `key:value`, where a space is missing.
fn without_space(entry: &str) -> Option<usize> {
    let (key, value) = entry.split_once(':')?;
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    (key.chars().all(is_word) && !value.contains(':')).then_some(key.len() + 1)
}

/// Overwrites all but line ends with spaces, byte for byte. False when there was nothing to overwrite.
fn blank(text: &mut String, start: usize, end: usize) -> bool {
    let Some(part) = text.get(start..end) else {
        return false;
    };
    let changed = part.contains(|letter| !matches!(letter, ' ' | '\n' | '\r'));
    let blanked: String = part
        .bytes()
        .map(|byte| match byte {
            b'\n' | b'\r' => char::from(byte),
            _ => ' ',
        })
        .collect();
    text.replace_range(start..end, &blanked);
    changed
}
