//! What the compiler has to say: data, with a place for everything, rendered at the edge.

mod codes;
mod excerpt;
mod fixes;
mod github;
mod json;
mod nearest;
mod order;
mod text;

use crate::span::Span;

pub use codes::{ABOUT_TESTS, ALLOWABLE, CODES, Code, page};
pub use fixes::Mend;
pub use github::github;
pub use json::json_line;
pub use nearest::{nearest, nearest_fitting};
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
    /// The same in words, until the files are at hand.
    pub mends: Vec<Mend>,
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
            mends: Vec::new(),
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
        self.mends.clear();
        self
    }

    /// One more `key: value` in the map at this place mends it.
    pub fn add_key(mut self, map: Span, text: &'static str) -> Self {
        self.mends.push(Mend::AddKey(map, text));
        self
    }

    /// Without the item of a list at this place it is mended.
    pub fn take_out(mut self, item: Span) -> Self {
        self.mends.push(Mend::TakeOut(item));
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
        self.did_you_mean_fitting(span, wrong, names.into_iter().map(|name| (name, true)))
    }

    /// The same, of names of which some fit and some do not.
    pub fn did_you_mean_fitting<'n>(
        self,
        span: Span,
        wrong: &str,
        names: impl IntoIterator<Item = (&'n str, bool)>,
    ) -> Self {
        let names: Vec<(&str, bool)> = names.into_iter().collect();
        let near = nearest_fitting(wrong, names.iter().copied());
        if !near.is_empty() {
            return self.one_of(span, near);
        }
        let fitting: Vec<&str> = names
            .iter()
            .filter(|(_, fits)| *fits)
            .map(|(name, _)| *name)
            .collect();
        let all_fit = fitting.len() == names.len();
        match fitting.len() {
            1..=12 if all_fit => self.help(format!("known are {}", fitting.join(", "))),
            1..=8 => self.help(format!("of its type there are {}", fitting.join(", "))),
            _ => self,
        }
    }

    /// Help that offers some names; when there is but one, it is the mend.
    pub fn one_of<'n>(self, span: Span, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let offered: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let help = format!("did you mean {}?", offered.join(" or "));
        match names.as_slice() {
            [one] => {
                let one = (*one).to_owned();
                self.help(help).fix(span, one)
            }
            _ => self.help(help),
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
