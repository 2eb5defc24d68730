//! The same router on a socket: bodies compressed both ways, as Salesforce does it, and connections counted.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use http_body_util::BodyExt;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;

use crate::Simulator;

pub(crate) async fn serve<L>(simulator: Simulator, listener: L) -> std::io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let router = Router::new()
        .fallback(answer)
        .with_state(simulator.clone())
        .layer(RequestDecompressionLayer::new())
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    let counted = listener.tap_io(move |_| simulator.lock().connections += 1);
    axum::serve(counted, router).await
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
