//! A proxy whose gate allows one host, and what came of it.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::BorrowedFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::runtime::Runtime;
use valetkey_codes::Code;
use valetkey_core::{
    Boot, Caller, CredentialName, Injection, Moment, Pins, Placement, Refusal, SessionId,
    network::{HostName, Origin, OriginPattern, Scheme, Target},
    ports::{Answer, CallerError, Callers, Mismatch},
};
use valetkey_egress::{
    Egress, Entry, Gate, Lenders, Limits, Loan, Options, Resolve, Sent, Used, Way,
    fuzzing::{self, Next, Proxy, Where},
};
use valetkey_inject::Placeholders;
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use crate::{
    far::{Far, Request},
    forms::{PLACEHOLDER, USER, VALUE},
    near::{Manner, Near},
    strict::{Framing, Head},
};

/// The one host.
pub const HOST: &str = "api.test";
/// Most that is held of a body to put a value into it, in bytes.
const HELD: usize = 4096;
const NOW: Moment = Moment {
    unix_ms: 1_700_000_000_000,
    boot_us: 1_000_000,
    boot: Boot(1),
};
/// In how many ways the value may be put into requests.
pub const WAYS: u8 = 9;

/// What is the case, and what was seen.
#[derive(Default)]
pub struct World {
    way: u8,
    slow: bool,
    /// Requests that were allowed and have not arrived.
    allowed: VecDeque<(String, String)>,
    /// Those that have, in order.
    pub arrived: Vec<Request>,
}

impl World {
    /// A head has arrived at the origin.
    pub fn head(&mut self, head: &Head, framing: Framing) {
        let [method, target, version] = &head.line;
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        assert!(method.bytes().all(plain), "{head:?}");
        assert!(
            !["CONNECT", "TRACE", "TRACK"].contains(&method.as_str()),
            "{head:?}"
        );
        assert!(target.starts_with('/') && !target.contains('#'), "{head:?}");
        assert_eq!(version, "HTTP/1.1");
        let path = target.split('?').next().unwrap_or_default();
        assert!(!path.starts_with("/no"), "the gate denies this: {head:?}");
        // What was allowed before this may be refused still, or come later over HTTP/2.
        let moved = self.way == 7;
        let mut allowed = self.allowed.iter();
        match allowed.position(|(of, at)| of == method && (at == path || moved)) {
            Some(position) => drop(self.allowed.remove(position)),
            None => {
                assert!(self.is_again(head), "nobody allowed this: {head:?}");
                return;
            }
        }
        let hosts: Vec<_> = head.all("host").collect();
        assert_eq!(hosts, [HOST.as_bytes()], "{head:?}");
        for name in [
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "proxy-authenticate",
            "expect",
            "http2-settings",
        ] {
            assert!(!head.has(name), "{name} is for one hop: {head:?}");
        }
        assert!(head.all("te").all(|te| te == b"trailers"), "{head:?}");
        let switches = head.has("upgrade");
        let upgrade: Vec<_> = head.all("upgrade").collect();
        let connection: Vec<_> = head.all("connection").collect();
        if switches {
            assert_eq!(
                (&upgrade[..], &connection[..]),
                (&[&b"websocket"[..]][..], &[&b"upgrade"[..]][..])
            );
            assert_eq!(
                (method.as_str(), framing),
                ("GET", Framing::Nothing),
                "{head:?}"
            );
        } else {
            assert!(connection.is_empty(), "{head:?}");
        }
        self.arrived.push(Request {
            head: head.clone(),
            body: Default::default(),
            raw: Vec::new(),
        });
    }

    /// Whether it was sent before, to a connection that ended without an answer, and may be sent twice.
    fn is_again(&self, head: &Head) -> bool {
        let [method, target, _] = &head.line;
        let may = ["GET", "HEAD", "OPTIONS", "PUT"].contains(&method.as_str());
        let empty = matches!(head.framing(), Ok(Framing::Nothing | Framing::Length(0)));
        let mut before = self.arrived.iter();
        let came = before.any(|one| one.head.line == head.line && one.head.fields == head.fields);
        may && empty && came && target.contains("/gone")
    }

