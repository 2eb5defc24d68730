//! Salesforce refused one record of a call: what the table says of it, and what has to be looked at for that.

use runtime::lock_groups;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Outcome, Review, StoreError};
use runtime::retry::Verdict;
use runtime::salesforce::SalesforceError;

use super::calls::{Refusal, Sent};
use super::outcome::{Failure, attempts_of};
use super::pair::Pair;
use super::{TwoWaySync, Unit};

impl TwoWaySync {
    /// What becomes of a record that did not land; `None`: it did.
    pub(crate) async fn outcome_of(
        &self,
        unit: &Unit,
        sent: &Sent,
        linked: bool,
    ) -> Result<Option<Outcome>, StoreError> {
        match self.unless_refused(&[unit.mapping], attempts_of(unit), sent) {
            Ok(outcome) => Ok(outcome),
            Err(refusal) => self.refused(unit, refusal, linked).await.map(Some),
        }
    }

    async fn refused(
        &self,
        unit: &Unit,
        refusal: &Refusal,
        linked: bool,
    ) -> Result<Outcome, StoreError> {
        let unnamed = SalesforceError::default();
        let error = refusal.errors.first().unwrap_or(&unnamed);
        let message = message(&refusal.errors);
        match error.verdict() {
            Verdict::Waiting => {
                if let Some(outcome) = self.waits_for_named(unit, error).await? {
                    return Ok(outcome);
                }
            }
            Verdict::Lock => {
                let named = lock_groups::named_in(&error.message);
                let locks = refusal.locks.iter().cloned().chain(named);
                let now_ms = self.now_ms();
                self.lock_groups().contend(locks, now_ms);
            }
            Verdict::Stale => self.look_at_references(unit).await?,
            // Where its link is there nobody would wake it.
            Verdict::Duplicate if !linked && !refusal.decided && !error.matches.is_empty() => {
                return self.ask_which(unit, error.matches.clone(), message).await;
            }
            _ => {}
        }
        let own = match error.verdict() {
            Verdict::OrgWide => refusal.others_landed,
            // Trouble of the whole mapping is held by now.
            verdict => matches!(verdict, Verdict::Mapping | Verdict::Full),
        };
        let failure = Failure {
            code: &error.code,
            // Others of the same object were written: it is this record that nobody may touch.
            verdict: match own {
                true => Verdict::Permanent,
                false => error.verdict(),
            },
            place: error
                .fields
                .iter()
                .find_map(|field| unit.mapping.place(field)),
            message,
        };
        if !refusal.others_landed {
            let name = unit.mapping.name;
            let record = (name, unit.source_id.as_str());
            let field = error.fields.first();
            if let Some(held) = self.held_in_a_row(unit.mapping, record, &failure, field) {
                return Ok(held);
            }
        }
        Ok(self.failed(unit, failure))
    }

    /// Which records a linked one is a duplicate of: a person is asked, when its link is written.
    pub(crate) fn asked_of_linked(unit: &Unit, sent: &Sent) -> Option<Review> {
        let Sent::Refused(refusal) = sent else {
            return None;
        };
        let error = refusal.errors.first()?;
        let is_asked =
            error.verdict() == Verdict::Duplicate && !refusal.decided && !error.matches.is_empty();
        is_asked.then(|| Review {
            mapping: unit.mapping.name.to_owned(),
            source_id: unit.source_id.clone(),
            candidates: error.matches.clone(),
            reason: message(&refusal.errors),
        })
    }

    /// Salesforce says by which external id it misses a record: the item waits for it. Nothing where it is linked, so that
    /// nobody would wake the item, or where no mapping brings it.
    async fn waits_for_named(
        &self,
        unit: &Unit,
        error: &SalesforceError,
    ) -> Result<Option<Outcome>, StoreError> {
        let Some((parent, id)) = self.missing_record(&error.message) else {
            return Ok(None);
        };
        let links = self.store.links(parent.name, vec![id.to_owned()]).await?;
        Ok(links.is_empty().then(|| {
            crate::to_salesforce::references::waits_for(unit.mapping, unit, parent.name, id)
        }))
    }

    /// `Foreign key external ID: 0116 not found for field Ticketure_Identity_Id__c in entity Account`.
    fn missing_record<'m>(
        &self,
        message: &'m str,
    ) -> Option<(&'static MappingDescriptor, &'m str)> {
        let (_, rest) = message.split_once("Foreign key external ID: ")?;
        let (id, rest) = rest.split_once(" not found for field ")?;
        let (field, object) = rest.split_once(" in entity ")?;
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let parent = mappings.copied().find(|mapping| {
            mapping.external_id == field && mapping.object == object.trim_end_matches('.')
        })?;
        Some((parent, id))
    }

    /// One of the records that it refers to is no more: it is found out which, and what became of it.
    async fn look_at_references(&self, unit: &Unit) -> Result<(), StoreError> {
        for (mapping, source_id, _) in &unit.references {
            let links = self.store.links(mapping, vec![source_id.clone()]).await?;
            if let Some(link) = links.get(source_id) {
                self.look_at_link(link, &link.destination_id).await?;
            }
        }
        Ok(())
    }

    /// Salesforce says of a pair's own record, or of one that it refers to, that it is no more. What became of its own is
    /// dealt with at once.
    pub(crate) async fn is_stale(&self, pair: &mut Pair, sent: &Sent) -> Result<bool, StoreError> {
        let Sent::Refused(refusal) = sent else {
            return Ok(false);
        };
        let stale = |error: &SalesforceError| error.verdict() == Verdict::Stale;
        if !refusal.errors.iter().any(stale) {
            return Ok(false);
        }
        self.gone_unless_there(pair).await?;
        Ok(pair.stopped.is_some())
    }
}

fn message(errors: &[SalesforceError]) -> String {
    let each = errors
        .iter()
        .map(|error| format!("{}: {}", error.code, error.message));
    each.collect::<Vec<_>>().join("; ")
}
