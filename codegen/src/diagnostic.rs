//! What the compiler has to say: data, with a place for everything, rendered at the edge.

mod codes;
mod github;
mod json;
mod nearest;
mod text;

use crate::span::Span;

pub use codes::{ABOUT_TESTS, ALLOWABLE, CODES, Code, page};
pub use github::github;
pub use json::json_line;
pub use nearest::nearest;
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
            message: message.into(),
            span,
            label: label.into(),
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
        self.help = Some(help.into());
        self
    }

    /// What was offered is not what certainly mends it.
    pub fn without_fixes(mut self) -> Self {
        self.fixes.clear();
        self
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
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
