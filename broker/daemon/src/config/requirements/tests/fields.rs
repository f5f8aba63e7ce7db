//! Every field of the requirements, attacked from the user's side.
//!
//! The list of fields is asked of the parser, so a field without a case fails the test.

use std::collections::BTreeSet;

use valetkey_core::ProfileName;

use super::{
    MINE, Machine,
    attacks::{API, ATTACKS, api},
    replaced,
};
use crate::config::requirements::Requirements;

/// Fields with tests of their own, because they stop the start or need files.
const ELSEWHERE: &[&str] = &[
    "mode",            // trial
    "version",         // bundle
    "expires",         // bundle, places
    "keyring.allowed", // below
    "policy.folder",   // places
    "commands.file",   // below
];

#[test]
fn each_field_wins_and_is_told() {
    for attack in ATTACKS {
        let field = attack.field;
        let mine = format!("{MINE}{}\n", attack.mine);
        let free = Machine::new(&mine).load().unwrap();
        assert_eq!(
            (attack.seen)(&free),
            attack.before,
            "{field} without requirements"
        );

        let bound = Machine::required(&mine, attack.required).load();
        let bound = bound.unwrap_or_else(|error| panic!("{field}: {error}"));
        assert_eq!(
            (attack.seen)(&bound),
            attack.after,
            "{field} under requirements"
        );
        assert!(
            replaced(&bound).contains(&attack.told),
            "{field}: {:?}",
            bound.requirements
        );
        let shown = bound.to_string();
        let line = format!("`{}` replaced: ", attack.told);
        assert!(
            shown.contains(&line),
            "{field}: --check-config says\n{shown}"
        );
    }
}

#[test]
fn each_field_has_its_attack() {
    let known: BTreeSet<String> = fields("").into_iter().collect();
    let attacked: BTreeSet<String> = ATTACKS
        .iter()
        .map(|attack| attack.field)
        .chain(ELSEWHERE.iter().copied())
        .map(str::to_owned)
        .collect();
    assert_eq!(known, attacked);
    assert!(known.len() > 40, "{known:?}");
}

/// The fields below a table, as the parser lists them when it meets one that it does not know.
fn fields(table: &str) -> Vec<String> {
    // A table of names: any name stands for all.
    let table = match table {
        "credentials" => "credentials.NAME",
        // Whole profiles are the admin's, in place of the user's.
        "sandbox.profiles" => return vec![table.to_owned()],
        table => table,
    };
    let header = if table.is_empty() {
        String::new()
    } else {
        format!("[{table}]\n")
    };
    let error = toml::from_str::<Requirements>(&format!("{header}no_such_key = 1\n"));
    let message = error.map_or_else(|error| error.message().to_owned(), |_| String::new());
    if !message.starts_with("unknown field `no_such_key`") {
        return vec![table.to_owned()];
    }
    let below = message.split('`').skip(1).step_by(2).skip(1);
    below
        .flat_map(|key| match table {
            "" => fields(key),
            table => fields(&format!("{table}.{key}")),
        })
        .collect()
}

#[test]
fn what_is_strict_enough_stays_and_is_not_told() {
    let mine = format!(
        "{MINE}grace = \"10m\"\n[approvals]\nfour_eyes = true\nrefusal_holds = \"1d\"\nsuspend_after = 4\nslow_after = 2\n{API}min_tier = \"human\"\n"
    );
    let required = "[provider]\ngrace = \"1h\"\n[approvals]\nfour_eyes = false\nrefusal_holds = \"1m\"\nsuspend_after = 5\n[credentials.api]\nmin_tier = \"review\"\nscopes = [\"read\", \"write\", \"more\"]\nlabels = [\"mine\"]";
    let config = Machine::required(&mine, required).load().unwrap();
    assert_eq!(replaced(&config), Vec::<&str>::new());
    assert_eq!(config.provider.grace_seconds, 600);
    assert!(config.approvals.four_eyes);
    assert_eq!(config.approvals.refusal_holds, 86400);
    assert_eq!(api(&config, |api| api.min_tier.id().to_owned()), "human");
}

#[test]
fn a_keyring_that_is_not_allowed_stops_the_start() {
    let mine = format!("{MINE}[keyring]\nstore = \"kernel\"\n");
    let required = "[keyring]\nallowed = [\"secret-service\"]";
    let error = Machine::required(&mine, required).load().unwrap_err();
    assert!(
        error.contains(
            "`keyring.store = \"kernel\"` is not allowed here; set it to one of: secret-service"
        ),
        "{error}"
    );
    assert!(Machine::required(MINE, required).load().is_ok());
}

#[test]
fn a_credential_of_which_no_scope_is_left_is_gone() {
    let required = "[credentials.api]\nscopes = [\"list\"]";
    let config = Machine::required(&format!("{MINE}{API}"), required)
        .load()
        .unwrap();
    assert!(config.credentials.find("api").is_none());
    assert_eq!(replaced(&config), ["credentials.api.scopes"]);
}

#[test]
fn a_name_that_binds_nothing_is_told() {
    let required =
        "[credentials.\"*\"]\nmin_tier = \"review\"\n[credentials.aip]\nmin_tier = \"human\"";
    let config = Machine::required(&format!("{MINE}{API}"), required)
        .load()
        .unwrap();
    assert_eq!(replaced(&config), ["credentials.api.min_tier"]);
    let line = "`credentials.aip` binds nothing here: no credential of that name";
    let shown = config.to_string();
    assert!(shown.contains(line), "{shown}");
    assert!(
        !shown.contains("`credentials.api` binds nothing"),
        "{shown}"
    );
    assert!(!shown.contains("`credentials.*`"), "{shown}");
    let findings = config.requirements.unwrap().findings();
    assert!(findings.iter().any(|finding| finding.text == line));
}