    /// More of the last request's body.
    pub fn body(&mut self, request: &Request) {
        for (name, _) in &request.body.trailers {
            let framing = [
                "content-length",
                "transfer-encoding",
                "host",
                "connection",
                "te",
                "upgrade",
            ];
            assert!(!framing.contains(&name.as_str()), "a trailer {name}");
        }
        if let Some(last) = self
            .arrived
            .iter_mut()
            .rfind(|one| one.head.line == request.head.line)
        {
            *last = request.clone();
        }
    }

    fn placement(&self) -> Option<(Placement, bool)> {
        let name = |text: &str| text.to_owned();
        let bearer = || Placement::Header {
            name: name("authorization"),
            prefix: name("Bearer "),
        };
        Some(match self.way {
            1 => (bearer(), true),
            2 => (bearer(), false),
            3 => (Placement::Basic { user: name(USER) }, false),
            4 => (Placement::Query { name: name("key") }, false),
            5 => (Placement::Cookie { name: name("sid") }, false),
            6 => (
                Placement::Body {
                    pointer: name("/key"),
                },
                false,
            ),
            7 => (Placement::Path, false),
            8 => (
                Placement::WebSocket {
                    pointer: name("/key"),
                },
                true,
            ),
            _ => return None,
        })
    }
}

fn is_the_host(origin: &Origin) -> bool {
    let endpoint = &origin.endpoint;
    endpoint.host.as_str() == HOST && endpoint.port == origin.scheme.port()
}

struct TheGate {
    world: Arc<Mutex<World>>,
    loan: Arc<Loan>,
}

impl Gate for TheGate {
    fn pass<'a>(&'a self, _: SessionId, target: &'a Target) -> Answer<'a, Result<(), Refusal>> {
        let mut fine = is_the_host(target.origin());
        if let Target::Request { method, path, .. } = target {
            fine &= !path.starts_with("/no") && &**method != "DELETE";
            if fine {
                let mut world = self.world.lock().unwrap();
                world
                    .allowed
                    .push_back((method.to_string(), path.to_string()));
            }
        }
        Box::pin(async move {
            if fine {
                Ok(())
            } else {
                Err(Code::Denied.into())
            }
        })
    }

    fn looks_into(&self, _: SessionId, origin: &Origin) -> bool {
        assert!(is_the_host(origin) || origin.endpoint.host.as_str() == HOST);
        true
    }

    fn kept<'a>(
        &'a self,
        _: SessionId,
        _: &'a Lenders,
    ) -> Answer<'a, Result<Vec<Sent>, Refusal>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn lenders(&self, origin: &Origin) -> Lenders {
        if is_the_host(origin) {
            vec![0]
        } else {
            Vec::new()
        }
    }

    fn ways(&self, target: &Target) -> Vec<Way> {
        assert!(is_the_host(target.origin()));
        let Some((place, always)) = self.world.lock().unwrap().placement() else {
            return Vec::new();
        };
        let injection = Injection {
            hosts: vec![OriginPattern::parse(HOST).unwrap()],
            methods: Vec::new(),
            paths: Vec::new(),
            scope: None,
            place,
            always,
        };
        vec![Way {
            credential: CredentialName::parse("key").unwrap(),
            scope: "read".into(),
            injection: Arc::new(injection),
        }]
    }

    fn lend<'a>(
        &'a self,
        _: SessionId,
        _: &'a Way,
        origin: &'a Origin,
    ) -> Answer<'a, Result<Arc<Loan>, Refusal>> {
        assert!(is_the_host(origin));
        let loan = Arc::clone(&self.loan);
        Box::pin(async move { Ok(loan) })
    }

    fn base(&self, credential: &str) -> Option<Origin> {
        (credential == "api").then(|| the_origin(Scheme::Https))
    }

    fn admits(&self, _: SocketAddr) -> bool {
        false
    }

    fn located(&self, host: &HostName) -> Option<IpAddr> {
        assert_eq!(host.as_str(), HOST, "the gate did not allow this host");
        Some(IpAddr::from([9, 9, 9, 9]))
    }

    fn used(&self, _: SessionId, used: Used) {
        assert!(is_the_host(&used.origin));
    }

    fn refused<'a>(&'a self, _: SessionId, said: &'a str, _: &'a Refusal) -> Answer<'a, ()> {
        assert!(said.len() <= 2048, "a record is long");
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> Moment {
        NOW
    }
}

struct Nobody;

