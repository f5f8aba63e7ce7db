//! Exit statuses of the command line.

/// What a `valetkey` process tells its caller by its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Ok = 0,
    /// A failure of ours.
    Failure = 1,
    /// The request itself is wrong.
    Usage = 2,
    /// Refused by policy, by a revocation or by who is asking.
    Denied = 3,
    /// An approval is needed, was refused or ran out.
    Approval = 4,
    /// Not logged in, or the keyring does not give what was stored.
    Login = 5,
    /// A server that the broker depends on failed.
    Upstream = 6,
    /// The broker cannot be reached.
    Unreachable = 7,
}