#[test]
fn a_profile_that_is_gone_is_told_and_so_is_what_is_usual_then() {
    let mine = format!("{MINE}[sandbox]\nprofile = \"open\"\n");
    let allowed = |mine: &str, names: &str| {
        let required = format!("[sandbox]\nallowed = {names}");
        Machine::required(mine, &required).load().unwrap()
    };
    let config = allowed(&mine, "[\"read-only\", \"workspace-wrtie\"]");
    let shown = config.to_string();
    for line in [
        "`sandbox.allowed` replaced: open, read-only, workspace-write -> read-only\n",
        "`sandbox.profile` replaced: open -> read-only\n",
        "`workspace-wrtie` of `sandbox.allowed` binds nothing here: no sandbox profile of that name\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let open = ProfileName::parse("open").unwrap();
    assert!(config.profiles.forbids(&open));
    assert!(config.profiles.find(Some(&open)).is_none());

    let config = allowed(MINE, "[\"read-only\"]");
    let shown = config.to_string();
    assert!(
        shown.contains("`sandbox.profile` replaced: workspace-write -> read-only"),
        "the usual one was never written: {shown}"
    );
    let config = allowed(MINE, "[\"open\", \"read-only\", \"workspace-write\"]");
    assert_eq!(replaced(&config), Vec::<&str>::new());

    let config = allowed(&mine, "[]");
    let shown = config.to_string();
    for line in [
        "`sandbox.profile` replaced: open -> none\n",
        "`sandbox.allowed` leaves no profile: no sandbox can be made here\n",
        "sandboxes     no profile is allowed: none can be made\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

/// The admin's ceiling is no mistake of the user's: what is left of the credential is used.
#[test]
fn a_scope_that_requirements_take_away_does_not_stop_the_start() {
    let mine = format!(
        "{MINE}[credentials.key]\nsource = \"static\"\nscopes = [\"look\", \"change\"]\n[[credentials.key.inject]]\nhosts = [\"api.example.test\"]\nheader = \"x-key\"\nscope = \"change\"\n"
    );
    let required = "[credentials.key]\nscopes = [\"look\"]";
    let config = Machine::required(&mine, required).load().unwrap();
    assert_eq!(replaced(&config), ["credentials.key.scopes"]);
}

#[test]
fn a_webhook_that_nobody_vouched_for_carries_no_answers() {
    let mine = format!(
        "{MINE}[approvals.webhook]\nurl = \"https://me.example.test/in\"\nsecret = \"hook\"\nmay_answer = true\n"
    );
    let config = Machine::required(&mine, "").load().unwrap();
    assert!(!config.webhook.as_ref().unwrap().may_answer);
    assert_eq!(replaced(&config), ["approvals.webhook.may_answer"]);
    let vouched = "[approvals.webhook]\nallowed = [\"https://me.example.test/in\"]";
    let config = Machine::required(&mine, vouched).load().unwrap();
    assert!(config.webhook.unwrap().may_answer);
}

#[test]
fn the_admin_may_say_all_there_is_to_say() {
    let machine = Machine::required(
        "",
        "[provider]\nissuer = \"https://company.example.test\"\nclient_id = \"company\"",
    );
    let config = machine.load().unwrap();
    assert_eq!(config.provider.client_id, "company");
    assert_eq!(
        replaced(&config),
        Vec::<&str>::new(),
        "nothing was replaced"
    );
    std::fs::remove_file(machine.config()).unwrap();
    assert!(machine.load().is_ok(), "without a file of the user's");
}

#[test]
fn the_admins_command_rules_are_in_the_place_of_the_users() {
    let rules = |command: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("[[rules]]\ncommand = \"{command}\"\n")).unwrap();
        file
    };
    let (mine, admins) = (rules("git push"), rules("kubectl delete"));
    let section = |file: &tempfile::NamedTempFile| {
        format!("[commands]\nfile = \"{}\"\n", file.path().display())
    };
    let mine = format!("{MINE}{}", section(&mine));
    let config = Machine::required(&mine, &section(&admins)).load().unwrap();
    assert_eq!(replaced(&config), ["commands.file"]);
    let rules: Vec<String> = config.commands.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["kubectl delete"]);
}

#[test]
fn a_credential_goes_to_no_host_beyond_its_ceiling() {
    let mine = format!(
        "{MINE}[credentials.key]\nsource = \"static\"\n[[credentials.key.inject]]\nhosts = [\"api.example.test\", \"evil.example.test\", \"*.example.test\"]\nheader = \"x-key\"\n"
    );
    let hosts = |config: &crate::config::Config| {
        let credential = config.credentials.find("key")?;
        match &credential.delivery {
            valetkey_core::Delivery::Inject(inject) => {
                let hosts = inject.ways.iter().flat_map(|way| &way.hosts);
                Some(hosts.map(ToString::to_string).collect::<Vec<_>>())
            }
            _ => None,
        }
    };
    let free = Machine::new(&mine).load().unwrap();
    assert_eq!(hosts(&free).unwrap().len(), 3);
    let required = "[credentials.key]\naudiences = [\"https://api.example.test\"]";
    let bound = Machine::required(&mine, required).load().unwrap();
    assert_eq!(hosts(&bound).unwrap(), ["api.example.test"]);
    assert_eq!(replaced(&bound), ["credentials.key.inject.hosts"]);
    let none = "[credentials.key]\naudiences = [\"https://other.example.test\"]";
    let gone = Machine::required(&mine, none).load().unwrap();
    assert!(gone.credentials.find("key").is_none());
}
