//! Record ids: 15 characters whose case matters, or 18 with a checksum of the case.

/// The 18-character form; what is no id stays as it is.
pub fn normalise(id: &str) -> String {
    if id.len() != 15 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut long = id.to_owned();
    for five in id.as_bytes().chunks(5) {
        let capitals = five
            .iter()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_uppercase());
        let bits = capitals.fold(0_usize, |bits, (place, _)| bits | 1 << place);
        long.push(CHECKSUM.get(bits).map_or('A', |byte| char::from(*byte)));
    }
    long
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn fifteen_become_eighteen() {
        assert_eq!(normalise("0035500001H9kZu"), "0035500001H9kZuAAJ");
        assert_eq!(normalise("0035500001H9kZuAAJ"), "0035500001H9kZuAAJ");
        assert_eq!(normalise("x"), "x");
    }
}
