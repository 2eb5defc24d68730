//! Record ids as Salesforce makes them: a prefix, a running number and a checksum of the letters' case.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The 18-character id of the nth record of an object.
pub(crate) fn make(prefix: &str, number: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = number;
    while digits.len() < 9 {
        digits.push(DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0'));
        rest /= 62;
    }
    digits.reverse();
    let short = format!("{prefix}5e0{}", String::from_utf8_lossy(&digits));
    long(&short).unwrap_or(short)
}

/// The 18-character form of an id of 15 or 18 characters; nothing for what is no id.
pub(crate) fn long(id: &str) -> Option<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) || !matches!(id.len(), 15 | 18) {
        return None;
    }
    let short = id.get(..15)?;
    let checksum: String = short.as_bytes().chunks(5).map(check_letter).collect();
    let whole = format!("{short}{checksum}");
    (id.len() == 15 || id.eq_ignore_ascii_case(&whole)).then_some(whole)
}

fn check_letter(five: &[u8]) -> char {
    let mut number = 0_u8;
    for (place, byte) in five.iter().enumerate() {
        if byte.is_ascii_uppercase() {
            number += 1 << place;
        }
    }
    if number < 26 {
        char::from(b'A' + number)
    } else {
        char::from(b'0' + number - 26)
    }
}
