//! Values as JSON has them: null, truths, numbers and texts, by YAML 1.2's core rules.
//!
//! What one reader of YAML takes for a number and another for a text is refused: `007` would be 7 in an editor, and a
//! telephone number here.

use crate::diagnostic::{Code, Diagnostic};
use crate::model::Literal;
use crate::parse::{Node, Value};
use crate::span::Spanned;

/// Any value as a literal.
pub(super) fn literal(node: &Node, sink: &mut Vec<Diagnostic>) -> Spanned<Literal> {
    let value = match &node.value {
        Value::Scalar { text, plain: true } => {
            if is_ambiguous(text) {
                sink.push(ambiguous(node, text));
            }
            plain(text)
        }
        Value::Scalar { text, .. } => Literal::Text(text.clone()),
        Value::List(items) => Literal::List(items.iter().map(|item| literal(item, sink)).collect()),
        Value::Map(entries) => {
            let members = entries
                .iter()
                .map(|entry| (entry.key.clone(), literal(&entry.value, sink)));
            Literal::Object(members.collect())
        }
    };
    Spanned::new(value, node.span)
}

fn plain(text: &str) -> Literal {
    match text {
        "" | "~" | "null" => Literal::Null,
        "true" => Literal::Boolean(true),
        "false" => Literal::Boolean(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Literal::Integer(number),
            _ if is_decimal(text) => Literal::Decimal(text.to_owned()),
            _ => Literal::Text(text.to_owned()),
        },
    }
}

/// As JSON writes a fraction.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.split_once('.').is_some_and(|(whole, part)| {
        let plain =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain(whole) && plain(part) && (whole == "0" || !whole.starts_with('0'))
    })
}

/// A text to us, and something else by YAML's core rules.
fn is_ambiguous(text: &str) -> bool {
    let words = ["True", "TRUE", "False", "FALSE", "Null", "NULL"];
    matches!(plain(text), Literal::Text(_)) && (words.contains(&text) || is_number(text))
}

/// A number by YAML's core rules, however it is written.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let based = |prefix: &str, base: u32| {
        let digits = text
            .strip_prefix(prefix)
            .filter(|digits| !digits.is_empty());
        digits.is_some_and(|digits| digits.chars().all(|digit| digit.is_digit(base)))
    };
    let special = ["inf", "Inf", "INF"]
        .iter()
        .any(|word| unsigned.strip_prefix('.') == Some(word));
    let nan = [".nan", ".NaN", ".NAN"].contains(&text);
    // What Rust reads as a number and starts with a digit or a dot is one to YAML too; `inf` and `nan` do not.
    let decimal = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.parse::<f64>().is_ok();
    special || nan || decimal || based("0x", 16) || based("0o", 8)
}

fn ambiguous(node: &Node, text: &str) -> Diagnostic {
    let help = match text.to_ascii_lowercase().as_str() {
        word @ ("true" | "false" | "null") => {
            format!("write `{word}`, or `\"{text}\"` for the text")
        }
        _ => format!("write `\"{text}\"` for the text, or a number as JSON has it: 7, -7 or 7.5"),
    };
    Diagnostic::error(
        Code::AMBIGUOUS_VALUE,
        node.span,
        format!("`{text}` is a text to this reader of YAML and none to others"),
        "which one is meant?",
    )
    .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_read_otherwise_is_refused() {
        for text in [
            "007",
            "+1",
            "-0",
            "1.",
            ".5",
            "00.5",
            "1e3",
            "1.5E-3",
            "0x1F",
            "0o17",
            ".inf",
            "-.INF",
            ".nan",
            "True",
            "NULL",
            "99999999999999999999",
        ] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in [
            "7",
            "-7",
            "0.5",
            "-1.25",
            "true",
            "null",
            "~",
            "",
            "yes",
            "1_000",
            "12:30",
            "2001-02-03",
            "0x",
            "0b1",
            "inf",
            "nan",
            "infinity",
            "1.2.3",
            "+",
            ".",
            "e3",
            "555 0500",
        ] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
