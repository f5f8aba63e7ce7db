//! Locks of the machine: while one is held, no session is given anything.

use serde::{Deserialize, Serialize};

use crate::UserId;

/// Who holds a lock. Each lifts only their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LockHolder {
    /// The machine's owner.
    Owner,
    /// The admins, as one: any of them lifts it.
    Admin,
}

impl LockHolder {
    /// The holder as it stands in JSON and tables.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }
}

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The admin, for a lock of the admins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why, cleaned for a terminal.
    pub reason: String,
    /// Since when: milliseconds since the Unix epoch.
    pub since: u64,
}

/// The locks that are held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// The owner's.
    pub owner: Option<Lock>,
    /// The admins'.
    pub admin: Option<Lock>,
}

impl Locked {
    /// Whether any is held.
    pub const fn any(&self) -> bool {
        self.owner.is_some() || self.admin.is_some()
    }

    /// The place of one holder's lock.
    pub const fn of(&mut self, holder: LockHolder) -> &mut Option<Lock> {
        match holder {
            LockHolder::Owner => &mut self.owner,
            LockHolder::Admin => &mut self.admin,
        }
    }
}
