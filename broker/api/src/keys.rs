//! What the broker's signing keys failed with, for the two doors that show them.

use valetkey_codes::Code;
use valetkey_core::{Refusal, ports::SourceError};

/// The refusal that says so.
pub(crate) fn refusal(error: &SourceError) -> Refusal {
    let code = match error {
        SourceError::Secret(error) => error.code(),
        SourceError::Unavailable(_) => Code::UpstreamUnavailable,
        SourceError::Failed(_) => Code::Internal,
    };
    Refusal::new(code).because(error.to_string())
}
