//! Whoever sends the load: HTTP/1.1 on connections that stay open, as cheap as it can be, so that the receiver and not
//! the sender is measured. It has a thread of its own, and sends to ours and to the bare receivers alike.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;
use super::measure::Latencies;

/// An answer of ours has some two hundred bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Appends the body of the request with this number, counted from 0.
pub type Body = Arc<dyn Fn(usize, &mut Vec<u8>) + Send + Sync>;

pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub requests: usize,
    pub body: Body,
    /// Requests a second; as fast as they are answered without.
    pub rate: Option<f64>,
}

/// How it went.
#[derive(Default)]
pub struct Answered {
    pub seconds: f64,
    /// From when a request was sent, or with a rate was due, until its answer was there.
    pub latencies: Latencies,
    /// Answers other than 202.
    pub refused: usize,
    /// When the first request was sent.
    pub start: Option<Instant>,
}

/// Sends all of it from a thread of its own.
pub async fn send(load: Load) -> Result<Answered, Failure> {
    let (done, answered) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(all(load)),
            Err(error) => Err(Failure::from(error)),
        };
        let _ = done.send(result);
    });
    answered.await.map_err(|_| "the sender of the load ended")?
}

async fn all(load: Load) -> Result<Answered, Failure> {
    let load = Arc::new(load);
    let next = Arc::new(AtomicUsize::new(0));
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let stream = TcpStream::connect(load.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let start = Instant::now();
    let senders: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(one(load.clone(), next.clone(), stream, start)))
        .collect();
    let mut answered = Answered {
        latencies: Latencies::with_capacity(load.requests),
        start: Some(start),
        ..Answered::default()
    };
    for sender in senders {
        let (latencies, refused) = sender.await??;
        answered.latencies.extend(&latencies);
        answered.refused += refused;
    }
    answered.seconds = start.elapsed().as_secs_f64();
    Ok(answered)
}

/// One connection: the next request as soon as the one before is answered.
async fn one(
    load: Arc<Load>,
    next: Arc<AtomicUsize>,
    mut stream: TcpStream,
    start: Instant,
) -> Result<(Latencies, usize), Failure> {
    let mut latencies = Latencies::default();
    let mut refused = 0;
    let (mut request, mut body) = (Vec::new(), Vec::new());
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.requests {
            return Ok((latencies, refused));
        }
        body.clear();
        (load.body)(number, &mut body);
        write_request(&mut request, &body);
        let sent = match load.rate {
            None => Instant::now(),
            Some(rate) => {
                let due = due(start, number, rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        stream.write_all(&request).await?;
        if read_answer(&mut stream, &mut answer).await? != 202 {
            refused += 1;
        }
        latencies.add(sent.elapsed());
    }
}

/// When a request is to be sent.
pub fn due(start: Instant, number: usize, rate: f64) -> Instant {
    start + Duration::from_secs_f64(number as f64 / rate)
}

fn write_request(request: &mut Vec<u8>, body: &[u8]) {
    request.clear();
    request.extend_from_slice(
        b"POST /webhooks HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer demo\r\ncontent-type: application/json\r\ncontent-length: ",
    );
    request.extend_from_slice(body.len().to_string().as_bytes());
    request.extend_from_slice(b"\r\n\r\n");
    request.extend_from_slice(body);
}

/// Reads one answer to its end and gives its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<u16, Failure> {
    let mut filled = 0;
    loop {
        let free = buffer.get_mut(filled..).unwrap_or_default();
        if free.is_empty() {
            return Err("the answer is longer than any of ours".into());
        }
        let read = stream.read(free).await?;
        if read == 0 {
            return Err("the receiver closed the connection".into());
        }
        filled += read;
        let so_far = buffer.get(..filled).unwrap_or_default();
        if let Some(status) = whole(so_far) {
            return Ok(status);
        }
    }
}

/// The status, once head and body are there.
fn whole(answer: &[u8]) -> Option<u16> {
    let head_ends = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(answer.get(..head_ends)?).ok()?;
    let length = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let status = head.get(9..12)?.parse().ok()?;
    (answer.len() >= head_ends + length).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(whole(answer), Some(202));
        assert_eq!(whole(&answer[..answer.len() - 1]), None);
        assert_eq!(whole(&answer[..20]), None);
        assert_eq!(whole(b"HTTP/1.1 429 Too\r\n\r\n"), Some(429));
    }
}
