//! What the core asks of the world: one file per port, each a question in domain words.
//!
//! Every port has a contract suite in `tests/support/src/contracts/` that the real adapter and the
//! fake both pass. Futures are boxed so that ports can be trait objects in one plain struct; where
//! nothing is said otherwise, dropping one is safe and may leave the asked-for effect done.

mod approvals;
mod audit;
mod callers;
mod clock;
mod doors;
mod entropy;
mod keys;
mod ledger;
mod locks;
mod logins;
mod messenger;
mod policy;
mod policy_lab;
mod reviewer;
mod rooms;
mod secret_store;
mod sessions;
mod sources;
mod watched;

use std::{pin::Pin, sync::Arc};

pub use approvals::{ApprovalError, Approvals, Kept};
pub use audit::{Audit, Entry, Fault, Verification};
pub use callers::{CallerError, Callers, Mismatch};
pub use clock::Clock;
pub use doors::{Cut, DoorError, Doors};
pub use entropy::Entropy;
pub use keys::{Keys, PublicKey};
pub use ledger::{Ledger, LedgerError, Receipt};
pub use locks::Locks;
pub use logins::{
    Freshness, LoginBook, LoginEvents, LoginMethod, LoginRecord, LoginStart, LoginStatus, Logins,
    LogoutReport, PendingLogin,
};
pub use messenger::{CarriedAnswer, Messenger, MessengerError};
pub use policy::{
    ApproverQuestion, Consent, Policy, PolicyError, PolicySummary, Question, Verdict,
};
pub use policy_lab::{
    CaseResult, Change, Checked, Explanation, IdleRule, PolicyLab, ScopeExplained, Voice,
};
pub use reviewer::{ReviewCase, ReviewError, Reviewer};
pub use rooms::{Furniture, RoomError, Rooms};
pub use secret_store::{Persistence, SecretKey, SecretStore, StoreError, StoreReport, StoreState};
pub use sessions::{SessionFilter, Sessions};
pub use sources::{Effect, Retraction, SourceError, Sources};
pub use watched::Watched;

/// A future that a port gives back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Every port, as the daemon wired them.
#[derive(Clone)]
pub struct Ports {
    /// Who is this peer, is it still alive.
    pub callers: Arc<dyn Callers>,
    /// Which tier, who may approve, and why.
    pub policy: Arc<dyn Policy>,
    /// Try policies without putting them in force.
    pub lab: Arc<dyn PolicyLab>,
    /// Questions and their answers.
    pub approvals: Arc<dyn Approvals>,
    /// The automatic reviewer, where one is configured.
    pub reviewer: Option<Arc<dyn Reviewer>>,
    /// The ways to people.
    pub messengers: Vec<Arc<dyn Messenger>>,
    /// The locks of the machine.
    pub locks: Arc<dyn Locks>,
    /// Obtain, revoke.
    pub sources: Arc<dyn Sources>,
    /// Read, write, delete, inspect.
    pub secrets: Arc<dyn SecretStore>,
    /// The public halves of the signing keys; rotate.
    pub keys: Arc<dyn Keys>,
    /// Record.
    pub ledger: Arc<dyn Ledger>,
    /// Read the ledger back.
    pub audit: Arc<dyn Audit>,
    /// Look at what only this process knows of.
    pub watched: Vec<Arc<dyn Watched>>,
    /// Load, save, list, leases.
    pub sessions: Arc<dyn Sessions>,
    /// Who is logged in.
    pub logins: Arc<dyn Logins>,
    /// Open and close the sockets of sessions.
    pub doors: Arc<dyn Doors>,
    /// The proxies of sessions.
    pub rooms: Arc<dyn Rooms>,
    /// What time is it.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}
