//! Which line an author got wrong, given where the parser noticed.
//!
//! A quote or bracket that is not closed is noticed lines later; a key without its colon at the line after it.

/// The broken entry: what to point at, and what to blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Culprit {
    /// The caret.
    pub(super) start: usize,
    pub(super) caret_end: usize,
    /// The entry, from the start of its line up to its next sibling.
    pub(super) line_start: usize,
    pub(super) end: usize,
    pub(super) cause: Option<Cause>,
}

impl Culprit {
    /// The entry just behind a broken one, broken in the same unclear way, has nothing wrong with itself: it stood
    /// below what is now blanked.
    pub(super) fn follows_from(&self, before: &Culprit, text: &str) -> bool {
        let between = text.get(before.end..self.line_start);
        let unclear = matches!(self.cause, None | Some(Cause::Indentation));
        unclear
            && self.cause == before.cause
            && between.is_some_and(|between| between.trim().is_empty())
    }
}

/// What people get wrong most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Quote,
    Bracket,
    Closing,
    Tab,
    Colon,
    Indentation,
}

impl Cause {
    pub(super) fn message(self) -> &'static str {
        match self {
            Cause::Quote => "a quote is not closed",
            Cause::Bracket => "a bracket is not closed",
            Cause::Closing => "a bracket is closed that was not opened",
            Cause::Tab => "a tab is used for indentation",
            Cause::Colon => "a key has no colon and space behind it",
            Cause::Indentation => "the indentation does not fit the lines around it",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Cause::Quote | Cause::Bracket => "opened here",
            Cause::Closing => "closed here",
            Cause::Tab => "a tab",
            Cause::Colon => "no colon",
            Cause::Indentation => "starts at another column than its siblings",
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Cause::Quote => "close it on the same line, or take it away",
            Cause::Bracket => "close it on the same line: every { wants a } and every [ a ]",
            Cause::Closing => "take it away, or open it before",
            Cause::Tab => "YAML is indented with spaces",
            Cause::Colon => "write `key: value`, with a space after the colon",
            Cause::Indentation => "give it as many spaces as the entry above it",
        }
    }
}

/// One line of the text.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    fn is_blank(&self) -> bool {
        let trimmed = self.text.trim();
        trimmed.is_empty() || trimmed.starts_with('#')
    }
}

/// What one line opens and closes.
#[derive(Default)]
struct Balance {
    open_quote: Option<usize>,
    open_brackets: Vec<usize>,
    surplus: Option<usize>,
}

pub(super) fn find(text: &str, noticed: usize) -> Culprit {
    let lines: Vec<Line<'_>> = lines(text);
    let at = lines
        .iter()
        .rposition(|line| line.start <= noticed)
        .unwrap_or_default();
    let at = (0..=at)
        .rev()
        .find(|index| lines.get(*index).is_some_and(|line| !line.is_blank()))
        .unwrap_or(at);
    let (index, start, caret_end, cause) = locate(&lines, at, noticed);
    let line = lines
        .get(index)
        .copied()
        .unwrap_or(Line { start: 0, text: "" });
    let next = lines
        .iter()
        .skip(index + 1)
        .find(|next| !next.is_blank() && next.indent() <= line.indent());
    Culprit {
        start,
        caret_end,
        line_start: line.start,
        end: next.map_or(text.len(), |next| next.start),
        cause,
    }
}

