//! An HTTP/1.1 server that does what it is told, byte by byte.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time,
};

/// What the server does with a connection, one after the other. At the end it closes it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes these bytes so many times, as long as somebody reads them.
    Flood(Vec<u8>, usize),
    /// Writes these bytes one by one, with this time before each.
    Drip(Vec<u8>, Duration),
    /// Waits until the client is gone.
    UntilGone,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Heard {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A server on loopback. Ends when it is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    gone: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl ScriptedServer {
    /// Answers request number `n`, from 0, as `script` says.
    ///
    /// # Errors
    /// Where no port of loopback can be listened on.
    pub async fn start(
        script: impl Fn(usize, &Heard) -> Vec<Step> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::default());
        let (going, gone) = watch::channel(0);
        let script = Arc::new(script);
        let task = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (heard, script) = (Arc::clone(&heard), Arc::clone(&script));
                    let going = going.clone();
                    tokio::spawn(async move {
                        // An error is a client that has gone.
                        let _ = serve(stream, &heard, &*script).await;
                        going.send_modify(|gone| *gone += 1);
                    });
                }
            }
        });
        Ok(Self {
            address,
            heard,
            gone,
            task,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        held(&self.heard).clone()
    }

    /// Ready when so many connections are over.
    pub async fn connections_over(&self, number: usize) {
        // The sender lives as long as the server does.
        let mut gone = self.gone.clone();
        let _ = gone.wait_for(|gone| *gone >= number).await;
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with these headers and a true length.
pub fn reply(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    vec![Step::Write([head.as_bytes(), body].concat())]
}

/// A good answer with JSON in it.
pub fn json(body: &[u8]) -> Vec<Step> {
    reply("200 OK", &[("content-type", "application/json")], body)
}

async fn serve(
    mut stream: TcpStream,
    heard: &Mutex<Vec<Heard>>,
    script: &(dyn Fn(usize, &Heard) -> Vec<Step> + Send + Sync),
) -> io::Result<()> {
    let request = read(&mut stream).await?;
    let number = {
        let mut heard = held(heard);
        heard.push(request.clone());
        heard.len() - 1
    };
    for step in script(number, &request) {
        match step {
            Step::Write(bytes) => stream.write_all(&bytes).await?,
            Step::Flood(bytes, times) => {
                for _ in 0..times {
                    stream.write_all(&bytes).await?;
                }
            }
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    time::sleep(pause).await;
                    stream.write_all(&[byte]).await?;
                }
            }
            Step::UntilGone => while stream.read(&mut [0; 64]).await? > 0 {},
        }
    }
    stream.shutdown().await
}

/// Reads one request with a body of a stated length, or without one.
async fn read(stream: &mut TcpStream) -> io::Result<Heard> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let mut whole = None;
    loop {
        if whole.is_none() {
            whole = head_of(&bytes);
        }
        if let Some((head, end, length)) = &whole
            && bytes.len() >= end + length
        {
            let body = bytes.split_off(*end);
            return Ok(Heard {
                head: head.clone(),
                body,
            });
        }
        let length = stream.read(&mut piece).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend(piece.iter().take(length));
    }
}

/// The head, where it ends, and how long the body is.
fn head_of(bytes: &[u8]) -> Option<(String, usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let heard = Heard {
        head,
        body: Vec::new(),
    };
    let length = heard.header("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    Some((heard.head, end, length))
}

fn held(heard: &Mutex<Vec<Heard>>) -> MutexGuard<'_, Vec<Heard>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
