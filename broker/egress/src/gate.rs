//! What the proxy asks before anything passes, and what it tells afterwards. The proxy decides nothing.

use std::sync::Arc;

use valetkey_core::{
    CredentialName, Deadline, Injection, Moment, Refusal, SessionId,
    network::{Origin, Target},
    ports::Answer,
};
use valetkey_secret::IssuedToken;

/// A value that may be put on the wire for a while.
pub struct Loan {
    /// The value.
    pub value: IssuedToken,
    /// Until when it may be used.
    pub ends: Deadline,
    /// Until when it is worth something to whoever learns it; `None` where that is not known.
    pub worth: Option<Deadline>,
}

/// A value and how it is sent.
pub type Sent = (Arc<Loan>, Arc<Injection>);

/// Credentials by their places in the configuration, in its order.
pub type Lenders = Vec<usize>;

/// A way in which a credential may be put into a request.
#[derive(Clone)]
pub struct Way {
    /// The credential.
    pub credential: CredentialName,
    /// What its use is asked for as.
    pub scope: String,
    /// Where it goes.
    pub injection: Arc<Injection>,
}

/// What passed, to be recorded in batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Where to.
    pub origin: Origin,
    /// With which credential.
    pub credential: Option<CredentialName>,
    /// Requests; 0 where bytes of a tunnel or of a request that was counted before passed.
    pub requests: u64,
    /// Bytes from the sandbox.
    pub sent: u64,
    /// Bytes to it.
    pub received: u64,
}

/// Whoever decides.
pub trait Gate: Send + Sync + 'static {
    /// Whether the session may do this just now. Answers from memory where it was asked a moment ago.
    fn pass<'a>(
        &'a self,
        session: SessionId,
        target: &'a Target,
    ) -> Answer<'a, Result<(), Refusal>>;

    /// Whether requests to this origin are looked into: a credential goes there, a rule speaks of
    /// paths or methods there, or the session's profile only reads.
    fn looks_into(&self, session: SessionId, origin: &Origin) -> bool;

    /// Which credentials go to this host, with some request and at any of its ports: what one of them was told may
    /// be heard at another. Where there are any its answers are searched from the beginning, for whatever was lent
    /// where the same ones go.
    fn lenders(&self, origin: &Origin) -> Lenders;

    /// The values of these credentials that are kept and not minted, each with every way in which it may be sent:
    /// what an earlier run of the broker lent may come back as well. No permission to send them.
    ///
    /// # Errors
    /// Where the keyring cannot be used, and where the session asks too often.
    fn kept<'a>(
        &'a self,
        session: SessionId,
        lenders: &'a Lenders,
    ) -> Answer<'a, Result<Vec<Sent>, Refusal>>;

    /// The ways in which a credential may be put into such a request; the configuration's order. No
    /// permission yet.
    fn ways(&self, target: &Target) -> Vec<Way>;

    /// The value, for one use or for many until it ends. Held and renewed by the gate.
    fn lend<'a>(
        &'a self,
        session: SessionId,
        way: &'a Way,
        origin: &'a Origin,
    ) -> Answer<'a, Result<Arc<Loan>, Refusal>>;

    /// Where requests for `/<credential>/…` go: the first origin of the credential's injection. `None`
    /// where there is no such credential, or it names no single origin.
    fn base(&self, credential: &str) -> Option<Origin>;

    /// An address that an admin named is reached though it is private.
    fn admits(&self, address: std::net::SocketAddr) -> bool;

    /// Where the configuration says that a host is, in place of the resolver.
    fn located(&self, host: &valetkey_core::network::HostName) -> Option<std::net::IpAddr>;

    /// Records what passed, in batches, durable within a second.
    fn used(&self, session: SessionId, used: Used);

    /// Records a refusal that the proxy found by itself, at once: a mismatch, a private address, a
    /// placeholder where it does not belong.
    fn refused<'a>(
        &'a self,
        session: SessionId,
        target: &'a str,
        refusal: &'a Refusal,
    ) -> Answer<'a, ()>;

    /// What time is it.
    fn now(&self) -> Moment;
}
