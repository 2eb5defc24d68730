//! API calls of the last 24 hours, which count against the org's daily limit (reference: API request limits, "per
//! rolling 24-hour period").

use std::collections::VecDeque;

const DAY_MS: i64 = 24 * 3_600_000;
/// The resolution of the count. A day then has 1,440 numbers, and the error is a minute.
const MINUTE_MS: i64 = 60_000;

/// Count of calls by minute, oldest first.
#[derive(Debug, Default)]
pub(crate) struct DailyCalls {
    minutes: VecDeque<(i64, u64)>,
    used: u64,
}

impl DailyCalls {
    /// Counts a call.
    pub(crate) fn add(&mut self, now_ms: i64) {
        self.forget_before(now_ms - DAY_MS);
        self.used += 1;
        let minute = now_ms.div_euclid(MINUTE_MS);
        match self.minutes.back_mut() {
            // If the clock was set back, the call counts in the latest minute.
            Some((latest, calls)) if *latest >= minute => *calls += 1,
            _ => self.minutes.push_back((minute, 1)),
        }
    }

    /// Count of the calls of the last 24 hours.
    pub(crate) fn used(&self, now_ms: i64) -> u64 {
        let oldest = (now_ms - DAY_MS).div_euclid(MINUTE_MS);
        let old = self.minutes.iter().take_while(|(at, _)| *at < oldest);
        self.used - old.map(|(_, calls)| calls).sum::<u64>()
    }

    /// Sets the count, as if all these calls were made now.
    pub(crate) fn set(&mut self, used: u64, now_ms: i64) {
        self.minutes = VecDeque::from([(now_ms.div_euclid(MINUTE_MS), used)]);
        self.used = used;
    }

    fn forget_before(&mut self, at_ms: i64) {
        let oldest = at_ms.div_euclid(MINUTE_MS);
        while let Some((minute, calls)) = self.minutes.front().copied()
            && minute < oldest
        {
            self.minutes.pop_front();
            self.used -= calls;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_for_a_day() {
        let mut calls = DailyCalls::default();
        let start = 1_790_000_000_000;
        for hour in 0..30 {
            calls.add(start + hour * 3_600_000);
        }
        let last = start + 29 * 3_600_000;
        assert_eq!(calls.used(last), 25, "the first five are older than a day");
        assert_eq!(calls.used(last + DAY_MS), 1);
        assert_eq!(calls.used(last + DAY_MS + 2 * MINUTE_MS), 0);
    }

    #[test]
    fn calls_of_others_count_from_now_on() {
        let mut calls = DailyCalls::default();
        calls.add(0);
        calls.set(900, MINUTE_MS);
        calls.add(2 * MINUTE_MS);
        assert_eq!(calls.used(2 * MINUTE_MS), 901);
        assert_eq!(calls.used(DAY_MS + 2 * MINUTE_MS), 1);
    }
}
