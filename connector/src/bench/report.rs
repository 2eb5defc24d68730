//! One line of figures, for people or for programs.

use serde_json::{Map, Value, json};

use super::measure::{Latencies, Used};

/// The figures of one bench.
pub struct Report {
    bench: &'static str,
    figures: Vec<(&'static str, Value)>,
    /// What is counted and what is not.
    notes: Vec<&'static str>,
}

impl Report {
    pub fn new(bench: &'static str) -> Report {
        Report {
            bench,
            figures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A figure, rounded to what it is good for; nothing stands for what is not known.
    pub fn with(mut self, name: &'static str, value: impl Into<Figure>) -> Report {
        self.figures.push((name, value.into().0));
        self
    }

    pub fn note(mut self, note: &'static str) -> Report {
        self.notes.push(note);
        self
    }

    /// How many, in which time, and how long each took.
    pub fn pace(self, items: usize, seconds: f64, latencies: Latencies) -> Report {
        let percentiles = latencies.percentiles();
        self.with("throughput_per_s", items as f64 / seconds.max(1e-9))
            .with("p50_ms", percentiles.p50_ms)
            .with("p99_ms", percentiles.p99_ms)
            .with("p999_ms", percentiles.p999_ms)
    }

    /// Time, processor and memory.
    pub fn used(self, used: Used, items: usize) -> Report {
        let each_us = used.cpu_s.map(|cpu| cpu * 1e6 / items.max(1) as f64);
        self.with("seconds", used.seconds)
            .with("cpu_s", used.cpu_s)
            .with("cpu_us_per_item", each_us)
            .with("rss_start_mb", used.rss_start_mb)
            .with("rss_peak_mb", used.rss_peak_mb)
    }

    /// API calls, in all and for each thousand records.
    pub fn calls(self, calls: u64, records: usize) -> Report {
        let per_1000 = calls as f64 * 1000.0 / records.max(1) as f64;
        self.with("api_calls", calls)
            .with("api_calls_per_1000", per_1000)
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else {
            println!("{}", self.text());
        }
    }

    fn json(&self) -> Value {
        let mut line = Map::new();
        line.insert("bench".to_owned(), Value::from(self.bench));
        for (name, value) in &self.figures {
            line.insert((*name).to_owned(), value.clone());
        }
        if !self.notes.is_empty() {
            line.insert("notes".to_owned(), json!(self.notes));
        }
        Value::Object(line)
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.bench);
        for (name, value) in &self.figures {
            text += &format!("  {name:<22} {}\n", shown(value));
        }
        for note in &self.notes {
            text += &format!("  ({note})\n");
        }
        text
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not known here".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value of a report.
pub struct Figure(Value);

impl From<f64> for Figure {
    fn from(value: f64) -> Figure {
        let digits: f64 = match value.abs() {
            small if small < 10.0 => 1000.0,
            middle if middle < 1000.0 => 10.0,
            _ => 1.0,
        };
        Figure(json!((value * digits).round() / digits))
    }
}

impl From<Option<f64>> for Figure {
    fn from(value: Option<f64>) -> Figure {
        value.map_or(Figure(Value::Null), Figure::from)
    }
}

impl From<u64> for Figure {
    fn from(value: u64) -> Figure {
        Figure(Value::from(value))
    }
}

impl From<usize> for Figure {
    fn from(value: usize) -> Figure {
        Figure(Value::from(value))
    }
}

impl From<String> for Figure {
    fn from(value: String) -> Figure {
        Figure(Value::from(value))
    }
}
