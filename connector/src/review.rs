//! `usher review`: the questions that wait for a person, the answers, and what was decided before.

mod link;
#[cfg(test)]
mod link_tests;

use clap::Args;
use runtime::queue::{Choice, Decided, OpenReview, ReviewDecision};

use crate::show::time;

pub use link::verify;

/// One answer at a time.
#[derive(Args, Clone, Default)]
pub struct ReviewArguments {
    /// The record in Ticketure is this one in Salesforce.
    #[arg(long, num_args = 3, value_names = ["MAPPING", "SOURCE_ID", "SALESFORCE_ID"], group = "answer")]
    link: Option<Vec<String>>,
    /// It is none of those that are there: a new record is made. A record of Salesforce's is tried again.
    #[arg(long, num_args = 2, value_names = ["MAPPING", "SOURCE_ID"], group = "answer")]
    create: Option<Vec<String>>,
    /// It stays out of Salesforce: what is sent of it does nothing, until it is linked or created. Of a pair that is
    /// linked already, only the question goes.
    #[arg(long, num_args = 2, value_names = ["MAPPING", "SOURCE_ID"], group = "answer")]
    ignore: Option<Vec<String>>,
    /// Replaces a link that is there, although its record is still in Salesforce.
    #[arg(long, requires = "link")]
    pub yes: bool,
    /// Why, for whoever asks later.
    #[arg(long, value_name = "TEXT", requires = "answer")]
    because: Option<String>,
    /// Shows what was decided, the latest first.
    #[arg(long, conflicts_with = "answer")]
    pub decided: bool,
}

impl ReviewArguments {
    /// The answer that is given; none where the list is asked for.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn decision(&self) -> Result<Option<ReviewDecision>, String> {
        let answers = [&self.link, &self.create, &self.ignore];
        let Some(words) = answers.into_iter().flatten().next() else {
            return Ok(None);
        };
        let (mapping, source_id, destination_id) = match words.as_slice() {
            [mapping, source_id] => (mapping, source_id, None),
            [mapping, source_id, destination_id] => (mapping, source_id, Some(destination_id)),
            _ => return Err("an answer names a mapping and a source id".to_owned()),
        };
        let choice = match (destination_id, &self.create) {
            (Some(id), _) => Choice::Link {
                destination_id: id.clone(),
            },
            (None, Some(_)) => Choice::Create,
            (None, None) => Choice::Ignore,
        };
        checked(ReviewDecision {
            mapping: mapping.clone(),
            source_id: source_id.clone(),
            choice,
            because: self.because.clone().unwrap_or_default(),
        })
        .map(Some)
    }
}

/// The answer as it is to be kept, ids in the long form.
///
/// # Errors
/// What is wrong with it, in words.
pub fn checked(mut decision: ReviewDecision) -> Result<ReviewDecision, String> {
    let known = generated::MAPPINGS
        .iter()
        .filter(|known| known.rows_of.is_none());
    let names: Vec<&str> = known.map(|known| known.name).collect();
    if !names.contains(&decision.mapping.as_str()) {
        return Err(format!(
            "there is no mapping {}: name one of {}",
            decision.mapping,
            names.join(", ")
        ));
    }
    let of_salesforce = decision.source_id.starts_with("sf:");
    if of_salesforce && matches!(decision.choice, Choice::Link { .. }) {
        return Err(format!(
            "{} is a record of Salesforce's: link the customer of Ticketure's that it is, by its id there, or --ignore the record",
            decision.source_id
        ));
    }
    if let Choice::Link { destination_id } = &mut decision.choice {
        if !crate::to_salesforce::adopt::is_id(destination_id) {
            return Err(format!(
                "{destination_id} is no id of Salesforce's: that has 15 or 18 letters and digits"
            ));
        }
        *destination_id = runtime::salesforce::normalise(destination_id);
    }
    Ok(decision)
}

/// What happened, in a sentence.
pub fn done(decision: &ReviewDecision, woken: usize) -> String {
    let what = match decision.choice {
        Choice::Link { .. } => "linked",
        Choice::Create => "a new record is made",
        Choice::Ignore => "ignored",
    };
    format!("{what}; {woken} items go on")
}

/// The open questions, the oldest first.
pub fn open(reviews: &[OpenReview]) -> String {
    if reviews.is_empty() {
        return "nothing waits for a decision".to_owned();
    }
    let each = reviews.iter().map(question);
    each.collect::<Vec<_>>().join("\n\n")
}

