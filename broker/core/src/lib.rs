//! The domain of the broker: values, transitions and the questions that they ask of the world.
//!
//! Pure: no I/O, no runtime, no clock, no randomness, no logging, no wire types. Adapters bring
//! evidence through [`ports`]; only this crate turns evidence into a [`request::Permit`]. Begin
//! reading at [`flow`].

pub mod approval;
pub mod approvals;
pub mod commands;
pub mod doctor;
pub mod flow;
pub mod grants;
pub mod lifecycle;
pub mod network;
pub mod passage;
pub mod policies;
pub mod ports;
pub mod record;
pub mod request;
pub mod secrets;
pub mod text;

mod broker;
mod caller;
mod credential;
mod grant;
mod injection;
mod lock;
mod moment;
mod name;
mod profile;
mod refusal;
mod session;
mod settings;
mod tier;
mod trial;
mod user;

pub use approval::{Approval, Approver, Opinion, Risk};
pub use broker::Broker;
pub use caller::{Caller, Pins};
pub use credential::{
    Algorithm, Audiences, Credential, Delivery, Inject, LIFETIME_CEILING, LIFETIME_DEFAULT,
    SourceKind,
};
pub use grant::{Audience, BadAudience, BadScope, Grant, ScopeSet};
pub use injection::{Injection, Placement, READ, WRITE, is_plain, is_safe};
pub use lock::{Lock, LockHolder, Locked};
pub use moment::{Boot, Deadline, Moment};
pub use name::{
    AccountName, AgentName, ApprovalId, BadName, CredentialName, LeaseId, ProfileName, RequestId,
    SecretName, SessionId,
};
pub use ports::StoreError;
pub use profile::{Profile, Profiles, Workspace};
pub use record::{CallerFacts, Event, Passed, Record};
pub use refusal::Refusal;
pub use session::{Lease, Session, SessionState};
pub use settings::{Credentials, Settings};
pub use tier::Tier;
pub use trial::Trial;
pub use user::{User, UserId};