impl Entry for Nobody {
    fn enter<'a>(&'a self, _: SessionId, _: i32) -> Answer<'a, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn left(&self, _: SessionId) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn over(&self, _: SessionId) -> Answer<'_, Code> {
        Box::pin(async { Code::SessionRevoked })
    }
}

impl Callers for Nobody {
    fn identify(&self, _: BorrowedFd<'_>) -> Result<Caller, CallerError> {
        Err(CallerError::Gone)
    }

    fn describe(&self, _: i32) -> Result<(Caller, u64), CallerError> {
        Err(CallerError::Gone)
    }

    fn alive(&self, _: &Caller) -> bool {
        false
    }

    fn satisfies(&self, _: &Caller, _: &Pins) -> Result<(), Mismatch> {
        Err(Mismatch::Unknown)
    }
}

impl Resolve for Nobody {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        _: u16,
        _: tokio::sync::OwnedSemaphorePermit,
    ) -> Answer<'a, io::Result<Vec<SocketAddr>>> {
        panic!("{host} was asked for")
    }
}

/// The one origin that is allowed.
pub fn the_origin(scheme: Scheme) -> Origin {
    Origin::split(&format!("{}://{HOST}", scheme.id()))
        .unwrap()
        .0
}

/// A proxy that lives as long as the process.
pub struct Bench {
    runtime: Runtime,
    proxy: Proxy,
    world: Arc<Mutex<World>>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|world, origin| {
            assert!(is_the_host(origin), "{origin} was not allowed");
            let slow = world.lock().unwrap().slow;
            Box::new(Far::new(Arc::clone(world), slow))
        })
    }

    /// With another upstream.
    pub fn with(
        dial: impl Fn(&Arc<Mutex<World>>, &Origin) -> Box<dyn fuzzing::Far> + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let loan = Loan {
            value: IssuedToken::new(Zeroizing::new(VALUE.into())),
            ends: NOW.after(3600),
            worth: None,
        };
        let gate = TheGate {
            world: Arc::clone(&world),
            loan: Arc::new(loan),
        };
        let egress = Egress::new(Options {
            gate: Arc::new(gate),
            entry: Arc::new(Nobody),
            callers: Arc::new(Nobody),
            owner: 0,
            runtime: "/nowhere".into(),
            limits: Limits {
                head: 8192,
                headers: 32,
                head_timeout: Duration::from_secs(1),
                idle_timeout: Duration::from_secs(2),
                tunnel_timeout: Duration::from_secs(2),
                held_body: HELD,
                ..Limits::default()
            },
            extra_ca: None,
            resolver: Arc::new(Nobody),
            tickets: None,
        })
        .unwrap();
        let session = SessionId::parse("0198c0de00007000800000000000000f").unwrap();
        let name = CredentialName::parse("key").unwrap();
        let placeholders = Placeholders::new([(name, PLACEHOLDER.to_owned())]).unwrap();
        egress.prepare(session, placeholders, None).unwrap();
        let proxy = Proxy::of(&egress, session).unwrap();
        let dialled = Arc::clone(&world);
        fuzzing::dials(move |origin| dial(&dialled, origin));
        let bench = Self {
            runtime,
            proxy,
            world,
        };
        // What was never lent is not searched for; from here on it is.
        let ask = format!(
            "GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {PLACEHOLDER}\r\n\r\n"
        );
        bench.serve(ask.as_bytes(), 1, 0, Where::Door);
        bench
    }

    /// Runs what needs no connection.
    pub fn run<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// Serves one client; gives back what came of it, what it heard, and what arrived at the origin.
    pub fn serve(&self, says: &[u8], way: u8, manner: u8, place: Where) -> (Next, Vec<u8>, World) {
        *self.world.lock().unwrap() = World {
            way: way % WAYS,
            slow: manner & 0x20 != 0,
            ..World::default()
        };
        let (near, heard) = Near::new(says, Manner::of(manner));
        let next = self.runtime.block_on(async {
            let next = self.proxy.serve(near, place).await;
            self.proxy.cut().await;
            next
        });
        let world = std::mem::take(&mut *self.world.lock().unwrap());
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        if std::env::var_os("SHOW").is_some() {
            eprintln!(
                "said: {}\nheard: {}",
                says.escape_ascii(),
                heard.escape_ascii()
            );
            for request in &world.arrived {
                eprintln!("arrived: {}", request.raw.escape_ascii());
            }
        }
        (next, heard, world)
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}
