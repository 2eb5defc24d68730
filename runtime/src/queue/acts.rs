//! Acts of people, and of a service that holds a mapping: on items that failed or are delayed.

use super::step::Command;
use super::{Store, StoreError, TakeBack, Which};

impl Store {
    /// Makes dead items ready again; an item brings along the others of its error-log line. Returns the count.
    pub async fn retry(&self, which: Which) -> Result<usize, StoreError> {
        self.count(Command::Retry(which)).await
    }

    /// Takes items back out of the error log; returns their count.
    pub async fn take_back(&self, back: TakeBack) -> Result<usize, StoreError> {
        self.count(Command::TakeBack(back)).await
    }

    /// Makes delayed items due whose notes begin with the text; returns their count.
    pub async fn go_on(&self, beginning: String) -> Result<usize, StoreError> {
        self.count(Command::GoOn(beginning)).await
    }

    /// A direction stands still for a reason, or goes on.
    pub async fn pause(&self, direction: &str, reason: Option<String>) -> Result<(), StoreError> {
        let direction = direction.to_owned();
        let command = Command::Pause { direction, reason };
        self.count(command).await.map(|_| ())
    }
}
