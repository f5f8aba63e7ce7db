//! What the errors of the libraries say of the keyring.
//!
//! By type and by D-Bus error name, never by their text: that is the provider's and may change, be in
//! another language, or repeat what it was given.

use keyring_core::Error;
use secret_service::Error as ServiceError;
use valetkey_core::ports::StoreError;
use zbus::{DBusError as _, names::ErrorName};
use zeroize::Zeroize as _;

/// A call that failed.
pub(super) struct Fault {
    pub(super) error: StoreError,
    /// Whether another connection might do better.
    pub(super) broken: bool,
}

impl Fault {
    fn verdict(error: StoreError) -> Self {
        Self {
            error,
            broken: false,
        }
    }

    fn broken(error: StoreError) -> Self {
        Self {
            error,
            broken: true,
        }
    }

    /// Where one entry was to be found, `found` were.
    pub(super) fn not_one(found: usize) -> Self {
        Self::verdict(match found {
            0 => StoreError::NoEntry,
            _ => StoreError::Denied(format!(
                "{found} entries have the same name; remove all but one"
            )),
        })
    }

    /// An error of the store library.
    pub(super) fn of_store(error: Error) -> Self {
        match error {
            Error::NoEntry => Self::verdict(StoreError::NoEntry),
            Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
                match cause.downcast_ref::<ServiceError>() {
                    Some(cause) => Self::of_service(cause),
                    None => Self::broken(StoreError::Denied("for a reason it did not give".into())),
                }
            }
            Error::BadEncoding(mut secret) | Error::BadDataFormat(mut secret, _) => {
                secret.zeroize();
                Self::verdict(StoreError::Denied("the entry was damaged".into()))
            }
            Error::Ambiguous(entries) => Self::not_one(entries.len()),
            _ => Self::verdict(StoreError::Denied("it does not take this entry".into())),
        }
    }

    /// An error of the Secret Service library.
    pub(super) fn of_service(error: &ServiceError) -> Self {
        match error {
            ServiceError::Locked => Self::verdict(StoreError::Locked),
            ServiceError::Prompt => {
                Self::verdict(StoreError::Denied("the prompt was dismissed".into()))
            }
            ServiceError::NoResult => Self::verdict(StoreError::Absent(
                "there is no default collection; create one in the keyring's own program".into(),
            )),
            ServiceError::Unavailable => Self::broken(no_bus()),
            ServiceError::PromptDisconnected => Self::broken(went_away()),
            ServiceError::Crypto(_) => Self::broken(StoreError::Denied(
                "its answer could not be decrypted".into(),
            )),
            ServiceError::Zbus(error) => Self::of_bus(error),
            ServiceError::ZbusFdo(error) => Self::of_name(&error.name()),
            _ => Self::broken(incomprehensible()),
        }
    }

    fn of_bus(error: &zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, ..) => Self::of_name(name),
            zbus::Error::FDO(error) => Self::of_name(&error.name()),
            zbus::Error::Address(_) | zbus::Error::Connection(..) | zbus::Error::Handshake(_) => {
                Self::broken(no_bus())
            }
            zbus::Error::InputOutput(_) => Self::broken(went_away()),
            _ => Self::broken(incomprehensible()),
        }
    }

    fn of_name(name: &ErrorName<'_>) -> Self {
        match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => Self::verdict(StoreError::Locked),
            "org.freedesktop.Secret.Error.NoSuchObject" => Self::verdict(StoreError::NoEntry),
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner" => Self::broken(StoreError::Absent(
                "nothing on the session bus provides secrets".into(),
            )),
            spawn if spawn.starts_with("org.freedesktop.DBus.Error.Spawn.") => Self::broken(
                StoreError::Absent("the session bus could not start a provider of secrets".into()),
            ),
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Disconnected" => {
                Self::broken(went_away())
            }
            // Longer names than any that exists are somebody's attempt at something.
            other => Self::broken(StoreError::Denied(format!(
                "it answered `{}`",
                other.chars().take(80).collect::<String>()
            ))),
        }
    }
}

fn no_bus() -> StoreError {
    StoreError::Absent("there is no session bus".into())
}

fn went_away() -> StoreError {
    StoreError::Absent("it went away during the call".into())
}

fn incomprehensible() -> StoreError {
    StoreError::Denied("its answer could not be understood".into())
}

#[cfg(test)]
mod tests {
    use keyring_core::Error;
    use secret_service::Error as ServiceError;
    use valetkey_core::ports::StoreError;

    use super::Fault;

    #[test]
    fn no_error_repeats_the_secret() {
        let canary = b"canary-in-an-error".to_vec();
        for error in [
            Error::BadEncoding(canary.clone()),
            Error::BadDataFormat(canary.clone(), "canary-in-an-error".into()),
            Error::PlatformFailure("canary-in-an-error".into()),
            Error::Invalid("canary-in-an-error".into(), "canary-in-an-error".into()),
        ] {
            let said = format!("{:?}", Fault::of_store(error).error);
            assert!(!said.contains("canary"), "{said}");
            assert!(!said.contains("99, 97"), "{said}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let locked = Fault::of_service(&ServiceError::Locked);
        assert_eq!(locked.error, StoreError::Locked);
        assert!(!locked.broken);
        for absent in [ServiceError::Unavailable, ServiceError::PromptDisconnected] {
            let fault = Fault::of_service(&absent);
            assert!(matches!(fault.error, StoreError::Absent(_)));
            assert!(fault.broken);
        }
        let fdo = ServiceError::ZbusFdo(zbus::fdo::Error::ServiceUnknown("en français".into()));
        assert!(matches!(
            Fault::of_service(&fdo).error,
            StoreError::Absent(_)
        ));
    }
}
