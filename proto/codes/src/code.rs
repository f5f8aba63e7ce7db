//! The codes.

/// A way to be refused or to fail. The variants carry no data: what is particular to one case goes
/// into the message beside the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is not well formed.
    InvalidRequest,
    /// The request is larger than the broker accepts.
    RequestTooLarge,
    /// No credential of that name is offered to this session.
    UnknownCredential,
    /// The credential has no such scope.
    InvalidScope,
    /// The credential is not for that audience.
    InvalidTarget,
    /// Policy does not allow this request.
    Denied,
    /// A person, or a reviewer first, has to answer a question about this request.
    ApprovalPending,
    /// The question about this request was answered with no.
    ApprovalRefused,
    /// Nobody answered the question about this request in time.
    ApprovalExpired,
    /// There is no such question.
    UnknownApproval,
    /// The question was answered or has ended already.
    ApprovalSettled,
    /// What the answer names is not what was asked.
    ApprovalMismatch,
    /// This person may not answer this question.
    NotApprover,
    /// The session asks people more often than it may.
    TooManyQuestions,
    /// The machine's owner has locked every session.
    Locked,
    /// An admin has locked every session.
    LockedByAdmin,
    /// The admin's requirements have ended and no newer ones are here.
    RequirementsExpired,
    /// This process is not the one the session was made for.
    CallerRefused,
    /// The process that asked has ended.
    CallerGone,
    /// This account has no admin authority.
    NotAdmin,
    /// The session has ended.
    SessionEnded,
    /// The session's lifetime is over.
    SessionExpired,
    /// The session was revoked by an admin.
    SessionRevoked,
    /// The session is suspended because its user's login has ended.
    SessionSuspended,
    /// The session is suspended because of what its agent did.
    SessionHeld,
    /// There is no such session.
    UnknownSession,
    /// Too many sessions are live.
    TooManySessions,
    /// This session asks more often than it may.
    TooManyRequests,
    /// The answer did not come in time.
    DeadlineExceeded,
    /// Nobody is logged in.
    NotLoggedIn,
    /// The login has ended.
    LoginExpired,
    /// The identity provider's answer was not accepted.
    LoginRefused,
    /// This account lacks a claim that the broker requires.
    LoginClaimMissing,
    /// The login was not finished in time.
    LoginAbandoned,
    /// The keyring is locked.
    KeyringLocked,
    /// No keyring answers.
    KeyringAbsent,
    /// The keyring refused access.
    KeyringDenied,
    /// The keyring did not answer in time.
    KeyringSlow,
    /// The keyring holds no secret of that name.
    SecretAbsent,
    /// The ledger cannot be written, so nothing is issued.
    AuditUnavailable,
    /// The identity provider does not answer.
    UpstreamUnavailable,
    /// The identity provider refused.
    UpstreamRefused,
    /// The broker cannot be reached.
    BrokerUnreachable,
    /// The broker is stopping.
    ShuttingDown,
    /// The policy files are not valid, so the earlier ones stay in force.
    PolicyInvalid,
    /// That name is taken.
    AlreadyExists,
    /// This credential is never shown to an agent.
    InjectOnly,
    /// The host is at an address that agents do not reach.
    AddressRefused,
    /// A request names different hosts in different places.
    TargetMismatch,
    /// The host does not answer.
    HostUnreachable,
    /// A placeholder was sent where it does not belong.
    PlaceholderMisused,
    /// The admin's requirements forbid this profile.
    ProfileForbidden,
    /// This machine cannot make the sandbox.
    SandboxUnavailable,
    /// No command rule gives this command a credential.
    CommandRefused,
    /// The broker failed.
    Internal,
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::InvalidRequest,
        Self::RequestTooLarge,
        Self::UnknownCredential,
        Self::InvalidScope,
        Self::InvalidTarget,
        Self::Denied,
        Self::ApprovalPending,
        Self::ApprovalRefused,
        Self::ApprovalExpired,
        Self::UnknownApproval,
        Self::ApprovalSettled,
        Self::ApprovalMismatch,
        Self::NotApprover,
        Self::TooManyQuestions,
        Self::Locked,
        Self::LockedByAdmin,
        Self::RequirementsExpired,
        Self::CallerRefused,
        Self::CallerGone,
        Self::NotAdmin,
        Self::SessionEnded,
        Self::SessionExpired,
        Self::SessionRevoked,
        Self::SessionSuspended,
        Self::SessionHeld,
        Self::UnknownSession,
        Self::TooManySessions,
        Self::TooManyRequests,
        Self::DeadlineExceeded,
        Self::NotLoggedIn,
        Self::LoginExpired,
        Self::LoginRefused,
        Self::LoginClaimMissing,
        Self::LoginAbandoned,
        Self::KeyringLocked,
        Self::KeyringAbsent,
        Self::KeyringDenied,
        Self::KeyringSlow,
        Self::SecretAbsent,
        Self::AuditUnavailable,
        Self::UpstreamUnavailable,
        Self::UpstreamRefused,
        Self::BrokerUnreachable,
        Self::ShuttingDown,
        Self::PolicyInvalid,
        Self::AlreadyExists,
        Self::InjectOnly,
        Self::AddressRefused,
        Self::TargetMismatch,
        Self::HostUnreachable,
        Self::PlaceholderMisused,
        Self::ProfileForbidden,
        Self::SandboxUnavailable,
        Self::CommandRefused,
        Self::Internal,
    ];

    /// The code with this text id, as read back from a wire.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.row().id == id)
    }

    /// The stable text id.
    pub const fn id(self) -> &'static str {
        self.row().id
    }
}
