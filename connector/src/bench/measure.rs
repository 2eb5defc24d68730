//! Time, processor and memory of this process, as Linux tells them; elsewhere what is not told stays unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Ticks of /proc/self/stat in a second: the same for all programs on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Durations, in microseconds; none is longer than an hour.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    pub fn with_capacity(count: usize) -> Self {
        Latencies(Vec::with_capacity(count))
    }

    pub fn add(&mut self, duration: Duration) {
        self.add_us(micros(duration));
    }

    pub fn add_us(&mut self, us: u32) {
        self.0.push(us);
    }

    pub fn extend(&mut self, other: &Latencies) {
        self.0.extend_from_slice(&other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// p50, p99 and p99.9 in milliseconds: the smallest value that so many parts of a thousand do not exceed.
    pub fn percentiles(mut self) -> Percentiles {
        self.0.sort_unstable();
        let at = |thousandths: usize| {
            let place = (self.0.len() * thousandths).div_ceil(1000).max(1) - 1;
            self.0.get(place).map(|us| f64::from(*us) / 1000.0)
        };
        Percentiles {
            p50_ms: at(500),
            p99_ms: at(990),
            p999_ms: at(999),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Percentiles {
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub p999_ms: Option<f64>,
}

/// An hour and more is the largest number.
pub fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// From here to there: time, processor, memory.
pub struct Meter {
    start: Instant,
    cpu_s: Option<f64>,
    rss_start_mb: Option<f64>,
    watch: Watch,
}

/// What a meter saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub seconds: f64,
    /// User and system time of the whole process, senders of load and simulator included.
    pub cpu_s: Option<f64>,
    pub rss_start_mb: Option<f64>,
    /// The most that was seen, looked at forty times a second.
    pub rss_peak_mb: Option<f64>,
}

impl Meter {
    pub fn start() -> Meter {
        Meter {
            watch: Watch::start(),
            rss_start_mb: rss_mb(),
            cpu_s: cpu_s(),
            start: Instant::now(),
        }
    }

    pub fn stop(self) -> Used {
        let seconds = self.start.elapsed().as_secs_f64();
        let spent = |start| cpu_s().map(|now| now - start);
        Used {
            seconds,
            cpu_s: self.cpu_s.and_then(spent),
            rss_start_mb: self.rss_start_mb,
            rss_peak_mb: self.watch.stop(),
        }
    }
}

/// A thread that looks at the memory.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Option<f64>>,
}

impl Watch {
    fn start() -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = std::thread::spawn(move || {
            let mut most = rss_mb();
            while !told.load(Ordering::Relaxed) {
                std::thread::park_timeout(LOOK_EVERY);
                most = larger(most, rss_mb());
            }
            most
        });
        Watch { over, thread }
    }

    fn stop(self) -> Option<f64> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_default()
    }
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// User and system time of this process.
fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; state is the first field after it, utime and stime are 11 further.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

/// Memory of this process that is in RAM, in MB of 1,000,000 bytes.
pub fn rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let mut latencies = Latencies::default();
        (1..=1000)
            .rev()
            .for_each(|ms| latencies.add(Duration::from_millis(ms)));
        let found = latencies.percentiles();
        assert_eq!(
            (found.p50_ms, found.p99_ms, found.p999_ms),
            (Some(500.0), Some(990.0), Some(999.0))
        );
        assert_eq!(Latencies::default().percentiles(), Percentiles::default());
        let mut one = Latencies::default();
        one.add_us(7);
        assert_eq!(one.percentiles().p999_ms, Some(0.007));
    }
}
