//! The tenant's webhooks on their way: late, twice, out of order, by the seed.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How badly the way treats what is sent.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub struct Disorder {
    /// Each delivery waits up to so long, which reorders them.
    pub delay_ms_max: u64,
    /// One in so many is sent twice; 0 is none.
    pub repeat_one_in: u32,
}

/// One request that will be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// After the start.
    pub at_ms: u64,
    pub body: Bytes,
}

/// When each body arrives, and how often, earliest first.
pub fn deliveries(bodies: Vec<Bytes>, disorder: Disorder, seed: u64) -> Vec<Delivery> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Vec::with_capacity(bodies.len());
    for body in bodies {
        let repeated = disorder.repeat_one_in > 0 && random.u32(0..disorder.repeat_one_in) == 0;
        for _ in 0..=usize::from(repeated) {
            all.push(Delivery {
                at_ms: random.u64(0..=disorder.delay_ms_max),
                body: body.clone(),
            });
        }
    }
    all.sort_by_key(|delivery| delivery.at_ms);
    all
}

/// Makes one delivery when its time has come.
pub(crate) async fn deliver(url: String, secret: String, delivery: Delivery) {
    tokio::time::sleep(std::time::Duration::from_millis(delivery.at_ms)).await;
    if let Err(error) = post(&url, &secret, &delivery.body).await {
        eprintln!("the webhook to {url} was not delivered: {error}");
    }
}

/// POSTs a body to `http://host:port/path` and gives the status. Plain HTTP/1.1, one connection a request.
async fn post(url: &str, secret: &str, body: &[u8]) -> io::Result<u16> {
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the address must be http://host:port/path",
        )
    };
    let rest = url.strip_prefix("http://").ok_or_else(bad)?;
    let (host, path) = rest.split_once('/').ok_or_else(bad)?;
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    text.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}
