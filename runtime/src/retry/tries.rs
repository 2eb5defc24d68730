//! The tries of a failing item: how many, and how far apart. An item that fails at every try costs a dozen calls at most.

use super::Verdict;

/// Waits after a failure that time may end: together more than ten minutes, so that an item outlasts a long lock.
const LONG_MS: &[i64] = &[1_000, 10_000, 60_000, 480_000, 900_000];
/// Waits after a failure that ends only when usher reads Salesforce again. Together they exceed the time in which a merge
/// shows.
const SHORT_MS: &[i64] = &[2_000, 30_000, 150_000];

/// Returns how often an item is tried, the first time included.
pub fn tries(verdict: Verdict, code: &str) -> u32 {
    u32::try_from(waits(verdict, code).len()).unwrap_or(u32::MAX) + 1
}

/// Returns how long an item waits after so many earlier failures: a random part of it, half of it at least. `None` if
/// its tries are used up.
pub fn next_try_ms(
    verdict: Verdict,
    code: &str,
    failures: u32,
    random: &mut fastrand::Rng,
) -> Option<i64> {
    let place = usize::try_from(failures).ok()?;
    let wait_ms = *waits(verdict, code).get(place)?;
    Some(random.i64(wait_ms / 2..=wait_ms))
}

fn waits(verdict: Verdict, code: &str) -> &'static [i64] {
    match verdict == Verdict::Stale || code == super::DUPLICATE_VALUE {
        true => SHORT_MS,
        false => LONG_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(verdict: Verdict, code: &str, seed: u64) -> Vec<i64> {
        let mut random = fastrand::Rng::with_seed(seed);
        let waits = (0..).map_while(|failures| next_try_ms(verdict, code, failures, &mut random));
        waits.collect()
    }

    #[test]
    fn a_lock_of_ten_minutes_is_outlasted() {
        for seed in 0..100 {
            let waits = all(Verdict::Lock, "UNABLE_TO_LOCK_ROW", seed);
            assert!(waits.iter().sum::<i64>() > 600_000, "{waits:?}");
            assert!(waits[0] <= 1_000);
        }
    }

    #[test]
    fn tries_are_one_more_than_waits() {
        for (verdict, code) in [
            (Verdict::Lock, "UNABLE_TO_LOCK_ROW"),
            (Verdict::Transient, "SOMETHING_NEW"),
            (Verdict::Transient, crate::retry::DUPLICATE_VALUE),
            (Verdict::Stale, "ENTITY_IS_DELETED"),
        ] {
            let waits = all(verdict, code, 7).len();
            assert_eq!(waits + 1, tries(verdict, code) as usize, "{code}");
        }
    }
}
