//! Calls that are refused as a whole, divided until the record to blame is alone.
//!
//! The first part is the smaller one. If it lands, the record to blame is in the other part, which is divided before it
//! is sent: so 200 records cost twelve calls at most.

/// Thousandths of a call that go first: with the golden section both outcomes cost the same.
const FIRST: usize = 382;

/// Parts of refused calls, the next one last.
#[derive(Debug)]
pub(super) struct Divided<T> {
    parts: Vec<Part<T>>,
}

#[derive(Debug)]
struct Part<T> {
    records: Vec<T>,
    /// The part before it is still to be sent, and one of both has the record to blame.
    is_other: bool,
}

impl<T> Divided<T> {
    pub(super) fn new() -> Self {
        Divided { parts: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Vec<T>> {
        self.parts.pop().map(|part| part.records)
    }

    /// Divides a call of several records that was refused.
    pub(super) fn refused(&mut self, records: Vec<T>) {
        self.ended();
        self.divide(records);
    }

    /// Notes that a call was not refused as a whole.
    pub(super) fn answered(&mut self) {
        match self.parts.pop() {
            Some(part) if part.is_other && part.records.len() > 1 => self.divide(part.records),
            part => self.parts.extend(part),
        }
    }

    /// Notes that the call gave no information about the other part.
    pub(super) fn ended(&mut self) {
        if let Some(other) = self.parts.last_mut() {
            other.is_other = false;
        }
    }

    /// Returns all that was not sent.
    pub(super) fn rest(self) -> impl Iterator<Item = T> {
        self.parts.into_iter().flat_map(|part| part.records)
    }

    fn divide(&mut self, mut records: Vec<T>) {
        let first = ((records.len() * FIRST + 500) / 1_000).max(1);
        let other = records.split_off(first.min(records.len()));
        let part = |records, is_other| Part { records, is_other };
        self.parts.extend([part(other, true), part(records, false)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends the records, of which some spoil their call. Returns the calls and those that spoilt one alone.
    fn sent(count: usize, bad: &[usize]) -> (usize, Vec<usize>) {
        let (mut calls, mut alone) = (0, Vec::new());
        let mut divided = Divided::new();
        let mut next = Some((0..count).collect::<Vec<_>>());
        while let Some(call) = next {
            calls += 1;
            match call.iter().any(|record| bad.contains(record)) {
                false => divided.answered(),
                true if call.len() > 1 => divided.refused(call),
                true => {
                    divided.ended();
                    alone.extend(call);
                }
            }
            next = divided.next();
        }
        alone.sort_unstable();
        (calls, alone)
    }

    #[test]
    fn one_of_two_hundred_costs_twelve_calls_at_most() {
        for bad in 0..200 {
            let (calls, alone) = sent(200, &[bad]);
            assert_eq!(alone, [bad]);
            assert!(calls <= 13, "{bad}: {calls}");
        }
    }

    #[test]
    fn several_are_found_and_everybody_is_sent() {
        for count in 1..40 {
            for first in 0..count {
                for second in 0..first {
                    assert_eq!(sent(count, &[second, first]).1, [second, first]);
                }
            }
            let all: Vec<usize> = (0..count).collect();
            assert_eq!(sent(count, &all).1, all);
            assert_eq!(sent(count, &[]), (1, Vec::new()));
        }
    }
}
