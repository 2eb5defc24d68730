//! Texts for the amounts of a cart that are not booked.

use runtime::queue::{ErrorRecord, Problem, ProblemStage};

use super::amount;
use super::money::{Action, Fault};

/// Beginning of the causes of this module.
pub(crate) const PAYMENT: &str = "payment ";

/// Makes the problem of a fault. `None` for an amount that waits for a charge where usher writes no payments.
pub(super) fn of(cart: &str, fault: &Fault, books_payments: bool) -> Option<Problem> {
    let (about, code, message, help) = match fault {
        Fault::NoAmount { id, said } => (
            id.clone(),
            "no_amount",
            no_amount(cart, id, said),
            NO_AMOUNT,
        ),
        Fault::FitsNoCharge { id } => (
            id.clone(),
            "void_fits_no_charge",
            format!("void {id} of cart {cart} fits no charge of the cart: nothing is taken off"),
            "Look in Ticketure which charge it takes back, and save both there again, so that they are sent.",
        ),
        Fault::BothSigns { ids } => (
            ids.join(" and "),
            "both_signs",
            format!(
                "{} of cart {cart} name one charge, and their amounts have both signs: none of them is booked",
                ids.join(" and ")
            ),
            "Look in Ticketure which way the money went, and correct the amount there; or book it by hand.",
        ),
        Fault::Waits {
            id,
            action,
            booked,
            rest,
        } => (
            id.clone(),
            "more_than_was_charged",
            format!(
                "{} {id} of cart {cart}: {} of {} are booked, {} wait for a charge of the cart",
                word(*action),
                amount(*booked),
                amount(*booked + *rest),
                amount(*rest)
            ),
            "The rest is booked by itself when a charge of the cart comes. Where it was more than the charge on purpose, book the rest by hand.",
        ),
    };
    let stage = match fault {
        Fault::Waits { .. } if !books_payments => return None,
        Fault::Waits { .. } => ProblemStage::Waits,
        _ => ProblemStage::Failed,
    };
    // The two stages have different causes: a void may wait for its charge first, and fail once that is there.
    let cause = match stage {
        ProblemStage::Waits => format!("{PAYMENT}{about} waits"),
        ProblemStage::Failed => format!("{PAYMENT}{about}"),
    };
    Some(Problem {
        cause,
        stage,
        error: ErrorRecord {
            code: code.to_owned(),
            message,
            mapping_line: None,
            help: help.to_owned(),
            group: None,
        },
    })
}

/// Makes the problem of a payment in another currency than the org's.
pub(crate) fn foreign(cart: &str, id: &str, currency: &str, own: &str) -> Problem {
    Problem {
        cause: format!("{PAYMENT}{id} is in another currency"),
        stage: ProblemStage::Failed,
        error: ErrorRecord {
            code: "another_currency".to_owned(),
            message: format!(
                "payment {id} of cart {cart} is in {currency}, and the org's currency is {own}: it is not booked"
            ),
            mapping_line: None,
            help: "Book it by hand, or correct its currency in Ticketure, or `currency` in usher.toml's settings."
                .to_owned(),
            group: None,
        },
    }
}

const NO_AMOUNT: &str =
    "Correct the amount in Ticketure and save the payment there again, so that it is sent.";

fn no_amount(cart: &str, id: &str, said: &Option<String>) -> String {
    match said {
        Some(said) => {
            format!("payment {id} of cart {cart} has the amount {said:?}: it is not booked")
        }
        None => format!("payment {id} of cart {cart} has no amount: it is not booked"),
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Charge => "charge",
        Action::Void => "void",
        Action::Refund => "refund",
        Action::Chargeback => "chargeback",
    }
}
