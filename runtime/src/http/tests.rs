//! The real network against a socket that answers what it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use http::Request;

use super::*;

/// A request as it came: its head in small letters, and its body.
type Came = (String, Vec<u8>);

/// Answers the requests of one connection, one after the other; gives what came.
fn serving(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<Came>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = |answer: Vec<u8>| {
            let came = request(&mut stream);
            stream.write_all(&answer).unwrap();
            came
        };
        answers.into_iter().map(answer).collect()
    });
    (address, serving)
}

fn request(stream: &mut TcpStream) -> Came {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    GzEncoder::new(text.as_bytes(), Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

fn post(address: &str, body: &str) -> Request<Bytes> {
    Request::post(address)
        .extension(TakesGzip)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn bodies_go_and_come_compressed_on_one_connection() {
    let long = r#"{"LastName":"Lovelace"}"#.repeat(200);
    let packed = answer("200 OK\r\ncontent-encoding: gzip", &gzip(&long));
    let (address, serving) = serving(vec![packed, answer("200 OK", b"plain")]);
    let network = HttpTransport::new().unwrap();
    let first = network.send(post(&address, &long)).await.unwrap();
    assert_eq!(first.body(), long.as_bytes());
    let second = network.send(post(&address, "short")).await.unwrap();
    assert_eq!(&second.body()[..], b"plain");

    let came = serving.join().unwrap();
    let (head, body) = &came[0];
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(head.contains("accept-encoding: gzip"), "{head}");
    assert!(body.len() < long.len() / 10, "{} bytes", body.len());
    let mut text = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, long);
    let (head, body) = &came[1];
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(body, b"short");
}

#[tokio::test]
async fn who_does_not_take_compressed_bodies_gets_none() {
    let long = "a".repeat(10_000);
    let (address, serving) = serving(vec![answer("200 OK", b"")]);
    let request = Request::post(&address)
        .body(Bytes::from(long.clone()))
        .unwrap();
    HttpTransport::new().unwrap().send(request).await.unwrap();
    assert_eq!(serving.join().unwrap()[0].1, long.as_bytes());
}

#[tokio::test]
async fn nobody_is_sent_on_to_another_address() {
    let (address, serving) = serving(vec![answer("302 Found\r\nlocation: /elsewhere", b"")]);
    let network = HttpTransport::new().unwrap();
    let answer = network.send(post(&address, "x")).await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(serving.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_port_that_nobody_listens_to_was_surely_not_written_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/?secret=1", listener.local_addr().unwrap());
    drop(listener);
    let network = HttpTransport::new().unwrap();
    let error = network.send(post(&address, "x")).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_lost() {
    let (address, serving) = serving(vec![
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
    ]);
    let network = HttpTransport::new().unwrap();
    let error = network.send(post(&address, "x")).await.unwrap_err();
    assert!(matches!(error, TransportError::Lost { .. }), "{error}");
    serving.join().unwrap();
}

#[tokio::test]
async fn nothing_may_come_compressed_too() {
    let gzip = "\r\ncontent-encoding: gzip";
    let (address, serving) = serving(vec![
        answer(&format!("200 OK{gzip}"), b""),
        format!("HTTP/1.1 204 No Content{gzip}\r\n\r\n").into_bytes(),
        answer(&format!("200 OK{gzip}"), b"not gzip at all"),
    ]);
    let network = HttpTransport::new().unwrap();
    for _ in 0..2 {
        let answer = network.send(post(&address, "x")).await.unwrap();
        assert!(answer.body().is_empty());
    }
    let error = network.send(post(&address, "x")).await.unwrap_err();
    assert!(matches!(error, TransportError::Lost { .. }), "{error}");
    serving.join().unwrap();
}
