//! What has to be written where, and why.

use serde::Serialize;
use serde_json::Value;

use super::gate::missing_required;
use super::state::LinkState;
use crate::entity::{Entity, SlotRef};
use crate::json;
use crate::mapping::{Conflict, OnLink, Side};

/// How far the two systems' clocks are from ours, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The source's clock minus ours.
    pub source_offset_ms: i64,
    pub destination_offset_ms: i64,
    /// Two times that are nearer than this are a tie.
    pub uncertainty_ms: i64,
}

impl Clocks {
    /// A side's clock minus ours.
    pub fn offset_ms(&self, side: Side) -> i64 {
        match side {
            Side::Source => self.source_offset_ms,
            Side::Destination => self.destination_offset_ms,
        }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Clocks {
            source_offset_ms: 0,
            destination_offset_ms: 0,
            uncertainty_ms: 5_000,
        }
    }
}

/// What to write, in the words of the destination.
pub struct Plan {
    pub to_source: Box<dyn Entity>,
    pub to_destination: Box<dyn Entity>,
    pub decisions: Vec<Decision>,
    pub gate: Gate,
}

/// Whether the record may go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// Something changed, but nothing that is monitored.
    Unmonitored,
    /// These required fields are blank.
    Incomplete(Vec<usize>),
}

/// One field that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub field: usize,
    /// Whose value stands; nobody's while a person has to decide.
    pub winner: Option<Side>,
    pub why: Why,
    pub value: Value,
    /// What is overwritten by it, when that was somebody's change.
    pub loser: Option<Value>,
    /// When the value that lost appeared, by its own clock; it tells one decision from the next.
    pub loser_at_ms: i64,
}

impl Decision {
    /// What somebody typed, and when, stands no more: `winner`'s value does. No rule chose between the two.
    pub(super) fn went_under(
        field: usize,
        (loser, loser_at_ms): (Value, i64),
        winner: Side,
        value: Value,
    ) -> Self {
        Decision {
            field,
            winner: Some(winner),
            why: Why::WentUnder,
            value,
            loser: Some(loser),
            loser_at_ms,
        }
    }
}

/// Why a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Only this side changed it.
    OnlyChange,
    /// The org made it of what was written to it.
    Rewritten,
    /// The mapping says that this side wins.
    Policy,
    /// It appeared later.
    Newest,
    /// The clocks cannot tell; the mapping says who wins then.
    Tie,
    /// It permits less.
    Restrictive,
    /// A record of the same person, which was merged into this one, had the opt-out.
    Merged,
    /// A write of ours arrived late, over something newer.
    CameLate,
    /// It was on its way while somebody wrote something else.
    WentUnder,
    /// A person has to decide.
    Review,
    /// The same value was written three times and did not stay.
    DoesNotStay,
}

/// A value that was written so often and did not stay is a person's to decide.
const BOUNCES_MAX: u32 = 3;

impl LinkState {
    /// What is to be written now. Fields that only a create may set are never in it.
    pub fn plan(&mut self, clocks: &Clocks) -> Plan {
        let plan = self.plan_so_far(clocks);
        for field in 0..self.mapping.record.fields.len() {
            if self.says_the_same(field) && !self.held.contains_key(&field) {
                self.agree(field);
            }
        }
        plan
    }

    /// The same, of sides that are still to be looked at: where both say the same, what either says next counts against
    /// the other's.
    pub fn plan_so_far(&mut self, clocks: &Clocks) -> Plan {
        let mut plan = Plan {
            to_source: self.mapping.new_record(),
            to_destination: self.mapping.new_record(),
            decisions: self.told.clone(),
            gate: Gate::Open,
        };
        for field in 0..self.mapping.record.fields.len() {
            let create_only = self.mapping.record.fields.get(field);
            if create_only.is_some_and(|field| field.create_only) {
                continue;
            }
            if self.plan_owed(&mut plan, field) {
                continue;
            }
            if let Some(decision) = self.decide(field, clocks) {
                // What came late is told, although something newer is written over it.
                let late = self
                    .restored(field)
                    .filter(|late| late.loser.is_some() && decision.why != Why::CameLate);
                self.put(&mut plan, decision);
                plan.decisions.extend(late);
            }
        }
        self.gate(&mut plan);
        plan
    }

