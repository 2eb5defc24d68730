//! When a system is left alone, and when it is tried again: state and time in, a decision out. No clock, no call.
//!
//! Each system has one [`Breaker`]. While it is open nothing is asked of that system; when its time has come exactly one
//! call may try, and what becomes of that call decides for all. So an outage costs one call at a time.

/// Outages: half of this at least after the first failure, doubled with each further one.
const OUTAGE_MS: i64 = 200;
/// What somebody has to mend is tried so soon first, doubled with each try.
const LASTING_MS: i64 = 5_000;
/// Nothing is left alone for longer without a try, unless the system itself says so.
const WAIT_MAX_MS: i64 = 60_000;
/// A call that tries and of which nothing is heard: after so long another one may.
const PROBE_MAX_MS: i64 = 150_000;
/// While one call tries, the others ask again after so long.
const ASK_AGAIN_MS: i64 = 1_000;

/// May a call be made?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Call,
    /// This one call, to find out; what becomes of it has to be said.
    Probe,
    Wait {
        until_ms: i64,
    },
}

/// What is wrong with a system, by how long it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer: tried soon, then less and less often.
    Outage,
    /// Somebody has to mend something, such as a log-in: tried after seconds, then every minute.
    Lasting,
    /// So long it is to be left alone.
    Wait { ms: i64 },
}

/// A system that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    pub since_ms: i64,
    /// The next try.
    pub until_ms: i64,
    pub reason: String,
}

/// Whether one system may be called.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    state: State,
    /// Failures without a success between them.
    failures: u32,
    /// On purpose, for a simulation that has to notice.
    impatient: bool,
}

#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    Closed,
    Open(Standstill),
    /// Half open: one call is trying, and has time until then.
    Probing(Standstill, i64),
}

impl Breaker {
    /// Whoever is told to probe says what became of it by [`Breaker::succeeded`] or [`Breaker::failed`].
    pub fn ask(&mut self, now_ms: i64) -> Decision {
        match &self.state {
            State::Closed => Decision::Call,
            State::Open(stands) if now_ms < stands.until_ms => Decision::Wait {
                until_ms: stands.until_ms,
            },
            State::Probing(_, until_ms) if now_ms < *until_ms => Decision::Wait {
                until_ms: (now_ms + ASK_AGAIN_MS).min(*until_ms),
            },
            State::Open(stands) | State::Probing(stands, _) => {
                self.state = State::Probing(stands.clone(), now_ms + PROBE_MAX_MS);
                Decision::Probe
            }
        }
    }

    /// A call was answered. What was under way before the standstill says nothing about now.
    pub fn succeeded(&mut self) {
        if !matches!(self.state, State::Open(_)) {
            self.state = State::Closed;
            self.failures = 0;
        }
    }

    /// A call failed in a way that every call would. Many that fail together count once.
    pub fn failed(&mut self, now_ms: i64, trouble: Trouble, reason: &str) {
        let since_ms = match &self.state {
            State::Open(_) => return,
            State::Probing(stands, _) => stands.since_ms,
            State::Closed => now_ms,
        };
        self.failures = self.failures.saturating_add(1);
        self.state = State::Open(Standstill {
            since_ms,
            until_ms: now_ms + self.wait_ms(now_ms, trouble),
            reason: reason.to_owned(),
        });
    }

    /// Since when it stands still, why, and when it is worth asking again.
    pub fn standstill(&self, now_ms: i64) -> Option<Standstill> {
        match &self.state {
            State::Closed => None,
            State::Open(stands) => Some(stands.clone()),
            State::Probing(stands, end_ms) => Some(Standstill {
                until_ms: (now_ms + ASK_AGAIN_MS).min(*end_ms),
                ..stands.clone()
            }),
        }
    }

    /// One tries now.
    pub fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing(..))
    }

    /// From now on nothing is left alone.
    pub(crate) fn loses_patience(&mut self) {
        self.impatient = true;
    }

    /// Growing and bounded; for outages half of it is chance, so that many who wait for one system do not come together.
    fn wait_ms(&self, now_ms: i64, trouble: Trouble) -> i64 {
        if self.impatient {
            return 0;
        }
        let doubled = |first: i64| (first << (self.failures - 1).min(16)).min(WAIT_MAX_MS);
        match trouble {
            Trouble::Outage => {
                let ceiling = doubled(OUTAGE_MS);
                // Time is chance enough, and the same in each play of one simulated history.
                let mut random = fastrand::Rng::with_seed(now_ms.unsigned_abs());
                random.i64(ceiling / 2..=ceiling)
            }
            Trouble::Lasting => doubled(LASTING_MS),
            Trouble::Wait { ms } => ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_costs_one_probe_at_a_time() {
        let mut breaker = Breaker::default();
        let (mut now, mut calls) = (0, 0);
        // Two hundred callers, all the time, for an hour without an answer.
        while now < 3_600_000 {
            let tries = (0..200).filter(|_| !matches!(breaker.ask(now), Decision::Wait { .. }));
            let tries = tries.count();
            assert!(now == 0 || tries <= 1, "{tries} calls at once");
            calls += tries;
            (0..tries).for_each(|_| breaker.failed(now, Trouble::Outage, "no answer"));
            now += 50;
        }
        assert!((60 + 200..=130 + 200).contains(&calls), "{calls}");
        let stands = breaker.standstill(now).unwrap();
        assert_eq!((stands.since_ms, &*stands.reason), (0, "no answer"));
    }

    #[test]
    fn a_probe_decides_for_all() {
        let mut breaker = Breaker::default();
        breaker.failed(0, Trouble::Outage, "");
        assert_eq!(breaker.ask(1_000), Decision::Probe);
        assert_eq!(breaker.ask(1_000), Decision::Wait { until_ms: 2_000 });
        assert_eq!(breaker.standstill(1_000).unwrap().until_ms, 2_000);
        breaker.succeeded();
        assert_eq!(breaker.ask(1_000), Decision::Call);
        assert_eq!(breaker.standstill(1_000), None);
    }

    #[test]
    fn a_probe_that_is_never_heard_of_again_is_followed_by_another() {
        let mut breaker = Breaker::default();
        breaker.failed(0, Trouble::Outage, "");
        assert_eq!(breaker.ask(1_000), Decision::Probe);
        assert_eq!(breaker.ask(1_000 + PROBE_MAX_MS), Decision::Probe);
    }

    #[test]
    fn what_was_under_way_before_closes_nothing() {
        let mut breaker = Breaker::default();
        breaker.failed(0, Trouble::Lasting, "");
        breaker.succeeded();
        assert_eq!(breaker.ask(10), Decision::Wait { until_ms: 5_000 });
    }

    #[test]
    fn the_wait_grows_to_a_minute_and_starts_anew_after_a_success() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        let waits: Vec<i64> = (0..6)
            .map(|_| {
                breaker.failed(now, Trouble::Lasting, "");
                let until_ms = breaker.standstill(now).unwrap().until_ms;
                let wait = until_ms - now;
                now = until_ms;
                assert_eq!(breaker.ask(now), Decision::Probe);
                wait
            })
            .collect();
        assert_eq!(waits, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
        breaker.succeeded();
        breaker.failed(now, Trouble::Lasting, "");
        assert_eq!(breaker.standstill(now).unwrap().until_ms, now + 5_000);
    }

    #[test]
    fn a_system_that_says_how_long_is_left_alone_so_long() {
        let mut breaker = Breaker::default();
        breaker.failed(7, Trouble::Wait { ms: 300_000 }, "");
        assert_eq!(breaker.ask(8), Decision::Wait { until_ms: 300_007 });
    }
}
