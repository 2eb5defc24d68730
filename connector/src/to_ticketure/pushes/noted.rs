//! What is written to the records themselves once Ticketure has them, many in one call.

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Outcome, Settlement, StoreError};
use runtime::salesforce::SalesforceError;
use serde_json::Value;

use super::Pushed;
use crate::sync::TwoWaySync;
use crate::sync::outcome::Failure;

impl TwoWaySync {
    /// Fields of the records themselves, set by their ids.
    pub(super) async fn write_back(
        &self,
        mapping: &MappingDescriptor,
        noted: Vec<(&Item, Pushed)>,
    ) -> Result<(), StoreError> {
        if noted.is_empty() {
            return Ok(());
        }
        let fields = |pushed: &Pushed| pushed.fields.as_ref().map(Value::to_string);
        let records = noted
            .iter()
            .map(|(item, pushed)| (item.key.clone(), fields(pushed).unwrap_or_default()));
        let records: Vec<(String, String)> = records.collect();
        let written = self.salesforce.update(mapping.object, &records).await;
        let settled = noted
            .into_iter()
            .enumerate()
            .map(|(number, (item, pushed))| {
                let outcome = match &written {
                    Err(error) => Some(self.unread(item, error)),
                    Ok(results) => match results.get(number) {
                        Some(Err(errors)) => Some(self.not_noted(item, errors)),
                        _ => None,
                    },
                };
                settled(item, outcome.map_or(pushed, Pushed::is))
            });
        self.store.settle(settled.collect()).await.map(|_| ())
    }

    fn not_noted(&self, item: &Item, errors: &[SalesforceError]) -> Outcome {
        let error = errors.first().cloned().unwrap_or_default();
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
    let mut settled = Settlement::new(item.id, item.attempt, outcome);
    settled.link = pushed.link;
    settled.closes = pushed.closes;
    settled
}
