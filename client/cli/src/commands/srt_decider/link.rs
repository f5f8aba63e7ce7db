//! The decider's side of the talk with the proxy.

use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    task::JoinSet,
};
use valetkey_sdk::Code;

use super::{
    broken::Broken,
    frame::{Frames, frame},
    hosts::Host,
    protocol::{Answer, Greeting, Request, Verdict, hello},
};

/// Most requests that are decided at once; more are refused at once.
const MOST: usize = 256;

/// Answers the proxy's hello and then each request as `decide` says, until the proxy ends the talk.
///
/// Answers go out as they come, in any order. While the proxy does not read them nothing more is read of it,
/// and what is being decided is at most [`MOST`].
pub(super) async fn speak<D, F>(
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    hosts: &[Host],
    decide: D,
) -> Result<(), Broken>
where
    D: Fn(Request) -> F,
    F: Future<Output = Result<(), Code>> + Send + 'static,
{
    let mut frames = Frames::new(from);
    let Some(first) = frames.next().await? else {
        return Ok(());
    };
    hello(&first)?;
    say(&mut to, &Greeting::new(hosts)).await?;
    let (mut deciding, mut last) = (JoinSet::new(), 0);
    loop {
        tokio::select! {
            biased;
            Some(decided) = deciding.join_next() => {
                // Of one that did not come to its end nothing is said: the proxy refuses it when its time is up.
                if let Ok((id, decided)) = decided {
                    say(&mut to, &Verdict::new(id, Answer::from(decided))).await?;
                }
            }
            next = frames.next() => {
                let Some(next) = next? else {
                    return Ok(());
                };
                let request = Request::read(&next, last)?;
                last = request.id;
                if deciding.len() < MOST {
                    let decision = decide(request);
                    deciding.spawn(async move { (last, decision.await) });
                } else {
                    let busy = Answer::from(Err(Code::TooManyRequests));
                    say(&mut to, &Verdict::new(last, busy)).await?;
                }
            }
        }
    }
}

