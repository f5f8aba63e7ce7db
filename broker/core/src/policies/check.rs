//! A folder of policies is looked at before anybody relies on it.

use std::path::Path;

use valetkey_codes::Code;

use crate::{
    Broker, Refusal,
    ports::{Checked, PolicyError},
};

/// Validates a folder, runs its cases and looks for rules that do nothing. No folder means the policies
/// in force. Computes for up to a second: call it from a blocking thread.
pub fn check(
    broker: &Broker,
    folder: Option<&Path>,
    cases: Option<&Path>,
) -> Result<Checked, Refusal> {
    let credentials = &broker.settings.credentials;
    let checked = broker.ports.lab.check(folder, cases, credentials);
    checked.map_err(|error| unfit(&error))
}

/// What was named for a look at it cannot be taken. Nothing is in force of it, so there is nothing to
/// reload.
pub(super) fn unfit(error: &PolicyError) -> Refusal {
    Refusal::new(Code::PolicyInvalid)
        .saying(error.to_string())
        .advising("correct what the message names, and run the same again")
}

#[cfg(test)]
mod tests {
    use super::{PolicyError, unfit};

    #[test]
    fn what_is_only_looked_at_is_not_reloaded() {
        let refusal = unfit(&PolicyError::Invalid("`/p` does not exist".to_owned()));
        assert_eq!(refusal.message(), "`/p` does not exist");
        assert!(!refusal.next_step().contains("reload"));
    }
}
