//! A gate that does as it was told.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;
use valetkey_codes::Code;
use valetkey_core::{
    Boot, CredentialName, Injection, Moment, Placement, Refusal, SessionId,
    network::{HostName, Origin, OriginPattern, Target},
    ports::Answer,
};
use valetkey_egress::{Gate, Lenders, Loan, Sent, Used, Way};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

/// A gate that does as it was told: allows what is not denied, and admits loopback.
#[derive(Default)]
pub(crate) struct FakeGate {
    pub(crate) denied: Mutex<HashSet<String>>,
    pub(crate) looks: Mutex<HashSet<String>>,
    pub(crate) bases: Mutex<HashMap<String, String>>,
    pub(crate) aloof: AtomicBool,
    ways: Mutex<Vec<(CredentialName, Arc<Injection>)>>,
    loans: Mutex<HashMap<CredentialName, Arc<Loan>>>,
    kept: Mutex<HashMap<CredentialName, Arc<Loan>>>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) lent: Mutex<Vec<String>>,
    pub(crate) refused: Mutex<Vec<(String, Code)>>,
    pub(crate) used: watch::Sender<Vec<Used>>,
}

impl FakeGate {
    pub(crate) fn deny(&self, what: impl Into<String>) {
        self.denied.lock().unwrap().insert(what.into());
    }

    pub(crate) fn look_into(&self, origin: impl Into<String>) {
        self.looks.lock().unwrap().insert(origin.into());
    }

    /// Puts `value` into requests to `origin`.
    pub(crate) fn inject(
        &self,
        name: &str,
        origin: &str,
        place: Placement,
        always: bool,
        value: &str,
    ) {
        self.look_into(origin);
        let name = CredentialName::parse(name).unwrap();
        let injection = Injection {
            hosts: vec![OriginPattern::parse(origin).unwrap()],
            methods: Vec::new(),
            paths: Vec::new(),
            scope: None,
            place,
            always,
        };
        let loan = Loan {
            value: IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec())),
            ends: self.now().after(3600),
            worth: None,
        };
        self.loans
            .lock()
            .unwrap()
            .insert(name.clone(), Arc::new(loan));
        self.ways.lock().unwrap().push((name, Arc::new(injection)));
    }

    /// Its value is one that is kept.
    pub(crate) fn keep(&self, name: &str) {
        let name = CredentialName::parse(name).unwrap();
        let loan = Arc::clone(&self.loans.lock().unwrap()[&name]);
        self.kept.lock().unwrap().insert(name, loan);
    }

    /// Lends nothing of it any more.
    pub(crate) fn take_back(&self, name: &str) {
        let name = CredentialName::parse(name).unwrap();
        self.loans.lock().unwrap().remove(&name);
    }

    pub(crate) fn refusals(&self) -> Vec<Code> {
        self.refused
            .lock()
            .unwrap()
            .iter()
            .map(|(_, code)| *code)
            .collect()
    }
}

fn words(target: &Target) -> String {
    let audience = target.audience().unwrap();
    format!("{} {}", target.scope(), audience.as_str())
}

impl Gate for FakeGate {
    fn pass<'a>(&'a self, _: SessionId, target: &'a Target) -> Answer<'a, Result<(), Refusal>> {
        let words = words(target);
        self.asked.lock().unwrap().push(words.clone());
        let denied = self.denied.lock().unwrap().contains(&words);
        Box::pin(async move {
            if denied {
                Err(Code::Denied.into())
            } else {
                Ok(())
            }
        })
    }

    fn looks_into(&self, _: SessionId, origin: &Origin) -> bool {
        self.looks.lock().unwrap().contains(&origin.to_string())
    }

    fn kept<'a>(
        &'a self,
        _: SessionId,
        lenders: &'a Lenders,
    ) -> Answer<'a, Result<Vec<Sent>, Refusal>> {
        let (ways, kept) = (self.ways.lock().unwrap(), self.kept.lock().unwrap());
        let ways = lenders.iter().filter_map(|place| ways.get(*place));
        let kept =
            ways.filter_map(|(name, way)| Some((Arc::clone(kept.get(name)?), Arc::clone(way))));
        Box::pin(std::future::ready(Ok(kept.collect())))
    }

    fn lenders(&self, origin: &Origin) -> Lenders {
        let ways = self.ways.lock().unwrap();
        let all = ways.iter().enumerate();
        all.filter(|(_, (_, injection))| injection.reaches_host(&origin.endpoint.host))
            .map(|(place, _)| place)
            .collect()
    }

    fn ways(&self, target: &Target) -> Vec<Way> {
        let ways = self.ways.lock().unwrap();
        let of = |(credential, injection): &(CredentialName, Arc<Injection>)| {
            let scope = injection.scope_of(target)?.to_owned();
            Some(Way {
                credential: credential.clone(),
                scope,
                injection: Arc::clone(injection),
            })
        };
        ways.iter().filter_map(of).collect()
    }

    fn lend<'a>(
        &'a self,
        _: SessionId,
        way: &'a Way,
        _: &'a Origin,
    ) -> Answer<'a, Result<Arc<Loan>, Refusal>> {
        let words = format!("{} {}", way.credential, way.scope);
        self.lent.lock().unwrap().push(words);
        let loan = self.loans.lock().unwrap().get(&way.credential).cloned();
        Box::pin(async move { loan.ok_or_else(|| Code::Denied.into()) })
    }

    fn base(&self, credential: &str) -> Option<Origin> {
        let bases = self.bases.lock().unwrap();
        Some(Origin::split(bases.get(credential)?).unwrap().0)
    }

    fn admits(&self, address: SocketAddr) -> bool {
        !self.aloof.load(Ordering::Relaxed) && address.ip().is_loopback()
    }

    fn located(&self, host: &HostName) -> Option<IpAddr> {
        let test = host.as_str().ends_with(".test");
        test.then(|| IpAddr::from([127, 0, 0, 1]))
    }

    fn used(&self, _: SessionId, used: Used) {
        self.used.send_modify(|all| all.push(used));
    }

    fn refused<'a>(
        &'a self,
        _: SessionId,
        target: &'a str,
        refusal: &'a Refusal,
    ) -> Answer<'a, ()> {
        let mut refused = self.refused.lock().unwrap();
        refused.push((target.to_owned(), refusal.code()));
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> Moment {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let seconds = u64::try_from(now.tv_sec).unwrap();
        Moment {
            unix_ms: seconds * 1000,
            boot_us: seconds * 1_000_000,
            boot: Boot(1),
        }
    }
}
