//! Single values: ids, addresses, numbers, dates, texts.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde_json::{Number, Value};

use super::Redactor;

/// Ids of this many characters follow their checksum or have none.
const ID_LENGTHS: [usize; 2] = [15, 18];
/// Dates outside these years are nobody's: they say "none", or try the limits of the org.
const YEARS: std::ops::RangeInclusive<i16> = 1700..=4000;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Redactor {
    /// A text of a field of this kind.
    pub(super) fn text(&mut self, kind: Option<&str>, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.is_empty() || self.own.contains(&trimmed.to_lowercase()) {
            return text.to_owned();
        }
        let replaced = match kind {
            Some("picklist" | "multipicklist" | "combobox" | "boolean") => trimmed.to_owned(),
            _ if is_id(trimmed) => self.id(trimmed),
            _ => match moment(trimmed, self.days) {
                Some(moved) => moved,
                None if trimmed.contains('@') => self.email(trimmed),
                None if kind == Some("phone") || is_phone(trimmed) => self.phone(trimmed),
                None => self.words(trimmed),
            },
        };
        // Blanks around a value are part of what a conversation shows.
        text.replacen(trimmed, &replaced, 1)
    }

    /// The replacement of an id: its prefix and length stay, and its checksum is right.
    pub(super) fn id(&mut self, id: &str) -> String {
        let short = id.get(..15).unwrap_or(id);
        let key = format!("id:{short}");
        let known = self.given.get(&key).cloned();
        let replaced = known.unwrap_or_else(|| {
            let prefix = short.get(..3).unwrap_or_default();
            let mut rest = self.next("id");
            let mut digits = [b'0'; 9];
            for digit in digits.iter_mut().rev() {
                *digit = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
                rest /= 62;
            }
            // `RED` is in no id that Salesforce gives.
            let made = format!("{prefix}RED{}", String::from_utf8_lossy(&digits));
            self.given.insert(key, made.clone());
            made
        });
        match id.len() {
            15 => replaced,
            _ => runtime::salesforce::normalise(&replaced),
        }
    }

    fn email(&mut self, email: &str) -> String {
        let lower = email.to_lowercase();
        let key = format!("email:{lower}");
        let known = self.given.get(&key).cloned();
        let replaced = known.unwrap_or_else(|| {
            let number = self.next("email");
            let made = match lower.split_once('@') {
                // A text without a domain stays no address.
                Some((_, domain)) if !domain.contains('.') => format!("p{number}@example"),
                _ => {
                    let start = format!("p{number}");
                    let room = email.chars().count().saturating_sub("@example.org".len());
                    format!("{start:x<room$}@example.org")
                }
            };
            self.given.insert(key, made.clone());
            made
        });
        self.remember(email, &replaced);
        with_case_of(email, &replaced)
    }

    fn phone(&mut self, phone: &str) -> String {
        let key = format!("phone:{phone}");
        if let Some(known) = self.given.get(&key) {
            return known.clone();
        }
        let number = self.next("phone");
        let count = phone.chars().filter(char::is_ascii_digit).count();
        let digits = format!("{number:0>count$}");
        let mut digits = digits.chars();
        let made: String = phone
            .chars()
            .map(|letter| match letter.is_ascii_digit() {
                true => digits.next().unwrap_or('0'),
                // An extension in words may be a name.
                false if letter.is_alphabetic() => 'x',
                false => letter,
            })
            .collect();
        let made: String = made.chars().chain(digits).collect();
        self.given.insert(key, made.clone());
        self.remember(phone, &made);
        made
    }

    /// A text of the same length.
    pub(super) fn words(&mut self, text: &str) -> String {
        let lower = text.to_lowercase();
        let key = format!("text:{lower}");
        let known = self.given.get(&key).cloned();
        let replaced = known.unwrap_or_else(|| {
            let start = format!("t{}", self.next("text"));
            let length = text.chars().count();
            let made = format!("{start:x<length$}");
            self.given.insert(key, made.clone());
            made
        });
        self.remember(text, &replaced);
        with_case_of(text, &replaced)
    }

    /// A number of a field of this kind. Amounts are multiplied, so that sums still hold.
    pub(super) fn number(&self, kind: Option<&str>, name: &str, number: &Number) -> Value {
        let lower = name.to_lowercase();
        if lower.contains("latitude") || lower.contains("longitude") {
            return Value::from(0.0);
        }
        let is_amount = match kind {
            Some("percent" | "int" | "long") => false,
            Some("double") => !lower.contains("quantity"),
            _ => true,
        };
        if !is_amount {
            return Value::Number(number.clone());
        }
        if let Some(whole) = number.as_i64() {
            return Value::from(whole.saturating_mul(i64::from(self.factor)));
        }
        let scaled = number.as_f64().unwrap_or_default() * f64::from(self.factor);
        // Binary fractions would show as 0.30000000000000004.
        Value::from((scaled * 1e6).round() / 1e6)
    }

    /// `Tue, 24 Nov 2026 15:41:49 GMT`, moved as all dates are.
    pub(super) fn mail_date(&self, text: &str) -> String {
        let Ok(at) = jiff::fmt::rfc2822::parse(text) else {
            return super::GONE.to_owned();
        };
        let moved = at.checked_add(days(self.days)).unwrap_or(at);
        moved.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn remember(&mut self, original: &str, replaced: &str) {
        // Two letters are in every message.
        if original.chars().count() > 2 {
            self.seen.insert(original.to_owned(), replaced.to_owned());
        }
    }

    fn next(&mut self, kind: &'static str) -> u64 {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        *count
    }
}

fn days(count: i32) -> Span {
    i64::from(count).days()
}

/// Letters and digits, with the shape of an id: of 15 or 18, the first a digit or `a` to `e` before one.
pub(super) fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_shape = ID_LENGTHS.contains(&text.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.iter().take(3).any(u8::is_ascii_digit);
    match (has_shape, text.get(..15)) {
        (true, Some(short)) if text.len() == 18 => {
            runtime::salesforce::normalise(short).eq_ignore_ascii_case(text)
        }
        (has_shape, _) => has_shape,
    }
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 6
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b" +-()./".contains(&byte))
}

/// A date or a date-time, moved by whole days: the time of day and the way of writing stay.
pub(super) fn moment(text: &str, by: i32) -> Option<String> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    if !rest.is_empty() && !rest.starts_with('T') {
        return None;
    }
    if rest
        .bytes()
        .any(|byte| !(byte.is_ascii_digit() || b"TZ:.+-".contains(&byte)))
    {
        return None;
    }
    let date: Date = date.parse().ok()?;
    if !YEARS.contains(&date.year()) {
        return Some(text.to_owned());
    }
    let moved = date.checked_add(days(by)).ok()?;
    Some(format!("{moved}{rest}"))
}

/// The letters of `text`, capital where those of the original are. A probe shows so what the org does to capitals.
fn with_case_of(original: &str, text: &str) -> String {
    if !original.chars().any(char::is_uppercase) {
        return text.to_owned();
    }
    let capitals = original.chars().map(char::is_uppercase);
    let capitals = capitals.chain(std::iter::repeat(false));
    let letters = text.chars().zip(capitals);
    letters
        .map(|(letter, is_capital)| match is_capital {
            true => letter.to_ascii_uppercase(),
            false => letter,
        })
        .collect()
}
