//! The review list: what a person has to decide, what was decided, and why.
//!
//! One open question a record: a later one replaces it. A decision is never changed: a later one counts more.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::item::{Link, NewItem, Review, SALESFORCE_CHANGED};
use super::step::{Command, Step};
use super::view::json_list;
use super::{Store, StoreError, enqueue, link, mend, stand_in, wake};

/// The payload type of items that ask for a row of Ticketure's once more.
pub const LOOK_AGAIN: &str = "look_again";
/// Before the id of a record that only Salesforce knows.
pub(super) const OF_SALESFORCE: &str = "sf:";
/// How many decisions a list of them shows.
const SHOWN_MAX: i64 = 1_000;

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenReview {
    pub mapping: String,
    /// A source id; `sf:<Id>` where it is about a record that only Salesforce knows.
    pub source_id: String,
    pub candidates: Vec<String>,
    pub reason: String,
    /// Milliseconds since 1970.
    pub since_ms: i64,
}

/// What a person decides about a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum Choice {
    /// It is this record of Salesforce's.
    Link { destination_id: String },
    /// It is none of those that are there: a new one is made.
    Create,
    /// It stays out of Salesforce, and what is sent of it does nothing.
    Ignore,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewDecision {
    pub mapping: String,
    pub source_id: String,
    #[serde(flatten)]
    pub choice: Choice,
    /// In the person's own words; may be empty.
    #[serde(default)]
    pub because: String,
}

/// An answer that was given, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    pub at_ms: i64,
    #[serde(flatten)]
    pub decision: ReviewDecision,
    /// What was asked; empty where nothing was.
    pub question: String,
    pub candidates: Vec<String>,
}

impl Store {
    /// Notes a question for a person. The link itself, once it is there, takes the note away.
    pub async fn add_review(&self, review: Review) -> Result<(), StoreError> {
        self.count(Command::AddReview(review)).await.map(|_| ())
    }

    /// Takes a question back that has no reason any longer.
    pub async fn close_review(&self, mapping: &str, source_id: &str) -> Result<(), StoreError> {
        let named = (mapping.to_owned(), source_id.to_owned());
        self.count(Command::CloseReview(named)).await.map(|_| ())
    }

    /// What waits for a decision, the oldest question first.
    pub async fn reviews(&self) -> Result<Vec<OpenReview>, StoreError> {
        self.read(open).await
    }

    /// Keeps a person's answer and lets what waits for it go on; says how many items do.
    ///
    /// # Errors
    /// [`StoreError::LinkConflict`] when the record that it names is another's; nothing is kept then.
    pub async fn decide(&self, decision: ReviewDecision) -> Result<usize, StoreError> {
        self.count(Command::Decide(decision)).await
    }

    /// What was decided, the latest first; of one mapping's records, or of all.
    pub async fn decided(
        &self,
        only: Option<(String, Vec<String>)>,
    ) -> Result<Vec<Decided>, StoreError> {
        self.read(move |connection| match &only {
            Some((mapping, ids)) => decided_of(connection, mapping, ids),
            None => decided(connection),
        })
        .await
    }

    /// What counts of what was decided about these records, by source id.
    pub async fn choices(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Choice>, StoreError> {
        let all = self.decided(Some((mapping.to_owned(), ids))).await?;
        let mut choices = HashMap::new();
        for Decided { decision, .. } in all {
            choices.entry(decision.source_id).or_insert(decision.choice);
        }
        Ok(choices)
    }
}

/// A question is as old as its words; what was ignored is not asked again in the same words.
pub(super) fn add(step: &Step<'_>, review: &Review) -> Result<usize, StoreError> {
    if was_ignored(step, review)? {
        return Ok(0);
    }
    step.any_reviews.set(Some(true));
    step.execute(
        "INSERT INTO reviews (mapping, source_id, candidates, reason, since) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (mapping, source_id) DO UPDATE SET
           since = iif(reason = excluded.reason, since, excluded.since),
           candidates = excluded.candidates, reason = excluded.reason",
        (
            &review.mapping,
            &review.source_id,
            json_list(&review.candidates),
            &review.reason,
            step.now_ms,
        ),
    )
}

/// Was it answered, while an item asked about its own record, that there shall be none? It does not wait for one then.
pub(super) fn is_ignored(step: &Step<'_>, item: i64, key: &str) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT choice = 'ignore' FROM review_decisions AS decided JOIN items
         ON items.mapping = decided.mapping AND items.key = decided.source_id
         WHERE items.id = ?1 AND items.mapping || ':' || items.key = ?2
         ORDER BY decided.id DESC LIMIT 1",
    )?;
    let ignored = statement.query_row((item, key), |row| row.get(0));
    Ok(ignored.optional()?.unwrap_or(false))
}

