//! Memberships: made and extended by the API, one that is made is sold with a cart of its own. Their dates are not edited.
//!
//! What the API refuses, and in which order it looks, is `Tenant::judged` and `Tenant::later`. Whoever works in Ticketure
//! puts rows instead, and is refused nothing.

mod known;
mod sale;
mod term;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::civil::Date;
use serde_json::{Value, json};

pub(super) use known::Known;

use super::rows::{self, Row, text};
use super::{Tenant, failed, is_ended};
use crate::write_log::Actor;
use term::{Term, date};

/// Why a request is not carried out.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    extra: Value,
}

impl Refusal {
    fn of(code: &'static str, extra: Value) -> Self {
        Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            extra,
        }
    }

    fn answer(self) -> Response<Bytes> {
        failed(self.status, self.code, self.extra)
    }
}

impl Tenant {
    /// The levels that are sold from now on; any level before somebody said so.
    pub(crate) fn set_levels(&mut self, levels: Vec<String>) {
        self.memberships.levels = Some(levels);
    }

    /// `POST /api/membership`: the membership as it was made.
    pub(super) fn create_membership(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let Ok(Value::Object(mut asked)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        asked.remove("id");
        name_primary(&mut asked);
        match self.judged(&asked) {
            Ok(term) => {
                let id = self.sell(asked, term);
                self.membership(&id)
            }
            Err(refusal) => refusal.answer(),
        }
    }

    /// `POST /api/membership/{id}/extend`: the membership as it is then. A repeat finds nothing to do.
    pub(super) fn extend_membership(
        &mut self,
        id: &str,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let Ok(Value::Object(asked)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        let row = self.row("membership", id).filter(|row| !is_ended(row));
        let Some(row) = row else {
            return failed(StatusCode::NOT_FOUND, "not_found", json!({}));
        };
        match self.later(&row, &asked) {
            Ok(Some(term)) => {
                self.move_end(id, term, asked);
                self.membership(id)
            }
            Ok(None) => self.membership(id),
            Err(refusal) => refusal.answer(),
        }
    }

    /// `PATCH /api/membership/{id}`.
    pub(super) fn change_membership(&self) -> Response<Bytes> {
        failed(StatusCode::METHOD_NOT_ALLOWED, "not_supported", json!({}))
    }

    /// The term that was asked for, where it can be sold.
    fn judged(&self, asked: &Row) -> Result<Term, Refusal> {
        let term = Term::of(asked).filter(|term| term.from <= term.until);
        let term = term.ok_or_else(|| Refusal::of("invalid_dates", json!({})))?;
        if let Some(id) = self.memberships.made_for(asked) {
            return Err(Refusal {
                status: StatusCode::CONFLICT,
                ..Refusal::of("conflict", json!({ "membership_id": id }))
            });
        }
        self.has_level(asked)?;
        self.has_people(asked)?;
        self.has_room(asked, term)?;
        Ok(term)
    }

    /// The term with its new end; nothing where it ends then already.
    fn later(&self, row: &Row, asked: &Row) -> Result<Option<Term>, Refusal> {
        if is_cancelled(row) {
            return Err(Refusal::of("cancelled", json!({})));
        }
        let until = date(asked, "valid_until");
        let now = Term::of(row).zip(until);
        let (now, until) = now.ok_or_else(|| Refusal::of("invalid_dates", json!({})))?;
        if until < now.until {
            let extra = json!({ "valid_until": now.until.to_string() });
            return Err(Refusal::of("not_later", extra));
        }
        let Some(added) = now.added(until) else {
            return Ok(None);
        };
        self.has_room(row, added)?;
        Ok(Some(Term { until, ..now }))
    }

    fn has_level(&self, asked: &Row) -> Result<(), Refusal> {
        let name = rows::given(asked, "level_name");
        let level = name.or_else(|| rows::given(asked, "level_id"));
        let levels = self.memberships.levels.as_ref();
        let is_sold = |level: &str| {
            levels.is_none_or(|levels| levels.iter().any(|one| one.as_str() == level))
        };
        match level.is_some_and(is_sold) {
            true => Ok(()),
            false => Err(Refusal::of("unknown_level", json!({ "level_name": level }))),
        }
    }

    /// Everybody whom it names is there.
    fn has_people(&self, asked: &Row) -> Result<(), Refusal> {
        let is_here = |id: &Value| {
            let identity = id.as_str().and_then(|id| self.identities.get(id));
            identity.is_some_and(|identity| !is_ended(identity))
        };
        let giver = asked.get("gift_giver_identity_id");
        let mut named = vec![asked.get("primary_identity_id").unwrap_or(&Value::Null)];
        named.extend(giver.filter(|giver| !giver.is_null()));
        named.extend(members(asked).map(|member| &member["identity_id"]));
        match named.into_iter().find(|id| !is_here(id)) {
            None => Ok(()),
            Some(id) => Err(Refusal::of(
                "unknown_identity",
                json!({ "identity_id": id }),
            )),
        }
    }

    /// No other term of the same level is the primary member's in these days.
    fn has_room(&self, asked: &Row, term: Term) -> Result<(), Refusal> {
        let primary = text(asked, "primary_identity_id");
        let all = self.rows.get("membership");
        let others = self.memberships.of(primary).filter_map(|id| all?.get(id));
        let meets = |other: &&Row| Term::of(other).is_some_and(|other| other.meets(term));
        let mut in_the_way = others.filter(|other| {
            other.get("id") != asked.get("id")
                && text(other, "primary_identity_id") == primary
                && same_level(other, asked)
                && !is_cancelled(other)
                && !is_ended(other)
        });
        match in_the_way.find(meets) {
            None => Ok(()),
            Some(other) => {
                let extra = json!({
                    "membership_id": other.get("id"),
                    "valid_from": other.get("valid_from"),
                    "valid_until": other.get("valid_until"),
                });
                Err(Refusal::of("overlapping_term", extra))
            }
        }
    }

    /// The record that it was made from stays: that and the reason are in the log only.
    fn move_end(&mut self, id: &str, term: Term, asked: Row) {
        let mut change = Row::new();
        for (name, value) in [
            ("valid_until", term.until.to_string()),
            ("action", "extension".to_owned()),
            ("status", term.status(self.today()).to_owned()),
        ] {
            change.insert(name.to_owned(), Value::from(value));
        }
        let operation = self.lay_row("membership", id, change);
        self.note_row("membership", id, asked, (Actor::Api, operation));
    }

    fn membership(&self, id: &str) -> Response<Bytes> {
        let row = self.row("membership", id);
        rows::answer("membership", row.into_iter().collect())
    }

    /// Of the venue, whose zone is UTC here.
    fn today(&self) -> Date {
        let now = jiff::Timestamp::from_millisecond(self.now_ms()).unwrap_or_default();
        jiff::tz::Offset::UTC.to_datetime(now).date()
    }
}

/// Who is the primary member among the members is so where that is not said twice.
fn name_primary(asked: &mut Row) {
    if rows::given(asked, "primary_identity_id").is_none() {
        let primary = members(asked).find(|member| member["role"] == "primary");
        let id = primary.map(|member| member["identity_id"].clone());
        asked.insert("primary_identity_id".to_owned(), id.unwrap_or(Value::Null));
    }
}

fn members(row: &Row) -> impl Iterator<Item = &Value> {
    let members = row.get("members").and_then(Value::as_array);
    members.into_iter().flatten()
}

fn is_cancelled(row: &Row) -> bool {
    text(row, "status") == "cancelled"
}

/// By id where both have one, or by name.
fn same_level(one: &Row, other: &Row) -> bool {
    let both = |field| rows::given(one, field).zip(rows::given(other, field));
    let level = both("level_id").or_else(|| both("level_name"));
    level.is_some_and(|(one, other)| one == other)
}
