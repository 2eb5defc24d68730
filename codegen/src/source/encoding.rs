//! Bytes of a file to text. Files are UTF-8; of others the text is made out as far as it can be, so that the rest is
//! checked all the same, and the place where it shows is kept.

use crate::diagnostic::{Code, Diagnostic};
use crate::span::{FileId, Span};

/// Where a file shows that it is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Bytes of the text.
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Utf16,
    Byte(u8),
}

impl Fault {
    pub(super) fn report(self, file: FileId) -> Diagnostic {
        let span = Span {
            file,
            start: self.start as u32,
            end: self.end as u32,
        };
        let (message, label) = match self.kind {
            Kind::Utf16 => ("the file is UTF-16, not UTF-8".to_owned(), "from here on"),
            Kind::Byte(byte) => (
                format!("the file is not UTF-8: the byte 0x{byte:02X} begins no character"),
                "Latin-1 or Windows-1252, probably",
            ),
        };
        Diagnostic::error(Code::NOT_UTF8, span, message, label)
            .help("save it as UTF-8; editors call it \"encoding\" or \"character set\"")
    }
}

/// The text, and what is wrong with its encoding.
pub(super) fn decode(bytes: Vec<u8>) -> (String, Option<Fault>) {
    if let Some(little_endian) = utf16(&bytes) {
        let units = bytes.chunks_exact(2).map(|pair| match pair {
            [low, high] if little_endian => u16::from_le_bytes([*low, *high]),
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        });
        let text: String = char::decode_utf16(units)
            .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        let kind = Kind::Utf16;
        return (
            text,
            Some(Fault {
                start: 0,
                end: 0,
                kind,
            }),
        );
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let start = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let kind = Kind::Byte(bytes.get(start).copied().unwrap_or_default());
            let text = with_latin_1(&bytes);
            let end = start + 2;
            (text, Some(Fault { start, end, kind }))
        }
    }
}

/// Is it UTF-16, and the low byte first? By its mark, or since every other byte of ASCII would be a zero.
fn utf16(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0xFF, 0xFE, ..] => Some(true),
        [0xFE, 0xFF, ..] => Some(false),
        [first, 0, second, 0, ..] if *first > 0 && *second > 0 => Some(true),
        [0, first, 0, second, ..] if *first > 0 && *second > 0 => Some(false),
        _ => None,
    }
}

/// Each byte that is not UTF-8 is read as Latin-1, in which every byte is a character, of two bytes in UTF-8.
fn with_latin_1(bytes: &[u8]) -> String {
    bytes
        .utf8_chunks()
        .flat_map(|chunk| {
            let invalid = chunk.invalid().iter().copied().map(char::from);
            chunk.valid().chars().chain(invalid)
        })
        .collect()
}

/// Lone carriage returns are ends of lines to YAML, and to whoever counts lines. Offsets stay what they are.
pub(super) fn with_line_feeds(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut letters = text.chars().peekable();
    let mut changed = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let lone = letter == '\r' && letters.peek() != Some(&'\n');
        changed.push(if lone { '\n' } else { letter });
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (String, Option<String>) {
        let (text, fault) = decode(bytes.to_vec());
        let message = fault.map(|fault| {
            assert!(text.get(fault.start..fault.end).is_some());
            fault.report(FileId(0)).message
        });
        (text, message)
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(shown("é\n".as_bytes()), ("é\n".to_owned(), None));
        let (text, fault) = shown(b"Jos\xe9 caf\xc3\xa9 \xff");
        assert_eq!(text, "José café ÿ");
        assert!(fault.unwrap().contains("0xE9"));
        let wide: Vec<u16> = "a: é".encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (mark, bytes) in [
            (&b""[..], &little),
            (b"", &big),
            (b"\xff\xfe", &little),
            (b"\xfe\xff", &big),
        ] {
            let (text, fault) = shown(&[mark, bytes].concat());
            assert_eq!(text.trim_start_matches('\u{feff}'), "a: é");
            assert!(fault.unwrap().contains("UTF-16"));
        }
        assert_eq!(shown(b"").0, "");
        assert_eq!(shown(b"\0").1, None);
    }

    #[test]
    fn lone_carriage_returns_end_lines() {
        assert_eq!(with_line_feeds("a\rb\r\nc\r".to_owned()), "a\nb\r\nc\n");
    }
}