    fn decide(&mut self, field: usize, clocks: &Clocks) -> Option<Decision> {
        // A change that was taken back counts only against one of the other side.
        if [Side::Source, Side::Destination]
            .into_iter()
            .any(|side| self.is_taken_back(side, field))
        {
            return self.restored(field);
        }
        let source = self.source.changes.slot(field);
        let destination = self.destination.changes.slot(field);
        if let Some(held) = self.held.get(&field) {
            if *held == self.pair(field) {
                return Some(self.nobody(field, Why::Review));
            }
            self.held.remove(&field);
            return self.decide(field, clocks);
        }
        let (winner, why) = match (source.is_absent(), destination.is_absent()) {
            (true, true) => return self.restored(field),
            (false, true) => (Side::Source, Why::OnlyChange),
            (true, false) => {
                let rewritten = self.destination.at_ms.get(&field) == Some(&0);
                let why = if rewritten {
                    Why::Rewritten
                } else {
                    Why::OnlyChange
                };
                (Side::Destination, why)
            }
            (false, false) if source.equivalent(destination) => return None,
            (false, false) => match self.winner(field, source, clocks) {
                Some(decided) => decided,
                None => {
                    self.held.insert(field, self.pair(field));
                    return Some(self.nobody(field, Why::Review));
                }
            },
        };
        let decision = self.decision(field, winner, why);
        let sent = self.side(winner.other()).sent.get(&field);
        if sent.is_some_and(|sent| sent.times >= BOUNCES_MAX && sent.value == decision.value) {
            self.held.insert(field, self.pair(field));
            return Some(self.nobody(field, Why::DoesNotStay));
        }
        Some(decision)
    }

    /// Who wins where both changed it; nobody when a person has to decide.
    fn winner(&self, field: usize, source: SlotRef<'_>, clocks: &Clocks) -> Option<(Side, Why)> {
        let policies = &self.mapping.policies;
        let never_agreed = self.agreed.slot(field).is_absent();
        let mut conflict = self.mapping.sync(field).conflict;
        if never_agreed && !matches!(conflict, Conflict::Restrictive(_)) {
            conflict = match policies.on_link {
                OnLink::Source => Conflict::Source,
                OnLink::Destination => Conflict::Destination,
                OnLink::Newest => Conflict::Newest,
                OnLink::FillBlanks | OnLink::Review => conflict,
            };
        }
        match conflict {
            Conflict::Source => Some((Side::Source, Why::Policy)),
            Conflict::Destination => Some((Side::Destination, Why::Policy)),
            Conflict::Review => None,
            Conflict::Restrictive(value) => {
                let source_restricts =
                    matches!(source, SlotRef::Boolean(slot) if slot.value() == Some(&value));
                let winner = if source_restricts {
                    Side::Source
                } else {
                    Side::Destination
                };
                Some((winner, Why::Restrictive))
            }
            Conflict::Newest => {
                let at = |side: Side| {
                    self.side(side)
                        .at_ms
                        .get(&field)
                        .copied()
                        .unwrap_or_default()
                };
                let source_at = at(Side::Source) - clocks.source_offset_ms;
                let destination_at = at(Side::Destination) - clocks.destination_offset_ms;
                Some(
                    if (source_at - destination_at).abs() <= clocks.uncertainty_ms {
                        (policies.tie, Why::Tie)
                    } else if source_at > destination_at {
                        (Side::Source, Why::Newest)
                    } else {
                        (Side::Destination, Why::Newest)
                    },
                )
            }
        }
    }

