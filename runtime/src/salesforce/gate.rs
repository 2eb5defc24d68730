//! Before a call and after it: may it be made, and what does its end say about the next ones?

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::Budget;
use super::error::LIMIT_MS;
use super::{ApiUsage, CallError};
use crate::breaker::{Breaker, Decision, Standstill, Trouble};

/// One org's breaker and budget, shared by all callers.
pub(super) struct Gate {
    kept: Mutex<Kept>,
}

struct Kept {
    breaker: Breaker,
    budget: Budget,
}

impl Gate {
    pub(super) fn new(reserve_percent: u8) -> Self {
        Gate {
            kept: Mutex::new(Kept {
                breaker: Breaker::default(),
                budget: Budget::new(reserve_percent),
            }),
        }
    }

    /// # Errors
    /// When no call may be made now.
    pub(super) fn enter(&self, now_ms: i64) -> Result<Pass<'_>, CallError> {
        let mut kept = self.kept();
        let mut decision = kept.breaker.ask(now_ms);
        // A call that finds out goes, although it is one of the reserve.
        if decision == Decision::Call && kept.stops_at_reserve(now_ms) {
            decision = kept.breaker.ask(now_ms);
        }
        if let Decision::Wait { until_ms } = decision {
            let stands = kept.breaker.standstill(now_ms);
            let reason = stands.map(|stands| stands.reason).unwrap_or_default();
            return Err(CallError::StandsStill { until_ms, reason });
        }
        kept.budget.begin();
        Ok(Pass { gate: self })
    }

    pub(super) fn usage(&self) -> Option<ApiUsage> {
        self.kept().budget.usage()
    }

    pub(super) fn note(&self, usage: ApiUsage) {
        self.kept().budget.note(usage);
    }

    pub(super) fn loses_patience(&self) {
        self.kept().breaker.loses_patience();
    }

    pub(super) fn standstill(&self, now_ms: i64) -> Option<Standstill> {
        self.kept().breaker.standstill(now_ms)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn stops_at_reserve(&mut self, now_ms: i64) -> bool {
        let Some(reason) = self.budget.spent() else {
            return false;
        };
        let trouble = Trouble::Wait { ms: LIMIT_MS };
        self.breaker.failed(now_ms, trouble, &reason);
        true
    }
}

/// A call under way.
pub(super) struct Pass<'g> {
    gate: &'g Gate,
}

impl Pass<'_> {
    /// It is over. An answer that says no is an answer.
    pub(super) fn left(self, now_ms: i64, error: Option<&CallError>) {
        let gate = self.gate;
        drop(self);
        let mut kept = gate.kept();
        match error.and_then(|error| Some((error, error.trouble()?))) {
            Some((error, trouble)) => kept.breaker.failed(now_ms, trouble, &error.to_string()),
            None if kept.stops_at_reserve(now_ms) => {}
            None => kept.breaker.succeeded(),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.kept().budget.end();
    }
}
