//! Ids and locators of the recording, and those that the simulator gave in their places.

use std::collections::HashMap;

use serde_json::Value;

use crate::record::shape::Found;

/// Characters of an id without its checksum.
const SHORT: usize = 15;

/// Pairs of what was recorded and what the simulator has there.
#[derive(Default)]
pub struct Ids {
    of_recorded: HashMap<String, String>,
    locators: HashMap<String, String>,
}

impl Ids {
    /// Learns which id of the simulator stands for which of the recording. An id that stands for two is a difference.
    pub fn learn(&mut self, recorded: &Value, live: &Value, pointer: &str, found: &mut Vec<Found>) {
        match (recorded, live) {
            (Value::Object(recorded), Value::Object(live)) => {
                for (name, value) in recorded {
                    let Some(live) = live.get(name) else {
                        continue;
                    };
                    if name == "nextRecordsUrl" {
                        self.learn_locator(value, live);
                    } else {
                        self.learn(value, live, &format!("{pointer}/{name}"), found);
                    }
                }
            }
            (Value::Array(recorded), Value::Array(live)) => {
                for (place, (recorded, live)) in recorded.iter().zip(live).enumerate() {
                    self.learn(recorded, live, &format!("{pointer}/{place}"), found);
                }
            }
            (Value::String(recorded), Value::String(live)) => {
                if let (Some(recorded), Some(live)) = (short(recorded), short(live)) {
                    let known = self.of_recorded.entry(recorded.to_owned());
                    let known = known.or_insert_with(|| live.to_owned());
                    if known != live {
                        let text = "names another record than before".to_owned();
                        found.push((pointer.to_owned(), text));
                    }
                }
            }
            _ => {}
        }
    }

    fn learn_locator(&mut self, recorded: &Value, live: &Value) {
        let last = |url: &Value| Some(url.as_str()?.rsplit('/').next()?.to_owned());
        if let (Some(recorded), Some(live)) = (last(recorded), last(live)) {
            self.locators.insert(recorded, live);
        }
    }

    /// The text with the simulator's ids in the places of the recorded ones.
    pub fn live(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut word = String::new();
        for letter in text.chars().chain(['\0']) {
            if letter.is_ascii_alphanumeric() {
                word.push(letter);
                continue;
            }
            done.push_str(&self.live_word(&word));
            word.clear();
            if letter != '\0' {
                done.push(letter);
            }
        }
        done
    }

    /// A path, whose last part may be a locator.
    pub fn live_path(&self, path: &str) -> String {
        let live = path
            .rsplit_once('/')
            .and_then(|(before, last)| Some(format!("{before}/{}", self.locators.get(last)?)));
        live.unwrap_or_else(|| self.live(path))
    }

    fn live_word(&self, word: &str) -> String {
        let live = short(word).and_then(|short| self.of_recorded.get(short));
        match live {
            Some(live) if word.len() == SHORT => live.clone(),
            Some(live) => runtime::salesforce::normalise(live),
            None => word.to_owned(),
        }
    }
}

/// The part of an id whose case counts.
fn short(text: &str) -> Option<&str> {
    let is_id = matches!(text.len(), 15 | 18)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().take(3).any(|byte| byte.is_ascii_digit());
    text.get(..SHORT).filter(|_| is_id)
}
