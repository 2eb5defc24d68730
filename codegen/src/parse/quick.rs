//! The part of YAML that mappings are written in, read in one pass.
//!
//! Block maps and lists, flow maps and lists, and values of one line without escapes, all in ASCII. Whatever else
//! stands in a text, right or wrong, makes this reader give up: the parser beside it alone says what YAML is and what
//! is wrong with a text. What is read here is the same tree, places included, which `tests/quick.rs` proves.

mod line;

use super::{Entry, Node, Value, twice};
use crate::span::{FileId, Span, Spanned};

/// A key or value takes a byte and a half at least, so that the parser's bound on them is not reached.
const BYTES_MAX: usize = 64 * 1024;
/// Mappings are four levels deep; the parser's bound is 32.
const DEPTH_MAX: usize = 16;
/// YAML looks for the colon behind a key within 1,024 characters.
const KEY_MAX: usize = 1_000;

/// The tree of a text that is nothing but plain; nothing where another has to read it.
pub(super) fn read(file: FileId, text: &str) -> Option<Node> {
    let is_plain = |byte: u8| byte == b'\n' || matches!(byte, b' '..=b'~');
    if text.len() > BYTES_MAX || !text.bytes().all(is_plain) {
        return None;
    }
    let mut reader = Reader {
        file,
        text,
        at: 0,
        line_start: 0,
    };
    reader.gap()?;
    let root = reader.column().filter(|column| *column == 0)?;
    let node = reader.map(root, 0)?;
    reader.peek().is_none().then_some(node)
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    /// Where the line of `at` begins.
    line_start: usize,
}

impl Reader<'_> {
    /// `key: value` lines that begin in this column, the first of them here.
    fn map(&mut self, column: usize, depth: usize) -> Option<Node> {
        let start = self.at;
        let mut entries = Vec::new();
        loop {
            let key = self.key(false)?;
            let value = self.value(column, depth)?;
            entries.push(Entry { key, value });
            if !self.goes_on(column)? {
                break;
            }
        }
        let end = entries.last()?.value.span.end;
        self.distinct(entries, start, end as usize)
    }

    /// `- item` lines that begin in this column, the first of them here.
    fn list(&mut self, column: usize, depth: usize) -> Option<Node> {
        let start = self.at;
        let mut items: Vec<Node> = Vec::new();
        loop {
            if !self.is_item() {
                return None;
            }
            self.at += 1;
            self.blanks();
            items.push(self.item(depth)?);
            if !self.goes_on(column)? {
                break;
            }
        }
        let end = items.last()?.span.end;
        Some(self.node(Value::List(items), start, end as usize))
    }

    fn is_item(&self) -> bool {
        self.rest().starts_with(b"- ")
    }

    /// What stands behind `- `: a value of this line, or a map whose first key stands here.
    fn item(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        let column = start - self.line_start;
        let item = self.inline(false, depth)?;
        if self.peek() != Some(b':') {
            self.line_end()?;
            return Some(item);
        }
        self.at = start;
        self.map(column, deeper(depth)?)
    }

    /// What stands behind the colon of a key in this column: on the line, or indented on the lines below it.
    fn value(&mut self, column: usize, depth: usize) -> Option<Node> {
        self.blanks();
        if !matches!(self.peek()?, b'\n' | b'#') {
            let value = self.inline(false, depth)?;
            self.line_end()?;
            return Some(value);
        }
        self.line_end()?;
        let inner = self.column().filter(|inner| *inner > column)?;
        if self.is_item() {
            self.list(inner, deeper(depth)?)
        } else if matches!(self.peek()?, b'{' | b'[') {
            let value = self.inline(false, depth)?;
            self.line_end()?;
            // What follows has to be further out.
            let is_last = self.column().is_none_or(|next| next <= column);
            is_last.then_some(value)
        } else {
            self.map(inner, deeper(depth)?)
        }
    }

    /// Another entry of this column follows. What is indented further belongs to no entry.
    fn goes_on(&self, column: usize) -> Option<bool> {
        match self.column() {
            Some(next) if next > column => None,
            next => Some(next == Some(column)),
        }
    }

    /// A value that begins on this line; a flow collection may end on another.
    fn inline(&mut self, in_flow: bool, depth: usize) -> Option<Node> {
        match self.peek()? {
            b'{' => self.flow_map(deeper(depth)?),
            b'[' => self.flow_list(deeper(depth)?),
            _ => self.scalar(in_flow),
        }
    }

    fn flow_map(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        let mut entries = Vec::new();
        self.at += 1;
        while self.has_entry(b'}')? {
            let key = self.key(true)?;
            self.gap()?;
            let value = self.inline(true, depth)?;
            entries.push(Entry { key, value });
            self.entry_end(b'}')?;
        }
        self.distinct(entries, start, self.at)
    }

    fn flow_list(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        let mut items = Vec::new();
        self.at += 1;
        while self.has_entry(b']')? {
            items.push(self.inline(true, depth)?);
            self.entry_end(b']')?;
        }
        Some(self.node(Value::List(items), start, self.at))
    }

    /// Goes to the next entry, or behind the closing bracket.
    fn has_entry(&mut self, close: u8) -> Option<bool> {
        self.gap()?;
        let closes = self.peek()? == close;
        self.at += usize::from(closes);
        Some(!closes)
    }

    /// Goes behind the comma, or before the closing bracket.
    fn entry_end(&mut self, close: u8) -> Option<()> {
        self.gap()?;
        match self.peek()? {
            b',' => self.at += 1,
            byte if byte == close => {}
            _ => return None,
        }
        Some(())
    }

    /// A key and its colon, which a space or the end of the line has to follow.
    fn key(&mut self, in_flow: bool) -> Option<Spanned<String>> {
        let start = self.at;
        let node = self.scalar(in_flow)?;
        let fits = self.at - start <= KEY_MAX;
        if !fits || !matches!(self.rest(), [b':', b' ' | b'\n', ..]) {
            return None;
        }
        self.at += 1;
        match node.value {
            Value::Scalar { text, .. } => Some(Spanned::new(text, node.span)),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A map whose keys differ.
    fn distinct(&self, entries: Vec<Entry>, start: usize, end: usize) -> Option<Node> {
        if twice(&entries).is_some() {
            return None;
        }
        Some(self.node(Value::Map(entries), start, end))
    }

    fn node(&self, value: Value, start: usize, end: usize) -> Node {
        let span = Span {
            file: self.file,
            start: start as u32,
            end: end as u32,
        };
        Node { value, span }
    }
}

fn deeper(depth: usize) -> Option<usize> {
    (depth < DEPTH_MAX).then_some(depth + 1)
}
