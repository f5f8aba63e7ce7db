//! What happened, as the ledger keeps it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::CallerFacts;
use crate::{
    AccountName, AgentName, ApprovalId, CredentialName, Grant, Lease, Lock, LockHolder, Opinion,
    ProfileName, SecretName, SessionState, Tier, UserId,
    approval::{Asked, Digest, Ending},
};

/// How much passed to one origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Scheme, host and port.
    pub origin: String,
    /// The credential that was put in, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialName>,
    /// Requests.
    pub requests: u64,
    /// Bytes from the sandbox.
    pub sent: u64,
    /// Bytes to it.
    pub received: u64,
    /// Refusals that were not recorded one by one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it over like this"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A permit is about to be used at a source that acts outside the broker.
    TokenIntended {
        /// The credential.
        credential: CredentialName,
        /// What will be asked for.
        grant: Grant,
        /// The policies that allowed it.
        policies: Vec<String>,
        /// The approval that it took, where it took one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
        /// The process that asked.
        caller: CallerFacts,
    },
    /// A token was issued.
    TokenIssued {
        /// What can be taken back.
        lease: Lease,
        /// Who it speaks for.
        user: UserId,
        /// The policies that allowed it.
        policies: Vec<String>,
        /// The approval that it took, where it took one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
        /// The agent's own words, cleaned. Shown to people, decides nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The process that asked.
        caller: CallerFacts,
    },
    /// A token was refused.
    TokenRefused {
        /// The code that the agent was told.
        code: String,
        /// Why, which the agent was not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// The credential as it was asked for, cleaned.
        credential: String,
        /// The scopes as they were asked for, cleaned.
        scopes: String,
        /// The audience as it was asked for, cleaned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// The lifetime that was asked for, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lifetime: Option<i64>,
        /// The approval that it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
        /// The process that asked.
        caller: CallerFacts,
    },
    /// A request was granted that the admin's requirements would not grant like this; they are not
    /// enforced yet.
    WouldBeRefused {
        /// The credential.
        credential: CredentialName,
        /// What was asked for.
        grant: Grant,
        /// The friction that it met,
        tier: Tier,
        /// and that it would meet.
        would_be: Tier,
        /// Why.
        detail: String,
    },
    /// A question was put to a reviewer or to people.
    ApprovalAsked {
        /// Its id.
        approval: ApprovalId,
        /// The digest of what is shown.
        digest: Digest,
        /// What is shown.
        asked: Asked,
        /// Until when it can be answered: milliseconds since the Unix epoch.
        expires: u64,
    },
    /// The automatic reviewer spoke, or failed to.
    ApprovalReviewed {
        /// The question.
        approval: ApprovalId,
        /// What it said.
        opinion: Opinion,
        /// Where the question went from there: `granted`, `refused` or `open`; `none` where the verdict
        /// came too late or could not be stored.
        outcome: String,
    },
    /// Somebody answered.
    ApprovalAnswered {
        /// The question.
        approval: ApprovalId,
        /// The digest of what was shown.
        digest: Digest,
        /// `once`, `for`, `session`, `no` or `no_and_end`.
        answer: String,
        /// For how long it is remembered at most, in seconds, where it was `for` or `session`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Who.
        by: UserId,
        /// Which way the answer came: `socket`, or the name of a messenger.
        via: String,
    },
    /// Somebody's answer did not count.
    ApprovalDisputed {
        /// The question.
        approval: ApprovalId,
        /// Who, where it was a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        /// The code that was answered.
        code: String,
        /// Which way the answer came.
        via: String,
    },
    /// A question or an answer is over.
    ApprovalEnded {
        /// Which.
        approval: ApprovalId,
        /// How.
        ending: Ending,
        /// Who, where a person ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
    },
    /// The machine was locked.
    MachineLocked {
        /// Whose lock.
        holder: LockHolder,
        /// Who and why.
        lock: Lock,
    },
    /// A lock was lifted.
    MachineUnlocked {
        /// Whose lock.
        holder: LockHolder,
        /// The admin, for a lock of the admins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
    },
    /// The admin's requirements were read.
    RequirementsRead {
        /// Where they came from: a path, and `signed` where a signature vouches for it.
        origin: String,
        /// SHA-256 of them, in hexadecimal.
        digest: String,
        /// Their version, where they have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
        /// Whether they are enforced or only told.
        enforced: bool,
        /// The keys of the user's configuration that they replaced, or would.
        replaced: Vec<String>,
    },
    /// A session began.
    SessionStarted {
        /// Who lends the authority.
        user: UserId,
        /// The user's groups then.
        #[serde(default)]
        groups: BTreeSet<String>,
        /// By which account.
        account: AccountName,
        /// To what kind of agent.
        agent: AgentName,
        /// Its lifetime in seconds.
        lifetime: u64,
        /// The profile of its sandbox, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        profile: Option<ProfileName>,
    },
    /// The session's sandbox was made, and from then on only what runs in it speaks for the session.
    SandboxEntered {
        /// Its profile.
        profile: ProfileName,
        /// The PID namespace: an inode.
        pid_namespace: u64,
        /// Its first process.
        caller: CallerFacts,
    },
    /// What passed through the session's proxy since the last such record, a second ago or more.
    NetworkUsed {
        /// To each origin, with each credential.
        passed: Vec<Passed>,
    },
    /// The session's proxy let something not pass that no policy was asked about.
    NetworkRefused {
        /// What was asked for, cleaned.
        target: String,
        /// The code that was answered.
        code: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A session changed its state.
    SessionChanged {
        /// From this state,
        from: String,
        /// to this one.
        #[serde(flatten)]
        to: SessionState,
        /// The user's groups, where they changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups: Option<BTreeSet<String>>,
    },
    /// An admin's revocation, which changed the sessions recorded just before this.
    RevocationOrdered {
        /// The admin.
        by: UserId,
        /// What was to be revoked, in words.
        target: String,
        /// Why, cleaned.
        reason: String,
        /// How many sessions it met.
        sessions: u64,
    },
    /// Somebody asked for what only an admin may do.
    AdminRefused {
        /// The account that asked.
        account: AccountName,
        /// What for.
        action: String,
        /// The code that was answered.
        code: String,
    },
    /// A login was made or renewed.
    LoggedIn {
        /// The account.
        account: AccountName,
        /// Who it is.
        user: UserId,
        /// `code`, `device` or `refresh`.
        method: String,
    },
    /// A login ended.
    LoggedOut {
        /// The account.
        account: AccountName,
        /// Why, in words.
        reason: String,
    },
    /// A login was refused.
    LoginRefused {
        /// The account.
        account: AccountName,
        /// The code that was answered.
        code: String,
        /// Why, cleaned.
        detail: String,
    },
    /// A secret was stored in the keyring.
    SecretStored {
        /// Its name.
        name: SecretName,
    },
    /// A secret was removed from the keyring.
    SecretRemoved {
        /// Its name.
        name: SecretName,
    },
    /// A signing key came into use.
    SigningKeyMade {
        /// Its key id.
        kid: String,
        /// Its algorithm.
        algorithm: String,
    },
    /// The policies were read and are in force.
    PoliciesLoaded {
        /// SHA-256 over all files, in hexadecimal.
        digest: String,
        /// How many policies.
        policies: u64,
    },
    /// The policies were read and are not valid; the earlier ones stay in force.
    PoliciesRejected {
        /// What is wrong, cleaned.
        detail: String,
    },
    /// The broker began to serve.
    BrokerStarted {
        /// Its version.
        version: String,
    },
    /// The broker stopped in order.
    BrokerStopped,
}