fn was_ignored(step: &Step<'_>, review: &Review) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT choice = 'ignore' AND question = ?3 FROM review_decisions
         WHERE mapping = ?1 AND source_id = ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let ignored = statement
        .query_row(
            (&review.mapping, &review.source_id, &review.reason),
            |row| row.get(0),
        )
        .optional()?;
    Ok(ignored.unwrap_or(false))
}

/// Usually there is none.
fn any(step: &Step<'_>) -> Result<bool, StoreError> {
    if let Some(known) = step.any_reviews.get() {
        return Ok(known);
    }
    let mut statement = step.transaction.prepare_cached("SELECT 1 FROM reviews")?;
    let any = statement.exists([])?;
    step.any_reviews.set(Some(any));
    Ok(any)
}

/// The question has its answer, or is none any more.
pub(super) fn close(step: &Step<'_>, mapping: &str, source_id: &str) -> Result<(), StoreError> {
    if any(step)? {
        step.execute(
            "DELETE FROM reviews WHERE mapping = ?1 AND source_id = ?2",
            (mapping, source_id),
        )?;
    }
    Ok(())
}

/// The link first: when it is refused, nothing of the decision is kept.
pub(super) fn decide(step: &Step<'_>, decision: &ReviewDecision) -> Result<usize, StoreError> {
    let question = question(step, decision)?;
    let woken = match &decision.choice {
        Choice::Link { destination_id } => linked(step, decision, destination_id)?,
        Choice::Create => again(step, decision)?,
        Choice::Ignore => {
            stand_in::wake(step, &decision.mapping, &decision.source_id)?
                + mend::retry_of(step, decision)?
        }
    };
    keep(step, decision, question)?;
    close(step, &decision.mapping, &decision.source_id)?;
    Ok(woken)
}

fn key(decision: &ReviewDecision) -> String {
    format!("{}:{}", decision.mapping, decision.source_id)
}

/// With an empty base, both sides are read and meet.
fn linked(
    step: &Step<'_>,
    decision: &ReviewDecision,
    destination_id: &str,
) -> Result<usize, StoreError> {
    let waits = waits(step, decision)?;
    let link = Link {
        mapping: decision.mapping.clone(),
        source_id: decision.source_id.clone(),
        destination_id: destination_id.to_owned(),
        base: "{}".to_owned(),
        ..Link::default()
    };
    let woken = link::put(step, &link)?;
    go_on(step, decision, waits, woken)
}

fn again(step: &Step<'_>, decision: &ReviewDecision) -> Result<usize, StoreError> {
    let waits = waits(step, decision)?;
    let woken = wake::wake(step, &key(decision))?;
    go_on(step, decision, waits, woken)
}

/// What failed goes through again; where nothing waited or failed, the row is asked for.
fn go_on(
    step: &Step<'_>,
    decision: &ReviewDecision,
    waits: bool,
    woken: usize,
) -> Result<usize, StoreError> {
    let retried = mend::retry_of(step, decision)?;
    let asked = match waits || retried > 0 {
        true => 0,
        false => look_again(step, decision)?,
    };
    Ok(woken + retried + asked)
}

