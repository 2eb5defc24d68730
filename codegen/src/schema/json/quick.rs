//! JSON in one pass, every key and value with its place.
//!
//! It reads what schemas hold and gives up on everything else, right or wrong: `json` then says what is wrong, or
//! reads what is merely rare. What is read here is the same tree, places included, which `tests/quick.rs` proves.

use super::DEPTH_MAX;
use crate::parse::{Entry, Node, Value, twice};
use crate::span::{FileId, Span, Spanned};

/// The tree of a text; nothing where another has to read it.
pub(super) fn read(file: FileId, text: &str) -> Option<Node> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        text,
        at: text.len() - body.len(),
    };
    reader.gap();
    let node = reader.value(0)?;
    reader.gap();
    reader.peek().is_none().then_some(node)
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX {
            return None;
        }
        let start = self.at;
        let value = match self.peek()? {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::Scalar {
                text: self.text()?,
                plain: false,
            },
            _ => Value::Scalar {
                text: self.word()?.to_owned(),
                plain: true,
            },
        };
        Some(Node {
            value,
            span: self.span(start),
        })
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let mut entries = Vec::new();
        if self.is_empty(b'}') {
            return Some(Value::Map(entries));
        }
        loop {
            let start = self.at;
            let name = self.simple()?.to_owned();
            let key = Spanned::new(name, self.span(start));
            self.gap();
            self.take(b':')?;
            self.gap();
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, value });
            if !self.goes_on(b'}')? {
                break;
            }
        }
        twice(&entries).is_none().then_some(Value::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        if self.is_empty(b']') {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                return Some(Value::List(items));
            }
        }
    }

    /// Goes into the brackets, and out of them when there is nothing inside.
    fn is_empty(&mut self, close: u8) -> bool {
        self.at += 1;
        self.gap();
        self.take(close).is_some()
    }

    /// Goes to the next entry, or behind the closing bracket.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        self.gap();
        if self.take(close).is_some() {
            return Some(false);
        }
        self.take(b',')?;
        self.gap();
        Some(true)
    }

    /// A text, with its escapes resolved.
    fn text(&mut self) -> Option<String> {
        let start = self.at;
        if let Some(text) = self.simple() {
            return Some(text.to_owned());
        }
        let mut rest = self.rest().iter().skip(1);
        let mut length = 1;
        loop {
            length += 1;
            match rest.next()? {
                b'"' => break,
                b'\\' => length += rest.next().map(|_| 1)?,
                _ => {}
            }
        }
        self.at = start + length;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    /// A text without escapes: what stands between its quotes.
    fn simple(&mut self) -> Option<&'t str> {
        let inner = self.rest().strip_prefix(b"\"")?;
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
        let length = inner.iter().position(is_end)?;
        if inner.get(length) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// `true`, `false`, `null` or a number without an exponent.
    fn word(&mut self) -> Option<&'t str> {
        let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let length = self.rest().iter().take_while(is_letter).count();
        let word = self.text.get(self.at..self.at + length)?;
        self.at += length;
        (matches!(word, "true" | "false" | "null") || is_number(word)).then_some(word)
    }

    fn gap(&mut self) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(is_space).count();
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// From there to here.
    fn span(&self, start: usize) -> Span {
        Span {
            file: self.file,
            start: start as u32,
            end: self.at as u32,
        }
    }
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(part) && (whole == "0" || !whole.starts_with('0'))
}