    fn decision(&self, field: usize, winner: Side, why: Why) -> Decision {
        let loser = self.side(winner.other());
        let overwritten = !loser.changes.slot(field).is_absent();
        Decision {
            field,
            winner: Some(winner),
            why,
            value: json::value(self.side(winner).changes.slot(field)),
            loser: overwritten.then(|| json::value(loser.changes.slot(field))),
            loser_at_ms: loser.at_ms.get(&field).copied().unwrap_or_default(),
        }
    }

    fn nobody(&self, field: usize, why: Why) -> Decision {
        let (source, destination) = self.pair(field);
        Decision {
            field,
            winner: None,
            why,
            value: source,
            loser: Some(destination),
            loser_at_ms: 0,
        }
    }

    fn pair(&self, field: usize) -> (Value, Value) {
        let of = |side: Side| json::value(self.has(side, field));
        (of(Side::Source), of(Side::Destination))
    }

    fn says_the_same(&self, field: usize) -> bool {
        let source = self.source.changes.slot(field);
        let destination = self.destination.changes.slot(field);
        let said = !source.is_absent() && !destination.is_absent();
        said && source.equivalent(destination)
    }

    /// Both say the same: agreed.
    fn agree(&mut self, field: usize) {
        let value = self.source.changes.slot(field);
        self.agreed.slot_mut(field).set(value);
        self.source.clear(field);
        self.destination.clear(field);
    }

    /// A late write of ours is written over with what was agreed.
    fn restored(&self, field: usize) -> Option<Decision> {
        let side = [Side::Source, Side::Destination]
            .into_iter()
            .find(|side| self.side(*side).restore.contains_key(&field))?;
        let stands = self.side(side).restore.get(&field).cloned();
        // A reference is only ours to write.
        let may_be_typed = side == Side::Source || self.mapping.sync(field).both;
        Some(Decision {
            field,
            winner: Some(side.other()),
            why: Why::CameLate,
            value: json::value(self.agreed.slot(field)),
            // Should somebody have typed the same in these minutes, it is told here.
            loser: stands.filter(|_| may_be_typed),
            loser_at_ms: 0,
        })
    }

    fn put(&self, plan: &mut Plan, decision: Decision) {
        let field = decision.field;
        let value = match (decision.winner, decision.why) {
            (Some(_), Why::CameLate) => self.agreed.slot(field),
            (Some(winner), _) => self.side(winner).changes.slot(field),
            (None, _) => {
                plan.decisions.push(decision);
                return;
            }
        };
        let target = match decision.winner {
            Some(Side::Destination) => &mut plan.to_source,
            Some(Side::Source) | None => &mut plan.to_destination,
        };
        // What was never agreed on was nothing.
        match value.is_absent() {
            true => target.slot_mut(field).set_blank(),
            false => target.slot_mut(field).set(value),
        }
        plan.decisions.push(decision);
    }

    /// What may not go back stays where it is, as a change. An opt-out goes all the same.
    fn gate(&self, plan: &mut Plan) {
        let fields = 0..self.mapping.record.fields.len();
        let back: Vec<usize> = fields
            .filter(|field| !plan.to_source.slot(*field).is_absent())
            .collect();
        if back.is_empty() {
            return;
        }
        let current = self.current(Side::Destination);
        let missing = missing_required(self.mapping, current.as_ref());
        let monitored = back.iter().any(|field| self.mapping.sync(*field).monitored);
        let gate = if !missing.is_empty() {
            Gate::Incomplete(missing)
        } else if !monitored {
            Gate::Unmonitored
        } else {
            return;
        };
        let wanted = std::mem::replace(&mut plan.to_source, self.mapping.new_record());
        let goes = |field: &usize| self.is_opt_out(wanted.as_ref(), *field);
        let (opt_outs, held): (Vec<usize>, Vec<usize>) = back.into_iter().partition(goes);
        for field in opt_outs {
            plan.to_source.slot_mut(field).set(wanted.slot(field));
        }
        // An opt-out alone is held by nothing.
        if !held.is_empty() {
            plan.gate = gate;
        }
        plan.decisions.retain(|decision| {
            decision.winner != Some(Side::Destination)
                || self.told.contains(decision)
                || goes(&decision.field)
        });
    }
}
