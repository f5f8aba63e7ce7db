//! What only the operating system knows: who is at the other end of a socket, what time it is, what is
//! random; and what only it can do: keep other processes out of this one and out of its files.
//!
//! The one crate that reads `/proc` and makes system calls of its own. Linux only. No `unsafe`:
//! `rustix` and `nix` have a safe call for everything here.
//!
//! At start the daemon calls, in this order and before it makes a thread: [`harden`],
//! [`Activated::take`]; then [`private_dir`], [`InstanceLock::acquire`], [`bind_private_socket`]; and
//! [`notify_ready`] once it answers.

mod activation;
mod clock;
mod entropy;
mod harden;
mod instance;
mod peer;
mod private;

pub use activation::{Activated, notify_ready, notify_stopping};
pub use clock::SystemClock;
pub use entropy::SystemEntropy;
pub use harden::harden;
pub use instance::{InstanceError, InstanceLock};
pub use peer::{KernelCallers, pid_namespace};
pub use private::{PrivateError, bind_private_socket, owner, private_dir};
