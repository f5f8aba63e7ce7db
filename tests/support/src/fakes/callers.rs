//! A [`Callers`] that says what it was told to say.

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, BorrowedFd},
    path::Path,
    sync::{Mutex, PoisonError},
};

use valetkey_core::{
    Caller, Pins,
    ports::{CallerError, Callers, Mismatch},
};

/// Everybody who connects is the same process of the same user, until it [ends](Self::end).
pub struct FakeCallers {
    uid: u32,
    facts: Mutex<Facts>,
}

struct Facts {
    ended: bool,
    pins: Pins,
}

/// The PID namespace that it is in where nothing else is settled.
const NAMESPACE: u64 = 77;

impl FakeCallers {
    /// A living process of `uid`.
    pub fn new(uid: u32) -> Self {
        let facts = Facts {
            ended: false,
            pins: Pins::default(),
        };
        Self {
            uid,
            facts: Mutex::new(facts),
        }
    }

    /// Settles which executable it runs and which cgroup it is in.
    pub fn pose_as(&self, pins: Pins) {
        self.change(|facts| facts.pins = pins);
    }

    /// The process ends.
    pub fn end(&self) {
        self.change(|facts| facts.ended = true);
    }

    /// The process as [`Callers::identify`] describes it.
    pub fn caller(&self) -> io::Result<Caller> {
        Ok(Caller {
            uid: self.uid,
            pid: 4242,
            started: 1,
            pidfd: File::open("/dev/null")?.into(),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Callers for FakeCallers {
    fn identify(&self, _socket: BorrowedFd<'_>) -> Result<Caller, CallerError> {
        if self.change(|facts| facts.ended) {
            return Err(CallerError::Gone);
        }
        Ok(self.caller()?)
    }

    fn describe(&self, _pid: i32) -> Result<(Caller, u64), CallerError> {
        let own = self.change(|facts| facts.pins.pid_namespace);
        let caller = self.identify(std::io::stdin().as_fd())?;
        Ok((caller, own.unwrap_or(NAMESPACE)))
    }

    fn alive(&self, _caller: &Caller) -> bool {
        self.change(|facts| !facts.ended)
    }

    fn satisfies(&self, _caller: &Caller, pins: &Pins) -> Result<(), Mismatch> {
        self.change(|facts| {
            let own = &facts.pins;
            let other = |pinned: &String| own.executable_sha256.as_ref() != Some(pinned);
            let outside = |pinned: &String| {
                let cgroup = own.cgroup.as_deref().map(Path::new);
                !cgroup.is_some_and(|own| pinned.starts_with('/') && own.starts_with(pinned))
            };
            let elsewhere = |pinned: u64| own.pid_namespace.unwrap_or(NAMESPACE) != pinned;
            if pins.pid_namespace.is_some_and(elsewhere) {
                return Err(Mismatch::Namespace);
            }
            if pins.executable_sha256.as_ref().is_some_and(other) {
                Err(Mismatch::Executable)
            } else if pins.cgroup.as_ref().is_some_and(outside) {
                Err(Mismatch::Cgroup)
            } else if facts.ended {
                Err(Mismatch::Unknown)
            } else {
                Ok(())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::fd::OwnedFd};

    use valetkey_core::{Pins, ports::Callers};

    use super::FakeCallers;
    use crate::contracts::callers::{self, Stage};

    struct Fake(FakeCallers);

    impl Stage for Fake {
        fn callers(&self) -> &dyn Callers {
            &self.0
        }
        fn connect(&mut self) -> OwnedFd {
            File::open("/dev/null").unwrap().into()
        }
        fn pins(&self) -> Pins {
            let pins = Pins {
                executable_sha256: Some("ab".repeat(32)),
                cgroup: Some("/agents/one".to_owned()),
                pid_namespace: Some(7),
            };
            self.0.pose_as(pins.clone());
            pins
        }
        fn end(&mut self) {
            self.0.end();
        }
        fn uid(&self) -> u32 {
            1000
        }
    }

    #[test]
    fn passes_the_contract() {
        callers::suite(|| Fake(FakeCallers::new(1000)));
    }
}
