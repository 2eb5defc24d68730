//! What is said of a scenario that was played: one line when all is well, else what is otherwise, and how to play just it.

use std::fmt::Write;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::file::Scenario;
use super::tree::Mistake;

/// One order that was played.
pub struct Played {
    pub seed: u64,
    /// The end, as text.
    pub state: String,
    pub faults: Vec<Mistake>,
    pub story: Vec<String>,
}

/// All orders of a scenario; the first is that of the file.
#[derive(Default)]
pub struct Verdict {
    pub orders: Vec<Played>,
    /// Why it could not be played.
    pub failed: Option<String>,
    pub took: Duration,
}

impl Verdict {
    pub fn is_right(&self) -> bool {
        let mut ends = self.orders.iter().map(|played| &played.state);
        let first = ends.next();
        self.failed.is_none()
            && ends.all(|end| Some(end) == first)
            && self.orders.iter().all(|played| played.faults.is_empty())
    }
}

/// Prints it; says whether all is well.
pub fn print(scenario: &Scenario, npsp: bool, verdict: &Verdict, show: bool) -> bool {
    let name = scenario.path.display();
    let org = if npsp { "with NPSP" } else { "without NPSP" };
    let mut text = String::new();
    if show {
        for played in &verdict.orders {
            let _ = writeln!(text, "{name} {org}, seed {}", played.seed);
            for line in &played.story {
                let _ = writeln!(text, "  {line}");
            }
            text += &played.state;
        }
    }
    let right = verdict.is_right();
    let word = if right { "ok" } else { "FAILED" };
    let (orders, took) = (verdict.orders.len(), verdict.took.as_secs_f64());
    let _ = writeln!(text, "{word:6} {name} {org}: {orders} orders, {took:.1} s");
    if !right {
        text += &wrong(scenario, npsp, verdict);
    }
    print!("{text}");
    right
}

fn wrong(scenario: &Scenario, npsp: bool, verdict: &Verdict) -> String {
    let name = scenario.path.display();
    let features: Vec<&str> = scenario
        .features
        .iter()
        .map(|(_, name)| name.as_str())
        .collect();
    let mut text = format!("  {} ({})\n", scenario.sentence, features.join(", "));
    if let Some(error) = &verdict.failed {
        let _ = writeln!(text, "  it could not be played: {error}");
    }
    let (Some(first), Some(last)) = (verdict.orders.first(), verdict.orders.last()) else {
        return text;
    };
    for fault in &last.faults {
        let _ = writeln!(text, "  {name}:{}: {}", fault.line, fault.message);
    }
    if first.state != last.state {
        let _ = writeln!(
            text,
            "  the end in the order of the file (-), and with seed {} (+):",
            last.seed
        );
        text += &difference(&first.state, &last.state);
    }
    let seed = last.seed.max(1);
    let orders = u64::from(last.seed != 0);
    let _ = writeln!(
        text,
        "  to play just it: usher scenarios {name} --npsp {npsp} --seed {seed} --orders {orders} --show"
    );
    text
}

/// The lines that differ, with a few around them.
fn difference(one: &str, other: &str) -> String {
    let mut text = String::new();
    let difference = TextDiff::from_lines(one, other);
    for group in difference.grouped_ops(3) {
        for change in group.iter().flat_map(|op| difference.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = write!(text, "    {sign} {}", change.value());
        }
        text += "    ...\n";
    }
    text
}

/// The last line.
pub fn summary(played: usize, failed: usize, mistaken: usize) -> String {
    let mut text = format!("{played} played, {} right", played - failed);
    if failed > 0 {
        let _ = write!(text, ", {failed} ended otherwise");
    }
    if mistaken > 0 {
        let _ = write!(text, "; {mistaken} files are mistaken, which is said above");
    }
    text
}