fn question(review: &OpenReview) -> String {
    let OpenReview {
        mapping, source_id, ..
    } = review;
    let mut text = format!(
        "{mapping} {source_id}, since {}: {}",
        time(review.since_ms),
        review.reason
    );
    if !review.candidates.is_empty() {
        text += &format!("\n  candidates {}", review.candidates.join(", "));
    }
    let of_salesforce = source_id.starts_with("sf:");
    if !of_salesforce {
        let candidate = review.candidates.first();
        let candidate = candidate.map_or("SALESFORCE_ID", String::as_str);
        text += &format!(
            "\n  it is one of them   usher review --link {mapping} {source_id} {candidate}"
        );
        text += &format!("\n  it is a new one     usher review --create {mapping} {source_id}");
    }
    if of_salesforce {
        text += &format!("\n  it is mended        usher review --create {mapping} {source_id}");
    }
    text + &format!("\n  leave it            usher review --ignore {mapping} {source_id}")
}

/// What was decided, as it is given.
pub fn decided(decisions: &[Decided]) -> String {
    if decisions.is_empty() {
        return "nothing was decided yet".to_owned();
    }
    let each = decisions.iter().map(answer);
    each.collect::<Vec<_>>().join("\n")
}

/// One answer in a line or two.
pub fn answer(decided: &Decided) -> String {
    let decision = &decided.decision;
    let choice = match &decision.choice {
        Choice::Link { destination_id } => format!("linked to {destination_id}"),
        Choice::Create => "created as a new record".to_owned(),
        Choice::Ignore => "ignored".to_owned(),
    };
    let mut text = format!(
        "{}  {} {}: {choice}",
        time(decided.at_ms),
        decision.mapping,
        decision.source_id
    );
    if !decision.because.is_empty() {
        text += &format!(", because {}", decision.because);
    }
    if !decided.question.is_empty() {
        text += &format!("\n  asked was: {}", decided.question);
    }
    if !decided.candidates.is_empty() {
        text += &format!(" ({})", decided.candidates.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        review: ReviewArguments,
    }

    fn said(words: &str) -> Result<Option<ReviewDecision>, String> {
        let line = Line::try_parse_from(format!("review {words}").split_whitespace());
        line.map_err(|error| error.to_string())?.review.decision()
    }

    #[test]
    fn an_answer_is_read_and_its_id_is_the_long_one() {
        let decision = said("--link contact i-1 0035e00000AAAAA --because heard")
            .unwrap()
            .unwrap();
        let destination_id = runtime::salesforce::normalise("0035e00000AAAAA");
        assert_eq!(decision.choice, Choice::Link { destination_id });
        assert_eq!(decision.because, "heard");
        assert_eq!(
            said("--create contact i-1").unwrap().unwrap().choice,
            Choice::Create
        );
        assert_eq!(
            said("--ignore contact i-1").unwrap().unwrap().choice,
            Choice::Ignore
        );
        assert_eq!(said(""), Ok(None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        for (words, told) in [
            ("--create contcat i-1", "name one of account"),
            ("--link contact i-1 a-contact", "15 or 18 letters"),
            (
                "--link contact sf:0035e00000AAAAA 0035e00000AAAAB",
                "--ignore the record",
            ),
            (
                "--create contact i-1 --ignore contact i-1",
                "cannot be used with",
            ),
            ("--because heard", "required"),
        ] {
            let refused = said(words).unwrap_err();
            assert!(refused.contains(told), "{words}: {refused}");
        }
    }

    #[test]
    fn a_question_says_since_when_and_what_can_be_answered() {
        let mut review = OpenReview {
            mapping: "contact".to_owned(),
            source_id: "i-1".to_owned(),
            candidates: vec!["003A".to_owned()],
            reason: "Email alone is the same".to_owned(),
            since_ms: 0,
        };
        let text = open(std::slice::from_ref(&review));
        assert!(text.starts_with("contact i-1, since 1970-01-01 00:00:00 UTC: Email alone"));
        for answer in [
            "--link contact i-1 003A",
            "--create contact i-1",
            "--ignore contact i-1",
        ] {
            assert!(text.contains(answer), "{text}");
        }
        review.source_id = "sf:003B".to_owned();
        let text = open(&[review]);
        assert!(!text.contains("--link") && text.contains("--ignore contact sf:003B"));
    }
}