async fn say(to: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> Result<(), Broken> {
    let json = serde_json::to_vec(what).map_err(std::io::Error::from)?;
    to.write_all(&frame(&json)?).await?;
    Ok(to.flush().await?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use tokio::{
        io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, split},
        sync::Semaphore,
        task::JoinHandle,
    };
    use valetkey_sdk::Code;

    use super::{Broken, Frames, Host, MOST, Request, frame, speak};

    /// The proxy's side.
    struct Proxy {
        frames: Frames<ReadHalf<DuplexStream>>,
        to: WriteHalf<DuplexStream>,
        decider: JoinHandle<Result<(), Broken>>,
    }

    impl Proxy {
        /// With a decider that lets GET go at once, refuses POST, and lets PUT wait for `gate`.
        fn start(gate: &Arc<Semaphore>) -> Self {
            let (own, other) = tokio::io::duplex(1 << 20);
            let gate = Arc::clone(gate);
            let decider = tokio::spawn(async move {
                let (from, to) = split(other);
                let hosts = [Host::parse("a.example.com").unwrap()];
                let decide = move |request: Request| {
                    let gate = Arc::clone(&gate);
                    async move {
                        match request.method.as_str() {
                            "PUT" => gate.acquire().await.unwrap().forget(),
                            "POST" => return Err(Code::Denied),
                            _ => {}
                        }
                        Ok(())
                    }
                };
                speak(from, to, &hosts, decide).await
            });
            let (from, to) = split(own);
            Self {
                frames: Frames::new(from),
                to,
                decider,
            }
        }

        async fn greeted(gate: &Arc<Semaphore>) -> Self {
            let mut proxy = Self::start(gate);
            proxy.say(&json!({ "t": "hello", "proto": 1 })).await;
            assert_eq!(proxy.hear().await["allowedDomains"][0], "a.example.com");
            proxy
        }

        async fn say(&mut self, what: &Value) {
            let frame = frame(what.to_string().as_bytes()).unwrap();
            self.to.write_all(&frame).await.unwrap();
        }

        async fn ask(&mut self, id: u64, method: &str) {
            self.say(&json!({
                "t": "req", "id": id, "method": method, "host": "a.example.com", "port": 80, "path": "/",
            }))
            .await;
        }

        async fn hear(&mut self) -> Value {
            let frame = self.frames.next().await.unwrap().unwrap();
            serde_json::from_slice(&frame).unwrap()
        }

        /// What the decider ends with, and that it says nothing more.
        async fn end(mut self) -> Result<(), Broken> {
            let ended = self.decider.await.unwrap();
            assert!(self.frames.next().await.unwrap().is_none());
            ended
        }
    }

    #[tokio::test]
    async fn whoever_waits_keeps_nobody_else_waiting() {
        let gate = closed();
        let mut proxy = Proxy::greeted(&gate).await;
        proxy.ask(1, "PUT").await;
        proxy.ask(2, "POST").await;
        proxy.ask(5, "GET").await;
        let mut heard = [proxy.hear().await, proxy.hear().await];
        heard.sort_by_key(|verdict| verdict["id"].as_u64());
        assert_eq!(
            (&heard[0]["id"], &heard[0]["status"]),
            (&json!(2), &json!(403))
        );
        assert_eq!(
            heard[1],
            json!({ "t": "verdict", "id": 5, "action": "allow" })
        );
        gate.add_permits(1);
        assert_eq!(proxy.hear().await["id"], 1);
        proxy.to.shutdown().await.unwrap();
        assert!(proxy.end().await.is_ok());
    }

    #[tokio::test]
    async fn past_the_most_that_are_decided_at_once_all_are_refused() {
        let gate = closed();
        let mut proxy = Proxy::greeted(&gate).await;
        let most = u64::try_from(MOST).unwrap();
        for id in 1..=most + 1 {
            proxy.ask(id, "PUT").await;
        }
        let refused = proxy.hear().await;
        assert_eq!(
            (&refused["id"], &refused["status"]),
            (&json!(most + 1), &json!(429))
        );
        gate.add_permits(MOST);
        for _ in 0..MOST {
            assert_eq!(proxy.hear().await["action"], "allow");
        }
        proxy.ask(most + 2, "GET").await;
        assert_eq!(proxy.hear().await["id"], most + 2);
    }

    #[tokio::test]
    async fn nothing_is_said_before_the_proxy_said_hello_in_this_version() {
        for (first, version) in [
            (json!({ "t": "hello", "proto": 2 }), true),
            (json!({ "t": "hello", "proto": 1, "more": 1 }), false),
            (json!({ "t": "req", "id": 1 }), false),
        ] {
            let mut proxy = Proxy::start(&closed());
            proxy.say(&first).await;
            let ended = proxy.end().await.unwrap_err();
            assert_eq!(matches!(ended, Broken::Version(2)), version, "{first}");
        }
    }

    #[tokio::test]
    async fn a_broken_frame_ends_it_and_what_was_asked_before_stays_unanswered() {
        let broken: [&[u8]; 4] = [
            b"\0\0\0\x02[]",
            b"\0\0\0\x01{",
            b"\xff\xff\xff\xff",
            b"\0\0\0\x09",
        ];
        for bytes in broken {
            let gate = closed();
            let mut proxy = Proxy::greeted(&gate).await;
            proxy.ask(1, "PUT").await;
            proxy.to.write_all(bytes).await.unwrap();
            proxy.to.shutdown().await.unwrap();
            assert!(matches!(proxy.end().await, Err(Broken::Rule(_))));
        }
    }

    #[tokio::test]
    async fn an_id_is_used_once() {
        let mut proxy = Proxy::greeted(&closed()).await;
        proxy.ask(1, "GET").await;
        assert_eq!(proxy.hear().await["id"], 1);
        proxy.ask(1, "GET").await;
        assert!(matches!(proxy.end().await, Err(Broken::Rule(_))));
    }

    /// Nobody gets through.
    fn closed() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(0))
    }
}
