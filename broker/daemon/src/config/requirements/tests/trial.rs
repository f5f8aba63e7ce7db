//! Requirements that are only told.

use super::{MINE, Machine, replaced};
use crate::config::Policies;

const API: &str = "[keyring]\nstore = \"kernel\"\n[credentials.api]\nsource = \"signed\"\nscopes = [\"read\", \"write\"]\naudiences = [\"x\"]\n";
const REQUIRED: &str = "mode = \"audit-only\"\n[keyring]\nallowed = [\"secret-service\"]\n[session]\nmax_lifetime = \"1h\"\n[credentials.api]\nscopes = [\"read\"]\nmin_tier = \"human\"\n[policy.files]\n\"a.cedar\" = \"permit a\"\n";

#[test]
fn nothing_is_replaced_and_all_of_it_is_told() {
    let config = Machine::required(&format!("{MINE}{API}"), REQUIRED)
        .load()
        .unwrap();
    assert_eq!(config.session.max_lifetime, 86400);
    assert!(config.keyring.kernel);
    assert_eq!(config.policies, Policies::Baseline);
    let api = config.credentials.find("api").unwrap();
    assert_eq!(
        (api.scopes.to_string().as_str(), api.min_tier.id()),
        ("read write", "auto")
    );
    assert_eq!(
        replaced(&config),
        [
            "keyring.store",
            "session.max_lifetime",
            "session.lifetime",
            "policy.folder",
            "credentials.api.min_tier",
            "credentials.api.scopes",
        ]
    );
    let shown = config.to_string();
    assert!(shown.contains("on trial: nothing is enforced"), "{shown}");
    assert!(
        shown.contains("`session.max_lifetime` would be replaced: 1d -> 1h"),
        "{shown}"
    );
}

#[test]
fn what_would_be_in_force_is_there_to_be_asked() {
    let config = Machine::required(&format!("{MINE}{API}"), REQUIRED)
        .load()
        .unwrap();
    let trial = config.trial.unwrap();
    let texts = vec![("a.cedar".to_owned(), "permit a".to_owned())];
    assert_eq!(trial.policies, Policies::Texts(texts));
    let api = trial.credentials.find("api").unwrap();
    assert_eq!(
        (api.scopes.to_string().as_str(), api.min_tier.id()),
        ("read", "human")
    );
}

#[test]
fn they_do_not_end_what_they_do_not_bind() {
    let with_end = format!("expires = 2027-06-30T00:00:00Z\n{REQUIRED}");
    let config = Machine::required(&format!("{MINE}{API}"), &with_end)
        .load()
        .unwrap();
    let force = config.requirements.unwrap();
    assert!(!force.enforced && force.expires.is_some());
    assert_eq!(force.ends(), None);
}

#[test]
fn once_enforced_there_is_no_trial() {
    let config = Machine::required(MINE, "[session]\nmax_lifetime = \"1h\"")
        .load()
        .unwrap();
    assert!(config.trial.is_none());
    let force = config.requirements.unwrap();
    assert!(force.enforced);
    assert_eq!(force.findings().len(), 3, "itself, and two values");
}
