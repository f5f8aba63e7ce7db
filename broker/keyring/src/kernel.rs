//! The kernel's keyring of the user (user-keyring(7)).
//!
//! **Which keyring.** A broker outlives logins and restarts, so not the session keyring: it ends with
//! the login, and systemd gives every system service a fresh one. Not the persistent keyring: it
//! empties itself three days after its last use. The user keyring `@u` has neither end; it is
//! there until the machine reboots.
//!
//! **Possession.** A key can be read only by a thread that *possesses* it: one that can walk to it
//! from its own thread, process or session keyring. Whether the session keyring leads to `@u` depends
//! on who started the broker (PAM links it, systemd's `KeyringMode=private` does not, and without the
//! link every read is `EACCES`). So each call links `@u` into the keyring of its own thread, which the
//! owner of `@u` may always do. That link is inherited by no child process and gone with the thread;
//! the session keyring stays as it was, so nothing the broker starts gains possession through it.
//!
//! **Who else.** Every process of the same user can make the same link. What a sandboxed agent must
//! not do, the sandbox's system call filter refuses (`keyctl`, `add_key`, `request_key`).

use std::{fs, sync::Arc};

use keyring_core::{Entry, Error};
use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
use linux_keyutils_keyring_store::Cred;
use valetkey_core::ports::{Persistence, StoreError};
use valetkey_secret::{Destination, RootSecret};
use zeroize::{Zeroize as _, Zeroizing};

use crate::backend::{Backend, Card, SERVICE, Sight};

/// Largest value of a key of type `user`, in bytes: the kernel's own limit.
const LARGEST: usize = 32_767;

/// The user keyring.
pub(crate) struct Kernel;

impl Backend for Kernel {
    fn read(&self, entry: &str) -> Result<RootSecret, StoreError> {
        let bytes = credential(entry)?.get_secret().map_err(told)?;
        Ok(RootSecret::new(Zeroizing::new(bytes)))
    }

    fn write(&self, entry: &str, secret: &RootSecret) -> Result<(), StoreError> {
        if secret.len() > LARGEST {
            return Err(StoreError::Denied(format!(
                "the kernel keeps at most {LARGEST} bytes in one entry"
            )));
        }
        let credential = credential(entry)?;
        secret
            .disclose(Destination::KeyringWrite, |bytes| {
                credential.set_secret(bytes)
            })
            .map_err(told)
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        credential(entry)?.delete_credential().map_err(told)
    }

    fn unlock(&self, _entry: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn look(&self, prefix: &str) -> Sight {
        Sight {
            vendor: "the kernel's user keyring".into(),
            entries: possessed().and_then(|ring| entries(ring, &description(prefix))),
        }
    }

    fn card(&self) -> Card {
        Card {
            kind: "kernel",
            persistence: Persistence::UntilReboot,
        }
    }
}

/// The user keyring, possessed by this thread.
fn possessed() -> Result<KeyRing, StoreError> {
    let user = KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(refused)?;
    KeyRing::from_special_id(KeyRingIdentifier::Thread, true)
        .and_then(|own| own.link_keyring(user))
        .map_err(refused)?;
    Ok(user)
}

/// The entry. The library calls the keyring that it works on `session`.
fn credential(entry: &str) -> Result<Entry, StoreError> {
    Ok(Entry::new_with_credential(Arc::new(Cred {
        session: possessed()?,
        persistent: None,
        description: description(entry),
        specifiers: None,
    })))
}

/// How the key is called, as `keyctl show @u` prints it.
fn description(entry: &str) -> String {
    format!("{SERVICE}:{entry}")
}

/// The keys in `ring` whose description begins with `prefix`, without it.
///
/// From `/proc/keys` (proc_keys(5)), because the library's own way of listing a keyring overruns its
/// buffer when there are more keys than it expects, and panics at a description over 500 bytes; any
/// process of the user could put such a key there.
fn entries(ring: KeyRing, prefix: &str) -> Result<Vec<String>, StoreError> {
    let table = fs::read("/proc/keys").map_err(|error| {
        StoreError::Denied(format!("`/proc/keys` is not readable: {}", error.kind()))
    })?;
    let table = String::from_utf8_lossy(&table);
    let ours = table.lines().filter_map(listed);
    let alive = ours.filter(|description| ring.search(*description).is_ok());
    Ok(alive
        .filter_map(|description| description.strip_prefix(prefix).map(str::to_owned))
        .collect())
}

/// The description of a key of type `user`, from its line of `/proc/keys`.
fn listed(line: &str) -> Option<&str> {
    let mut fields = line.split_ascii_whitespace().skip(TYPE_FIELD);
    fields.next().filter(|kind| *kind == "user")?;
    fields.next()?.strip_suffix(':')
}

/// What an error of the store says of the keyring.
fn told(error: Error) -> StoreError {
    match error {
        Error::NoEntry => StoreError::NoEntry,
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            match cause.downcast_ref::<KeyError>() {
                Some(cause) => refused(*cause),
                None => StoreError::Denied("for a reason it did not give".into()),
            }
        }
        Error::BadEncoding(mut secret) | Error::BadDataFormat(mut secret, _) => {
            secret.zeroize();
            StoreError::Denied("the entry was damaged".into())
        }
        _ => StoreError::Denied("it does not take this entry".into()),
    }
}

