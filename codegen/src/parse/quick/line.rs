//! What stands on a line: single values, and what is between them.

use super::Reader;
use crate::parse::{Node, Value};

/// The parser keeps at most 96 comments that follow each other.
const COMMENTS_MAX: usize = 90;

impl<'t> Reader<'t> {
    pub(super) fn scalar(&mut self, in_flow: bool) -> Option<Node> {
        let start = self.at;
        let first = self.peek()?;
        let plain = !matches!(first, b'"' | b'\'');
        let text = if plain {
            self.plain(in_flow)?
        } else {
            self.quoted(first)?
        };
        let text = text.to_owned();
        Some(self.node(Value::Scalar { text, plain }, start, self.at))
    }

    /// Goes behind a text in quotes, of one line, without escapes.
    fn quoted(&mut self, quote: u8) -> Option<&'t str> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let is_end = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n');
        let length = rest.iter().position(is_end)?;
        // Two single quotes stand for one.
        if rest.get(length) != Some(&quote) || rest.get(length + 1) == Some(&quote) {
            return None;
        }
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Goes behind the last letter of a text without quotes.
    fn plain(&mut self, in_flow: bool) -> Option<&'t str> {
        let start = self.at;
        let rest = self.rest();
        let begins = match rest {
            [b'-', next, ..] => next.is_ascii_alphanumeric(),
            [first, ..] => first.is_ascii_alphanumeric() || matches!(first, b'_' | b'$'),
            [] => false,
        };
        if !begins {
            return None;
        }
        let mut length = 1;
        let mut after_blank = false;
        for (at, byte) in rest.iter().enumerate().skip(1) {
            match byte {
                b'\n' => break,
                b'#' if after_blank => break,
                b',' | b'[' | b']' | b'{' | b'}' if in_flow => break,
                b':' if ends_key(rest.get(at + 1), in_flow) => break,
                b' ' => {}
                _ => length = at + 1,
            }
            after_blank = *byte == b' ';
        }
        self.at = start + length;
        self.text.get(start..self.at)
    }

    /// To the next line with something on it; nothing but a comment may follow on this one.
    pub(super) fn line_end(&mut self) -> Option<()> {
        self.blanks();
        if self.peek() == Some(b'#') {
            self.comment()?;
        }
        match self.peek() {
            None | Some(b'\n') => self.gap(),
            Some(_) => None,
        }
    }

    /// Over white space, ends of lines and comments.
    pub(super) fn gap(&mut self) -> Option<()> {
        let mut comments = 0;
        loop {
            match self.peek() {
                Some(b' ') => self.at += 1,
                Some(b'\n') => {
                    self.at += 1;
                    self.line_start = self.at;
                }
                Some(b'#') if comments < COMMENTS_MAX => {
                    comments += 1;
                    self.comment()?;
                }
                Some(b'#') => return None,
                _ => return Some(()),
            }
        }
    }

    /// To the end of the line, from a `#` with white space before it.
    fn comment(&mut self) -> Option<()> {
        let before = self.text.as_bytes().get(..self.at)?.last();
        if !matches!(before, None | Some(b' ' | b'\n')) {
            return None;
        }
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == b'\n');
        self.at += length.unwrap_or(rest.len());
        Some(())
    }

    pub(super) fn blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The column of what stands here; nothing at the end.
    pub(super) fn column(&self) -> Option<usize> {
        self.peek().map(|_| self.at - self.line_start)
    }
}

/// The colon before this byte ends a text without quotes.
fn ends_key(next: Option<&u8>, in_flow: bool) -> bool {
    match next {
        None | Some(b' ' | b'\n') => true,
        Some(b',' | b'[' | b']' | b'{' | b'}') => in_flow,
        Some(_) => false,
    }
}
