//! Contract of [`Callers`], one function per promise.
#![expect(
    clippy::unwrap_used,
    reason = "a contract suite panics where a promise is broken"
)]

use std::os::fd::{AsFd as _, OwnedFd};

use valetkey_core::{
    Pins,
    ports::{CallerError, Callers, Mismatch},
};

/// An adapter, and one peer that can connect and end.
pub trait Stage {
    /// The adapter.
    fn callers(&self) -> &dyn Callers;
    /// Lets the peer connect; gives the broker's end.
    fn connect(&mut self) -> OwnedFd;
    /// Executable, cgroup and PID namespace of the peer.
    fn pins(&self) -> Pins;
    /// Ends the peer; gives back when it has ended, whether or not anybody has waited for it.
    fn end(&mut self);
    /// The user that the peer runs as.
    fn uid(&self) -> u32;
}

/// Every promise, each on a fresh stage.
pub fn suite<S: Stage>(make: impl Fn() -> S) {
    describes_a_living_peer(make());
    asks_nothing_where_nothing_is_pinned(make());
    accepts_what_is_pinned(make());
    refuses_another_executable(make());
    refuses_another_cgroup(make());
    refuses_another_namespace(make());
    describes_by_number_what_connects(make());
    knows_that_a_peer_has_ended(make());
    uses_no_facts_of_a_peer_that_has_ended(make());
}

fn describes_a_living_peer(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    assert_eq!(caller.uid, stage.uid());
    assert!(caller.pid > 0);
    assert!(caller.started > 0);
    assert!(stage.callers().alive(&caller));
    let again = stage.callers().identify(socket.as_fd()).unwrap();
    assert_eq!((caller.pid, caller.started), (again.pid, again.started));
}

fn asks_nothing_where_nothing_is_pinned(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let satisfied = stage.callers().satisfies(&caller, &Pins::default());
    assert_eq!(satisfied, Ok(()));
}

fn accepts_what_is_pinned(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let pins = stage.pins();
    assert!(pins.executable_sha256.is_some() && pins.cgroup.is_some());
    assert_eq!(stage.callers().satisfies(&caller, &pins), Ok(()));
    let above = Pins {
        cgroup: Some("/".to_owned()),
        ..pins
    };
    assert_eq!(stage.callers().satisfies(&caller, &above), Ok(()));
}

fn refuses_another_namespace(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let pinned = stage.pins().pid_namespace.unwrap();
    for namespace in [pinned + 1, Pins::NOWHERE] {
        let pins = Pins {
            pid_namespace: Some(namespace),
            ..Pins::default()
        };
        let satisfied = stage.callers().satisfies(&caller, &pins);
        assert_eq!(satisfied, Err(Mismatch::Namespace));
    }
}

fn describes_by_number_what_connects(mut stage: impl Stage) {
    let socket = stage.connect();
    let pins = stage.pins();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let (same, namespace) = stage.callers().describe(caller.pid).unwrap();
    assert_eq!(Some(namespace), pins.pid_namespace);
    assert_eq!(
        (same.uid, same.pid, same.started),
        (caller.uid, caller.pid, caller.started)
    );
    stage.end();
    assert!(stage.callers().describe(caller.pid).is_err());
}

fn refuses_another_executable(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let other = Pins {
        executable_sha256: Some("0".repeat(64)),
        ..stage.pins()
    };
    let satisfied = stage.callers().satisfies(&caller, &other);
    assert_eq!(satisfied, Err(Mismatch::Executable));
}

fn refuses_another_cgroup(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let own = stage.pins().cgroup.unwrap();
    let own = own.trim_end_matches('/');
    let below = format!("{own}/below");
    // `/agents/on` is no folder above `/agents/one`.
    let cut: String = own.chars().take(own.len().saturating_sub(1)).collect();
    let cut = Some(cut).filter(|cut| cut.len() > 1 && !cut.ends_with('/'));
    for other in [
        Some(below),
        Some(format!("{own}x")),
        cut,
        Some(String::new()),
    ] {
        let Some(cgroup) = other else { continue };
        let pins = Pins {
            executable_sha256: None,
            cgroup: Some(cgroup),
            pid_namespace: None,
        };
        let satisfied = stage.callers().satisfies(&caller, &pins);
        assert_eq!(satisfied, Err(Mismatch::Cgroup), "{pins:?}");
    }
}

fn knows_that_a_peer_has_ended(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    stage.end();
    assert!(!stage.callers().alive(&caller));
    let late = stage.callers().identify(socket.as_fd());
    assert!(matches!(late, Err(CallerError::Gone)), "{late:?}");
}

fn uses_no_facts_of_a_peer_that_has_ended(mut stage: impl Stage) {
    let socket = stage.connect();
    let caller = stage.callers().identify(socket.as_fd()).unwrap();
    let pins = stage.pins();
    stage.end();
    for pins in [pins, Pins::default()] {
        let satisfied = stage.callers().satisfies(&caller, &pins);
        assert_eq!(satisfied, Err(Mismatch::Unknown), "{pins:?}");
    }
}