/// What an error of the kernel says of the keyring.
fn refused(error: KeyError) -> StoreError {
    match error {
        KeyError::KeyDoesNotExist | KeyError::KeyRevoked | KeyError::KeyExpired => {
            StoreError::NoEntry
        }
        KeyError::QuotaExceeded => StoreError::Denied(
            "this user's quota is used up; see `/proc/sys/kernel/keys/maxbytes` and `maxkeys`"
                .into(),
        ),
        KeyError::AccessDenied => StoreError::Denied("this user may not (EACCES)".into()),
        KeyError::PermissionDenied => {
            StoreError::Denied("the system call is not permitted here (EPERM)".into())
        }
        KeyError::OutOfMemory => StoreError::Denied("the kernel is out of memory".into()),
        KeyError::Unknown(NO_SUCH_CALL) | KeyError::OperationNotSupported => {
            StoreError::Absent("this kernel has no key management".into())
        }
        KeyError::Unknown(number) => StoreError::Denied(format!("error {number} of the kernel")),
        _ => StoreError::Denied("the kernel did not take the request".into()),
    }
}

/// Of the fields of a line: id, flags, usage, expiry, permissions, owner, group, type, description.
const TYPE_FIELD: usize = 7;

/// `ENOSYS`.
const NO_SUCH_CALL: i32 = 38;

#[cfg(test)]
mod tests {
    use keyring_core::Error;
    use linux_keyutils::KeyError;
    use valetkey_core::ports::StoreError;

    use super::{listed, refused, told};

    #[test]
    fn no_error_repeats_the_secret() {
        let canary = b"canary-in-an-error".to_vec();
        for error in [
            Error::BadEncoding(canary.clone()),
            Error::BadDataFormat(canary.clone(), "canary-in-an-error".into()),
            Error::PlatformFailure("canary-in-an-error".into()),
            Error::Invalid("canary-in-an-error".into(), "canary-in-an-error".into()),
        ] {
            let said = format!("{:?}", told(error));
            assert!(!said.contains("canary"), "{said}");
            assert!(!said.contains("99, 97"), "{said}");
        }
    }

    #[test]
    fn lines_of_the_table_are_read() {
        let ours =
            "0c4e1c2d I--Q---     1 perm 3f010000  1000  1000 user      valetkey:d/secret/x: 12";
        assert_eq!(listed(ours), Some("valetkey:d/secret/x"));
        for other in [
            "0c4e1c2d I--Q---     1 perm 1f3f0000  1000 65534 keyring   _uid.1000: 2",
            "0c4e1c2d I--Q---     1 perm 3f010000  1000  1000 user      two words: 12",
            "",
        ] {
            assert_eq!(listed(other), None, "{other}");
        }
    }

    #[test]
    fn a_kernel_without_keys_is_absent() {
        let absent = refused(KeyError::Unknown(38));
        assert!(matches!(absent, StoreError::Absent(_)));
    }
}
