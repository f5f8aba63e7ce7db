//! The connections that calls use, as few as will do.
//!
//! GNOME Keyring 42 dies of a failed assertion when clients come and go in numbers: it keeps its list
//! of clients from two threads without a lock. So calls take turns on one pair of connections, and
//! another pair is opened, one at a time, only when the first is not given back for a while: it is
//! with a call that is stuck, and nobody else shall be.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::error::Fault;
use crate::calls::detached;

/// How long a call waits for a connection that another call has.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many are kept between calls.
const KEPT: usize = 2;

/// Connections of kind `L`.
pub(super) struct Lines<L: Send + 'static> {
    connect: fn() -> Result<L, Fault>,
    pool: Mutex<Pool<L>>,
    returned: Condvar,
    connecting: Mutex<()>,
}

struct Pool<L> {
    idle: Vec<L>,
    busy: usize,
}

impl<L: Send + 'static> Lines<L> {
    pub(super) fn new(connect: fn() -> Result<L, Fault>) -> Self {
        Self {
            connect,
            pool: Mutex::new(Pool {
                idle: Vec::new(),
                busy: 0,
            }),
            returned: Condvar::new(),
            connecting: Mutex::new(()),
        }
    }

    /// Does `work` on a line that was kept, and again on a new one where that turns out broken.
    pub(super) fn on_line<T>(&self, work: impl Fn(&L) -> Result<T, Fault>) -> Result<T, Fault> {
        let (_busy, kept) = self.take();
        if let Some(line) = kept {
            match self.work_on(line, &work) {
                // The other lines are as old and lead to the same place.
                Err(fault) if fault.broken => self.pool().idle.clear(),
                done => return done,
            }
        }
        let line = self.open()?;
        self.work_on(line, &work)
    }

    /// A kept line, waiting a while for one that is in use.
    fn take(&self) -> (Busy<'_, L>, Option<L>) {
        let (mut pool, _) = self
            .returned
            .wait_timeout_while(self.pool(), PATIENCE, |pool| {
                pool.idle.is_empty() && pool.busy > 0
            })
            .unwrap_or_else(PoisonError::into_inner);
        pool.busy += 1;
        (Busy(self), pool.idle.pop())
    }

    /// A new line, or one that came back while others were connecting.
    fn open(&self) -> Result<L, Fault> {
        let _turn = self
            .connecting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let returned = self.pool().idle.pop();
        returned.map_or_else(self.connect, Ok)
    }

    /// Keeps the line afterwards, unless it may be broken.
    fn work_on<T>(&self, line: L, work: impl Fn(&L) -> Result<T, Fault>) -> Result<T, Fault> {
        let done = work(&line);
        if !matches!(&done, Err(fault) if fault.broken) {
            let mut pool = self.pool();
            if pool.idle.len() < KEPT {
                pool.idle.push(line);
            }
        }
        done
    }

    fn pool(&self) -> MutexGuard<'_, Pool<L>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that has a line or is about to; also while its work panics.
struct Busy<'a, L: Send + 'static>(&'a Lines<L>);

impl<L: Send + 'static> Drop for Busy<'_, L> {
    fn drop(&mut self) {
        self.0.pool().busy -= 1;
        self.0.returned.notify_all();
    }
}

/// Closing a connection blocks, and the library panics where it does so inside a runtime.
impl<L: Send + 'static> Drop for Lines<L> {
    fn drop(&mut self) {
        let idle = mem::take(&mut self.pool().idle);
        if !idle.is_empty() {
            // Without a thread the process is past caring.
            drop(detached(move || drop(idle)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        thread,
    };

    use valetkey_core::ports::StoreError;

    use super::{Fault, Lines};

    #[test]
    fn calls_share_one_line() {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let lines = Lines::new(|| Ok(OPENED.fetch_add(1, Ordering::SeqCst)));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| assert!(lines.on_line(|_| Ok(())).is_ok()));
            }
        });
        // One, but for a machine so busy that somebody waits in vain.
        assert!(OPENED.load(Ordering::SeqCst) <= 2);
    }

    #[test]
    fn a_stuck_call_keeps_its_line_to_itself() {
        let lines = Lines::new(|| Ok(()));
        let (release, stuck) = mpsc::channel::<()>();
        let stuck = std::sync::Mutex::new(stuck);
        thread::scope(|scope| {
            let (begin, begun) = mpsc::channel();
            let lines = &lines;
            scope.spawn(move || {
                lines.on_line(|()| {
                    begin.send(()).unwrap();
                    assert!(stuck.lock().unwrap().recv().is_err());
                    Ok(())
                })
            });
            begun.recv().unwrap();
            assert!(lines.on_line(|()| Ok(())).is_ok());
            drop(release);
        });
    }

    #[test]
    fn a_broken_line_is_replaced_within_the_call() {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let lines = Lines::new(|| Ok(OPENED.fetch_add(1, Ordering::SeqCst)));
        assert_eq!(lines.on_line(|line| Ok(*line)).ok(), Some(0));
        let replaced = lines.on_line(|line| match line {
            0 => Err(broken()),
            line => Ok(*line),
        });
        assert_eq!(replaced.ok(), Some(1));
        assert_eq!(lines.on_line(|line| Ok(*line)).ok(), Some(1), "and kept");
        let error = lines.on_line(|_| Err::<(), _>(broken()));
        assert!(
            matches!(error, Err(fault) if fault.broken),
            "tried twice, not for ever"
        );
    }

    fn broken() -> Fault {
        Fault {
            error: StoreError::Absent("gone".into()),
            broken: true,
        }
    }
}
