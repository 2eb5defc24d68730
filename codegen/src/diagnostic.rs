//! What the compiler has to say: data, with a place for everything, rendered at the edge.

mod codes;
mod excerpt;
mod github;
mod json;
mod nearest;
mod order;
mod text;

use crate::span::Span;

pub use codes::{ABOUT_TESTS, ALLOWABLE, CODES, Code, page};
pub use github::github;
pub use json::json_line;
pub use nearest::nearest;
pub use order::{in_order, without_consequences};
pub use text::text;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    /// One line that names the thing.
    pub message: String,
    pub span: Span,
    /// What stands under the caret.
    pub label: String,
    /// Other places that have to do with it.
    pub related: Vec<(Span, String)>,
    /// What to type.
    pub help: Option<String>,
    /// Edits that certainly mend it.
    pub fixes: Vec<Edit>,
}

/// Bytes to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    pub fn error(
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code: code.0,
            severity: Severity::Error,
            message: one_line(message.into()),
            span,
            label: one_line(label.into()),
            related: Vec::new(),
            help: None,
            fixes: Vec::new(),
        }
    }

    /// The same as something to look at, which stops nothing.
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(one_line(help.into()));
        self
    }

    /// What was offered is not what certainly mends it.
    pub fn without_fixes(mut self) -> Self {
        self.fixes.clear();
        self
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, one_line(label.into())));
        self
    }

    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fixes.push(Edit {
            span,
            text: text.into(),
        });
        self
    }

    /// Help that offers the nearest of the names, or lists them when there are few.
    pub fn did_you_mean<'n>(
        self,
        span: Span,
        wrong: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        match nearest(wrong, names.iter().copied()) {
            Some(name) => {
                let help = format!("did you mean `{name}`?");
                let name = name.to_owned();
                self.help(help).fix(span, name)
            }
            None if names.len() <= 12 && !names.is_empty() => {
                self.help(format!("known are {}", names.join(", ")))
            }
            None => self,
        }
    }
}

/// Longer texts quote something that nobody wants to read on one line.
const CHARACTERS_MAX: usize = 400;

/// On one line, without control characters, and cut in the middle where it is too long.
fn one_line(text: String) -> String {
    let long = text.len() > CHARACTERS_MAX && text.chars().count() > CHARACTERS_MAX;
    if !long && !text.contains(is_control) {
        return text;
    }
    let escaped: Vec<char> = if long {
        let letters: Vec<char> = text.chars().collect();
        let (start, end) = letters.split_at(CHARACTERS_MAX / 2);
        let end = end
            .get(end.len() - CHARACTERS_MAX / 4..)
            .unwrap_or_default();
        [start, &[' ', '…', ' '], end].concat()
    } else {
        text.chars().collect()
    };
    escaped
        .into_iter()
        .map(|letter| {
            if is_control(letter) {
                letter.escape_default().to_string()
            } else {
                letter.to_string()
            }
        })
        .collect()
}

/// What would break the line, or turn its direction around.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
