//! One connection, from its first byte to its last.

use std::{convert::Infallible, pin::pin};

use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use valetkey_codes::Code;
use valetkey_core::Refusal;

use super::{Allowance, Ending, calls::Calls, meter::Meter};
use crate::{
    Limits,
    status::{Form, Reference},
};

/// Length of the HTTP/2 preface: until that much was read, it is not known what is spoken.
const PREFACE: u64 = 24;
/// Most headers in one HTTP/1.1 request.
const HEADERS: usize = 64;
/// What one HTTP/2 stream, and one connection, may send before it is read.
const STREAM_WINDOW: u32 = 65_535;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// What is said on a connection.
pub(crate) trait Answers: Clone + Send + Sync + 'static {
    /// Answers one request. Dropped when the caller goes away or the door is cut.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;

    /// A reference for a request that is refused before it is answered.
    fn reference(&self) -> Reference;
}

/// Serves HTTP/1.1 and HTTP/2 with prior knowledge on `stream` until the peer leaves, falls silent or
/// `ending` says so. When this is ready the stream is closed and no call of it runs.
pub(crate) async fn serve<S, A>(stream: S, answers: A, limits: &Limits, ending: &Ending)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Answers,
{
    let calls = Calls::under(&ending.cut);
    let meter = Meter::default();
    let stream = TokioIo::new(meter.on(stream));
    let service = service_fn(|mut request: Request<Incoming>| {
        let under_way = calls.begin();
        let (answers, stopping) = (answers.clone(), ending.stopping.clone());
        let within = limits.request_timeout;
        async move {
            let form = Form::of(&request);
            let response = if stopping.is_cancelled() {
                refuse(&answers, form, Code::ShuttingDown)
            } else {
                let allowance = Allowance::default();
                request.extensions_mut().insert(allowance.clone());
                let answer = allowance.bound(within, answers.answer(request)).await;
                answer.unwrap_or_else(|| refuse(&answers, form, Code::DeadlineExceeded))
            };
            drop(under_way);
            Ok::<_, Infallible>(response)
        }
    });
    {
        let builder = protocol(calls.clone(), limits);
        let mut connection = pin!(builder.serve_connection(stream, service));
        tokio::select! {
            biased;
            () = calls.cut() => {}
            // A protocol error has been answered as far as it can be.
            _ = connection.as_mut() => {}
            () = silence(&meter, &calls, limits) => {}
            () = ending.closing.cancelled() => {
                if !calls.is_empty() {
                    connection.as_mut().graceful_shutdown();
                    finish(connection, &calls).await;
                }
            }
            () = ending.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                finish(connection, &calls).await;
            }
        }
    }
    calls.end().await;
}

/// Lets the calls that run finish, and no longer than until they are cut.
async fn finish(connection: impl Future, calls: &Calls) {
    tokio::select! {
        biased;
        () = calls.cut() => {}
        _ = connection => {}
    }
}

fn refuse(answers: &impl Answers, form: Form, code: Code) -> Response<Body> {
    form.refuse(&Refusal::new(code), answers.reference())
}

fn protocol(calls: Calls, limits: &Limits) -> auto::Builder<Calls> {
    let mut builder = auto::Builder::new(calls);
    let head = usize::try_from(limits.head).unwrap_or(usize::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(HEADERS)
        // hyper does not go below 8 KiB.
        .max_buf_size(head.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head)
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

/// Ready when the peer has said too little for too long.
async fn silence(meter: &Meter, calls: &Calls, limits: &Limits) {
    tokio::time::sleep(limits.head_timeout).await;
    if meter.read() < PREFACE && calls.is_empty() {
        return;
    }
    loop {
        let before = meter.read();
        tokio::time::sleep(limits.idle_timeout).await;
        if meter.read() == before && calls.is_empty() {
            return;
        }
    }
}