/// The line, the caret and the cause.
fn locate(lines: &[Line<'_>], at: usize, noticed: usize) -> (usize, usize, usize, Option<Cause>) {
    if let Some((index, place, cause)) = unbalanced(lines, at) {
        return (index, place, place + 1, Some(cause));
    }
    let Some(line) = lines.get(at) else {
        return (0, noticed, noticed, None);
    };
    if let Some(tab) = line.text.find('\t').filter(|tab| {
        line.text
            .get(..*tab)
            .is_some_and(|before| before.trim().is_empty())
    }) {
        return (at, line.start + tab, line.start + tab + 1, Some(Cause::Tab));
    }
    if let Some(index) = without_colon(lines, at) {
        let (start, end) = lines.get(index).map_or((0, 0), extent);
        return (index, start, end, Some(Cause::Colon));
    }
    let (start, end) = extent(line);
    if misplaced(lines, at) {
        return (at, start, end, Some(Cause::Indentation));
    }
    (at, noticed.clamp(start, end), end.max(start), None)
}

/// The first line up to this one that opens or closes what it should not.
fn unbalanced(lines: &[Line<'_>], at: usize) -> Option<(usize, usize, Cause)> {
    // Brackets that are still open from the lines above.
    let mut open = 0_usize;
    let written = lines.iter().enumerate().take(at + 1);
    for (index, line) in written.filter(|(_, line)| !line.is_blank()) {
        let balance = balance(line);
        if let Some(place) = balance.open_quote {
            return Some((index, place, Cause::Quote));
        }
        if let Some(place) = balance.surplus.filter(|_| open == 0) {
            return Some((index, place, Cause::Closing));
        }
        if let Some(place) = balance
            .open_brackets
            .last()
            .filter(|_| sibling_follows(lines, index))
        {
            return Some((index, *place, Cause::Bracket));
        }
        open += balance.open_brackets.len();
        open = open.saturating_sub(usize::from(balance.surplus.is_some()));
    }
    None
}

/// From the first letter to the last.
fn extent(line: &Line<'_>) -> (usize, usize) {
    let start = line.start + line.indent();
    (
        start,
        line.start + line.text.trim_end().len().max(line.indent()),
    )
}

/// A line that neither is `key:` nor starts an item, at the line noticed or just above it.
fn without_colon(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let bare = |line: &Line<'_>| {
        let text = line.text.trim();
        let code = text.split(" #").next().unwrap_or(text).trim_end();
        !code.starts_with(['-', '{', '[', '}', ']', '"', '\''])
            && !code.contains(": ")
            && !code.ends_with(':')
            && !code.ends_with([',', '}', ']'])
    };
    let above = lines.get(..at)?.iter().rposition(|line| !line.is_blank());
    [Some(at), above].into_iter().flatten().find(|index| {
        lines
            .get(*index)
            .is_some_and(|line| !line.is_blank() && bare(line))
    })
}

/// Indented otherwise than every line above that could be its sibling.
fn misplaced(lines: &[Line<'_>], at: usize) -> bool {
    let Some(line) = lines.get(at) else {
        return false;
    };
    let above: Vec<&Line<'_>> = lines
        .iter()
        .take(at)
        .filter(|line| !line.is_blank())
        .collect();
    let indent = line.indent();
    indent > 0 && above.last().is_some_and(|last| last.indent() != indent)
}

/// Does the next line start something of its own, so that a bracket left open here was forgotten?
fn sibling_follows(lines: &[Line<'_>], index: usize) -> bool {
    let Some(line) = lines.get(index) else {
        return false;
    };
    match lines.iter().skip(index + 1).find(|next| !next.is_blank()) {
        None => true,
        Some(next) => next.indent() <= line.indent() || next.text.trim_start().starts_with("- "),
    }
}

fn balance(line: &Line<'_>) -> Balance {
    let mut balance = Balance::default();
    let mut quote: Option<(char, usize)> = None;
    let mut before = ' ';
    let mut escaped = false;
    for (place, letter) in line.text.char_indices() {
        match quote {
            Some((mark, _)) => {
                if letter == mark && !escaped {
                    quote = None;
                }
                escaped = mark == '"' && letter == '\\' && !escaped;
            }
            None => match letter {
                '#' if before.is_whitespace() => break,
                '"' | '\'' if before.is_whitespace() || matches!(before, '{' | '[' | ',' | ':') => {
                    quote = Some((letter, line.start + place));
                }
                '{' | '[' => balance.open_brackets.push(line.start + place),
                '}' | ']' if balance.open_brackets.pop().is_none() => {
                    balance.surplus = Some(line.start + place)
                }
                _ => {}
            },
        }
        before = letter;
    }
    balance.open_quote = quote.map(|(_, place)| place);
    balance
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let this = Line {
                start,
                text: line.trim_end_matches(['\n', '\r']),
            };
            start += line.len();
            this
        })
        .collect()
}
