//! The same router on a socket.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt;

use crate::Simulator;

pub(crate) async fn serve(
    simulator: Simulator,
    listener: tokio::net::TcpListener,
) -> std::io::Result<()> {
    let router = Router::new().fallback(answer).with_state(simulator);
    axum::serve(listener, router).await
}

pub(crate) async fn serve_tls(
    simulator: Simulator,
    listener: crate::tls::TlsListener,
) -> std::io::Result<()> {
    let router = Router::new().fallback(answer).with_state(simulator);
    axum::serve(listener, router).await
}

async fn answer(State(simulator): State<Simulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return lost();
    };
    match simulator
        .call(http::Request::from_parts(parts, body.to_bytes()))
        .await
    {
        Ok(response) => response.map(Body::from),
        Err(crate::Lost) => lost(),
    }
}

/// The head of an answer whose body never comes: the connection closes in the middle.
fn lost() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_LENGTH,
        http::HeaderValue::from_static("1"),
    );
    headers.insert(
        http::header::CONNECTION,
        http::HeaderValue::from_static("close"),
    );
    response
}
