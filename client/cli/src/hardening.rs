//! What this process does to itself before it holds a secret.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core file, which would hold a token or a secret.
///
/// The process stays dumpable on purpose: of one that is not, the broker could not read the
/// executable and the namespaces by which it tells callers apart.
pub(crate) fn no_core_file() {
    // Lowering a limit is always allowed; were it not, there is nothing better to do.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
}
