//! What a test asks of GNOME Keyring over D-Bus, past the library under test.

use std::{collections::HashMap, thread};

use zbus::{
    blocking::{Connection, Proxy, connection::Builder, fdo::DBusProxy},
    zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

use super::Prepared;

/// The name that a keyring owns on the bus.
pub(super) const PROVIDER: &str = "org.freedesktop.secrets";

const SERVICE: &str = "/org/freedesktop/secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A connection that stays as long as the bus: GNOME Keyring 42 can crash when one client leaves as
/// another comes.
pub(super) struct Wire(Option<Connection>);

impl Wire {
    pub(super) fn connect(address: &str) -> Prepared<Self> {
        off_runtime(|| Ok(Self(Some(Builder::address(address)?.build()?))))
    }

    pub(super) fn lock(&self) -> Prepared<()> {
        off_runtime(|| {
            let login = ObjectPath::try_from(LOGIN)?;
            let service = self.proxy(SERVICE, "org.freedesktop.Secret.Service")?;
            let _locked: (Vec<OwnedObjectPath>, OwnedObjectPath) =
                service.call("Lock", &(vec![login],))?;
            Ok(())
        })
    }

    pub(super) fn unlock(&self, password: &str) -> Prepared<()> {
        off_runtime(|| {
            let service = self.proxy(SERVICE, "org.freedesktop.Secret.Service")?;
            let (_, session): (OwnedValue, OwnedObjectPath) =
                service.call("OpenSession", &("plain", Value::from("")))?;
            // The one call that needs no prompter. Its name is a warning to programs, not to tests.
            let internal = self.proxy(
                SERVICE,
                "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            )?;
            let secret = (session, Vec::<u8>::new(), password.as_bytes(), "text/plain");
            internal.call::<_, _, ()>(
                "UnlockWithMasterPassword",
                &(ObjectPath::try_from(LOGIN)?, secret),
            )?;
            Ok(())
        })
    }

    pub(super) fn is_locked(&self) -> Prepared<bool> {
        off_runtime(|| self.property(LOGIN, "org.freedesktop.Secret.Collection", "Locked"))
    }

    /// Under which names the login collection keeps something: each item's attribute `username`.
    pub(super) fn entries(&self) -> Prepared<Vec<String>> {
        off_runtime(|| {
            let items: Vec<OwnedObjectPath> =
                self.property(LOGIN, "org.freedesktop.Secret.Collection", "Items")?;
            let mut entries = Vec::with_capacity(items.len());
            for item in items {
                let mut attributes: HashMap<String, String> =
                    self.property(item.as_str(), "org.freedesktop.Secret.Item", "Attributes")?;
                entries.extend(attributes.remove("username"));
            }
            entries.sort_unstable();
            Ok(entries)
        })
    }

    /// Does what makes the provider go away, and returns when its name is free.
    pub(super) fn until_gone(&self, end: impl FnOnce() + Send) -> Prepared<()> {
        off_runtime(|| {
            let changes = DBusProxy::new(self.bus()?)?
                .receive_name_owner_changed_with_args(&[(0, PROVIDER)])?;
            end();
            for change in changes {
                if change.args()?.new_owner().is_none() {
                    return Ok(());
                }
            }
            Err("the bus went away first".into())
        })
    }

    fn property<T>(&self, path: &str, interface: &str, name: &str) -> Prepared<T>
    where
        T: TryFrom<OwnedValue, Error: Into<zbus::zvariant::Error>>,
    {
        let object = self.proxy(path, "org.freedesktop.DBus.Properties")?;
        let value: OwnedValue = object.call("Get", &(interface, name))?;
        Ok(T::try_from(value).map_err(Into::into)?)
    }

    fn proxy<'a>(&self, path: &'a str, interface: &'a str) -> Prepared<Proxy<'a>> {
        Ok(Proxy::new(self.bus()?, PROVIDER, path, interface)?)
    }

    fn bus(&self) -> Prepared<&Connection> {
        self.0.as_ref().ok_or_else(|| "the bus is gone".into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let bus = self.0.take();
        drop(off_runtime(move || {
            drop(bus);
            Ok(())
        }));
    }
}

/// Blocking calls of zbus panic inside a runtime, where most tests are.
fn off_runtime<T: Send>(work: impl FnOnce() -> Prepared<T> + Send) -> Prepared<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(work);
        thread.join().map_err(|_| "the D-Bus client panicked")?
    })
}
