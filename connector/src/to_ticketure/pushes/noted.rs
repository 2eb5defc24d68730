//! What is written to the records themselves once Ticketure has them, many in one call.

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Outcome, Settlement, StoreError};
use runtime::salesforce::SalesforceError;
use serde_json::Value;

use super::Pushed;
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::sync::outcome::Failure;

impl TwoWaySync {
    /// Fields of the records themselves, set by their ids.
    pub(super) async fn write_back(
        &self,
        mapping: &'static MappingDescriptor,
        noted: Vec<(&Item, Pushed)>,
    ) -> Result<(), StoreError> {
        if noted.is_empty() {
            return Ok(());
        }
        let record = |(item, pushed): (&Item, Pushed)| Record {
            key: item.key.clone(),
            id: Some(item.key.clone()),
            body: pushed
                .fields
                .as_ref()
                .map_or_else(|| "{}".to_owned(), Value::to_string),
            locks: vec![item.key.clone()],
            of: (item.clone(), pushed),
        };
        let records = noted.into_iter().map(record).collect();
        let sent = self.in_calls(mapping, records).await.into_iter();
        let settlements = sent.map(|((item, pushed), sent)| {
            let outcome = self.not_noted(mapping, &item, sent);
            let replaces = pushed.replaces.clone();
            let now = outcome.map_or(pushed, Pushed::is);
            settled(&item, Pushed { replaces, ..now })
        });
        self.store.settle(settlements.collect()).await.map(|_| ())
    }

    /// What becomes of an item whose record was not written to: Ticketure is asked again, and says the same.
    fn not_noted(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        sent: Sent,
    ) -> Option<Outcome> {
        match self.unless_refused(&[mapping], item.attempts, &sent) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                let error = refusal.errors.first().cloned().unwrap_or_default();
                Some(self.refused_note(item, &error))
            }
        }
    }

    fn refused_note(&self, item: &Item, error: &SalesforceError) -> Outcome {
        let failure = Failure {
            code: &error.code,
            verdict: error.verdict(),
            message: format!("{}: {}", error.code, error.message),
            place: None,
        };
        self.failed_after(item.attempts, failure)
    }
}

pub(super) fn settled(item: &Item, pushed: Pushed) -> Settlement {
    let outcome = pushed.outcome.unwrap_or(Outcome::Done);
    let waits = matches!(outcome, Outcome::Park { .. } | Outcome::Retry { .. });
    let mut settled = Settlement::new(item.id, item.attempt, outcome);
    settled.link = pushed.link;
    settled.closes = pushed.closes;
    if !waits {
        settled.puts_right = pushed.replaces;
    }
    settled
}
