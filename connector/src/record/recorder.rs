//! The seam that writes down what passes through it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use runtime::http::{Transport, TransportError};

use super::exchange::{self, Exchange, FixtureError};
use super::redact::Redactor;

/// A transport that stores each exchange, redacted, as a file of its folder.
pub struct Recorder {
    inner: Arc<dyn Transport>,
    folder: PathBuf,
    state: Mutex<State>,
}

struct State {
    redactor: Redactor,
    /// Question that the next exchanges answer.
    question: Option<String>,
    written: usize,
    /// Error that has ended the recording.
    failed: Option<FixtureError>,
}

impl Recorder {
    /// Records into the folder, which has to be empty.
    ///
    /// # Errors
    /// When the folder is not empty, or cannot be made.
    pub fn new(
        inner: Arc<dyn Transport>,
        folder: PathBuf,
        redactor: Redactor,
    ) -> Result<Self, FixtureError> {
        exchange::prepare(&folder)?;
        let state = State {
            redactor,
            question: None,
            written: 0,
            failed: None,
        };
        Ok(Recorder {
            inner,
            folder,
            state: Mutex::new(state),
        })
    }

    /// Names the question that the next exchanges answer, and the values in them that are nobody's.
    pub fn ask(&self, question: &str, own_values: impl IntoIterator<Item = String>) {
        let mut state = self.state();
        state.question = Some(question.to_owned());
        state.redactor.keep(own_values);
    }

    /// Count of exchanges on the disk.
    ///
    /// # Errors
    /// When one of them could not be written.
    pub fn written(&self) -> Result<usize, FixtureError> {
        let mut state = self.state();
        match state.failed.take() {
            Some(failed) => Err(failed),
            None => Ok(state.written),
        }
    }

    fn note(&self, request: &Request<Bytes>, answer: &Response<Bytes>) {
        let mut state = self.state();
        if state.failed.is_some() {
            return;
        }
        let exchange = Exchange {
            version: exchange::VERSION,
            question: state.question.clone(),
            request: state.redactor.request(request),
            answer: state.redactor.answer(request.uri().path(), answer),
        };
        let number = state.written + 1;
        match exchange::write(&self.folder, number, &exchange) {
            Ok(()) => state.written = number,
            Err(failed) => {
                tracing::error!(error = %failed, "nothing more is recorded");
                state.failed = Some(failed);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let asked = request.clone();
        let answer = self.inner.send(request).await?;
        self.note(&asked, &answer);
        Ok(answer)
    }
}