/// Does an item of the record itself wait for the answer?
fn waits(step: &Step<'_>, decision: &ReviewDecision) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items WHERE wait_key = ?1 AND wait_key IS NOT NULL AND mapping = ?2 AND key = ?3",
    )?;
    Ok(statement.exists((key(decision), &decision.mapping, &decision.source_id))?)
}

fn look_again(step: &Step<'_>, decision: &ReviewDecision) -> Result<usize, StoreError> {
    // A record that only Salesforce knows is read there.
    let (payload_type, key) = match decision.source_id.strip_prefix(OF_SALESFORCE) {
        Some(id) => (SALESFORCE_CHANGED, id),
        None => (LOOK_AGAIN, decision.source_id.as_str()),
    };
    let item = NewItem {
        mapping: Some(decision.mapping.clone()),
        payload_type: payload_type.to_owned(),
        lane: decision.source_id.clone(),
        key: key.to_owned(),
        payload: "{}".to_owned(),
        ..NewItem::default()
    };
    enqueue::insert(step, &item).map(|_| 1)
}

/// The open question, as it is to be kept beside its answer.
fn question(
    step: &Step<'_>,
    decision: &ReviewDecision,
) -> Result<Option<(String, String)>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT reason, candidates FROM reviews WHERE mapping = ?1 AND source_id = ?2",
    )?;
    let question = statement.query_row((&decision.mapping, &decision.source_id), |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(question.optional()?)
}

fn keep(
    step: &Step<'_>,
    decision: &ReviewDecision,
    question: Option<(String, String)>,
) -> Result<(), StoreError> {
    let (choice, destination_id) = match &decision.choice {
        Choice::Link { destination_id } => ("link", Some(destination_id)),
        Choice::Create => ("create", None),
        Choice::Ignore => ("ignore", None),
    };
    let (reason, candidates) = question.unwrap_or_else(|| (String::new(), "[]".to_owned()));
    step.execute(
        "INSERT INTO review_decisions (at, mapping, source_id, choice, destination_id, because, question, candidates)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            step.now_ms,
            &decision.mapping,
            &decision.source_id,
            choice,
            destination_id,
            &decision.because,
            reason,
            candidates,
        ),
    )?;
    Ok(())
}

fn open(connection: &Connection) -> Result<Vec<OpenReview>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT mapping, source_id, candidates, reason, since FROM reviews ORDER BY since, mapping, source_id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(OpenReview {
            mapping: row.get(0)?,
            source_id: row.get(1)?,
            candidates: list(row.get(2)?),
            reason: row.get(3)?,
            since_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const DECIDED: &str = "SELECT at, mapping, source_id, choice, destination_id, because, question, candidates FROM review_decisions";

fn decided(connection: &Connection) -> Result<Vec<Decided>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{DECIDED} ORDER BY id DESC LIMIT ?1"))?;
    let rows = statement.query_map([SHOWN_MAX], one)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn decided_of(
    connection: &Connection,
    mapping: &str,
    ids: &[String],
) -> Result<Vec<Decided>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{DECIDED} WHERE mapping = ?1 AND source_id IN (SELECT value FROM json_each(?2)) ORDER BY id DESC"
    ))?;
    let rows = statement.query_map((mapping, json_list(ids)), one)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn one(row: &Row<'_>) -> rusqlite::Result<Decided> {
    let (choice, destination_id): (String, Option<String>) = (row.get(3)?, row.get(4)?);
    let choice = match (choice.as_str(), destination_id) {
        ("link", Some(destination_id)) => Choice::Link { destination_id },
        ("create", _) => Choice::Create,
        _ => Choice::Ignore,
    };
    Ok(Decided {
        at_ms: row.get(0)?,
        decision: ReviewDecision {
            mapping: row.get(1)?,
            source_id: row.get(2)?,
            choice,
            because: row.get(5)?,
        },
        question: row.get(6)?,
        candidates: list(row.get(7)?),
    })
}

fn list(text: String) -> Vec<String> {
    serde_json::from_str(&text).unwrap_or_default()
}
