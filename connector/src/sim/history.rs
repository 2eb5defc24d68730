//! What happens in a simulated world: edits on both sides, and what goes wrong meanwhile.

mod carts;
mod consents;
mod families;
mod late_scans;
mod memberships;
mod people;
mod random;
mod schools;
mod troubles;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use simulator::{Fault, FaultKind};

pub use random::random;

/// A history, played from time 0. All times are milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Where the randomness of delays, back-off and ids comes from.
    pub seed: u64,
    /// How wrong the systems' clocks are.
    pub salesforce_clock_error_ms: i64,
    pub ticketure_clock_error_ms: i64,
    /// Each webhook takes up to so long.
    pub webhook_delay_ms_max: u64,
    /// One in so many is delivered twice, or not at all; 0 is none.
    pub webhook_repeat_one_in: u32,
    pub webhook_lose_one_in: u32,
    /// Each call takes up to so long, there and back.
    pub call_ms_max: u64,
    /// How often Salesforce is asked for changes.
    pub poll_ms: u64,
    /// Ticketure is asked for records that others wait for.
    pub fetch_missing: bool,
    /// The org has no NPSP.
    pub without_npsp: bool,
    /// Items of a batch, and batches at a time; 0 is as many as the service takes by default.
    pub batch: usize,
    pub batches: usize,
    /// What the museum decides about its mappings, as in usher.toml's `settings`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// In order of time, or not.
    pub actions: Vec<Timed>,
}

impl History {
    /// How long Salesforce, and Ticketure, answer nobody, all outages together.
    pub fn away_ms(&self) -> [u64; 2] {
        let mut away_ms = [0; 2];
        for timed in &self.actions {
            if let Action::Outage { ticketure, for_ms } = timed.action {
                away_ms[usize::from(ticketure)] += for_ms;
            }
        }
        away_ms
    }

    /// Returns whether Salesforce carries out some calls long after they were made. Calls about scans do not count,
    /// since they change lines and no person.
    pub fn commits_late(&self) -> bool {
        self.actions.iter().any(|timed| match &timed.action {
            Action::Fault(fault) => {
                let is_late = matches!(fault.kind, FaultKind::CommitLate { .. });
                is_late && fault.about.as_deref() != Some(late_scans::SCANS)
            }
            _ => false,
        })
    }

    pub fn crashes(&self) -> u64 {
        let crash = |timed: &&Timed| matches!(timed.action, Action::Crash { .. });
        self.actions.iter().filter(crash).count() as u64
    }
}

/// Something that happens at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timed {
    pub at_ms: u64,
    #[serde(flatten)]
    pub action: Action,
}

/// What can happen. Records go by names of the history's own; a record is known by its name on both sides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// A person or organization is made in Ticketure, with its fields as Ticketure names them.
    TicketureCreate {
        record: String,
        fields: Map<String, Value>,
        /// Its webhook takes so long, instead of what chance says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        webhook_delay_ms: Option<u64>,
        /// Its webhook never arrives.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        webhook_lost: bool,
    },
    /// Members are changed in Ticketure.
    TicketureEdit {
        record: String,
        fields: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        webhook_delay_ms: Option<u64>,
    },
    TicketureDelete {
        record: String,
    },
    /// A person is merged into another in Ticketure. The webhook takes its time, and is never lost: nobody is told again
    /// of somebody who is no more.
    TicketureMerge {
        record: String,
        into: String,
    },
    /// A row of a cart's or a membership's is made or changed in Ticketure: of `cart`, `ticket_audit`, `gateway_audit` or
    /// `membership`. Its webhook takes
    /// its time, and is never lost.
    TicketureRow {
        entity: String,
        record: String,
        fields: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        webhook_delay_ms: Option<u64>,
    },
    /// A record is made in Salesforce; `object` is Contact or Account.
    SalesforceCreate {
        record: String,
        object: String,
        fields: Map<String, Value>,
    },
    SalesforceEdit {
        record: String,
        fields: Map<String, Value>,
    },
    SalesforceDelete {
        record: String,
    },
    /// A contact or account is merged into another in Salesforce, which keeps the values of the latter.
    SalesforceMerge {
        record: String,
        into: String,
    },
    /// A membership is made in Salesforce: a won opportunity of that record type, whose primary contact is this person.
    /// Nothing happens where there is no such contact yet.
    SalesforceMembership {
        record: String,
        member: String,
        fields: Map<String, Value>,
    },
    /// Somebody types a later end on the opportunity of a membership, made on either side; where there is one.
    SalesforceExtend {
        record: String,
        until: String,
    },
    /// A trigger of the org, from then on: text in the field becomes capitals.
    SalesforceCapitals {
        object: String,
        field: String,
    },
    /// A fault rule of the simulator, until its `times` are used up or the edits are over.
    Fault(Fault),
    /// From now on the org refuses contacts whose field has this value.
    SalesforceRefuses {
        field: String,
        equals: Value,
    },
    /// A system answers 503 for so long; Salesforce, or Ticketure.
    Outage {
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ticketure: bool,
        for_ms: u64,
    },
    /// The process is killed and started again: at once, or after so many more awaits.
    Crash {
        #[serde(default)]
        after_awaits: u64,
    },
}

impl Action {
    /// Members are changed in Ticketure, and the webhook goes the way of all others.
    fn changed_in_ticketure(record: String, fields: Map<String, Value>) -> Action {
        Action::TicketureEdit {
            record,
            fields,
            webhook_delay_ms: None,
        }
    }

    /// A record of Ticketure's whose webhook goes the way of all others.
    fn made_in_ticketure(record: String, fields: Map<String, Value>) -> Action {
        Action::TicketureCreate {
            record,
            fields,
            webhook_delay_ms: None,
            webhook_lost: false,
        }
    }
}
