use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use valetkey_core::Tier;

use super::{ConfigError, RequirementsAt};

const MINIMAL: &str = "[provider]\nissuer = \"https://id.example.test\"\nclient_id = \"vk\"\n";

/// Without requirements.
fn load(path: &std::path::Path) -> Result<super::Config, ConfigError> {
    let nowhere = RequirementsAt {
        file: "/nonexistent/requirements.toml".into(),
        key: "/nonexistent/fleet.pub".into(),
        bundle: "/nonexistent/bundle.toml".into(),
        owner: 0,
    };
    super::load(path, &nowhere, None, 1_800_000_000)
}

fn loaded(text: &str) -> Result<super::Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    load(&path).map_err(|error| error.to_string())
}

#[test]
fn a_minimal_file_is_enough() {
    let config = loaded(MINIMAL).unwrap();
    assert_eq!(config.tokens.issuer_for(8425), "http://127.0.0.1:8425");
}

#[test]
fn an_unknown_key_names_its_neighbour() {
    let error = loaded(&format!("{MINIMAL}isuer = \"x\"\n")).unwrap_err();
    assert!(error.contains("line 4"), "{error}");
    assert!(
        error.contains("unknown key `isuer`; did you mean `issuer`?"),
        "{error}"
    );
    let error = loaded(&format!("[sesion]\n{MINIMAL}")).unwrap_err();
    assert!(error.contains("did you mean `session`?"), "{error}");
    let error = loaded(&format!("{MINIMAL}[zzz]\n")).unwrap_err();
    assert!(error.contains("docs/operations.md"), "{error}");
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, MINIMAL).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(load(&path), Err(ConfigError::Exposed(_))));
}

#[test]
fn a_missing_file_tells_how_to_begin() {
    let error = load("/nonexistent/config.toml".as_ref()).unwrap_err();
    assert!(error.to_string().contains("[provider]"));
}

#[test]
fn what_cannot_hold_is_refused() {
    for (text, says) in [
        ("[tokens]\nlisten = \"0.0.0.0:1\"\n", "loopback"),
        (
            "[tokens]\nissuer = \"http://broker.example.test\"\n",
            "https",
        ),
        (
            "[session]\nlifetime = \"2d\"\nmax_lifetime = \"1d\"\n",
            "max_lifetime",
        ),
        ("[session]\nlifetime = \"0s\"\n", "above 0"),
        (
            "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = []\n",
            "audience",
        ),
        (
            "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = [\"x\"]\nmax_lifetime = \"2h\"\n",
            "1h",
        ),
        ("[limits]\nrequests_per_second = 0\n", "requests_per_second"),
        (
            "[approvals]\nslow_after = 30\n",
            "`approvals.suspend_after`",
        ),
        ("[approvals]\nmax_open = 0\n", "`approvals.max_open`"),
        ("[approvals]\nonce_within = \"0s\"\n", "above 0"),
        ("[approvals]\nwindow = \"1s\"\n", "`approvals.slow_gap`"),
        (
            "[approvals.webhook]\nurl = \"http://x.test/\"\nsecret = \"s\"\n",
            "`approvals.webhook.url` must be https",
        ),
        (
            "[approvals.webhook]\nurl = \"https://x.test/\"\n",
            "missing field `secret`",
        ),
        ("[reviewer]\n", "either `command` or `url`"),
        (
            "[reviewer]\ncommand = [\"/r\"]\nurl = \"https://x.test/\"\n",
            "either `command` or `url`",
        ),
        ("[reviewer]\ncommand = [\"r\"]\n", "absolute path"),
        (
            "[reviewer]\ncommand = [\"/r\"]\nkey = \"k\"\n",
            "go with `reviewer.url`",
        ),
        (
            "[reviewer]\nurl = \"https://x.test/\"\n",
            "`reviewer.model`",
        ),
        (
            "[reviewer]\ncommand = [\"/r\"]\nname = \"a\\u001b[2J\"\n",
            "`reviewer.name`",
        ),
        (
            "[reviewer]\ncommand = [\"/r\"]\ndeadline = \"10m\"\n",
            "`reviewer.deadline` is at most 5m",
        ),
        ("[ledger]\nsinks = [\"file:copy\"]\n", "absolute path"),
        ("[ledger]\nsinks = [\"tcp:1\"]\n", "`ledger.sinks`"),
        (
            "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = [\"x\"]\nlabels = [\"a b\"]\n",
            "`credentials.api.labels`",
        ),
        (
            "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = [\"x\"]\nmin_tier = \"often\"\n",
            "unknown value `often`, expected one of `auto`",
        ),
        ("grace = \"2d\"\n", "`provider.grace` must be between"),
        (
            "[credentials.m]\nsource = \"static\"\nscopes = [\"m:read\"]\n[[credentials.m.inject]]\nhosts = [\"a.test\"]\nheader = \"x\"\nscope = \"m:write\"\n",
            "`credentials.m.inject[0].scope` is `m:write`, and `credentials.m.scopes` has `m:read`",
        ),
        (
            "[credentials.m]\nsource = \"static\"\n[credentials.m.inject]\nhosts = [\"a.test\"]\n",
            "line 6: there may be several of `credentials.m.inject`, so each has double brackets: write `[[credentials.m.inject]]`",
        ),
        (
            "[sandbox]\nprofile = \"opne\"\n",
            "there is no such profile, only `open`, `read-only`, `workspace-write`",
        ),
    ] {
        let error = loaded(&format!("{MINIMAL}{text}")).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_host_that_the_proxy_would_refuse_is_told() {
    let config = loaded(&format!(
        "{MINIMAL}[network]\naddresses = [\"127.0.0.3:80\"]\n[network.hosts]\n\"typo.test\" = \"127.0.0.2\"\n\"fine.test\" = \"127.0.0.3\"\n\"out.test\" = \"1.1.1.1\"\n"
    ))
    .unwrap();
    let told: Vec<String> = config.hosts_out_of_reach().collect();
    assert_eq!(
        told,
        [
            "`network.hosts` puts typo.test at 127.0.0.2, which is loopback, and the proxy refuses that: `network.addresses` does not name it"
        ]
    );
    let shown = config.to_string();
    assert!(shown.contains(&format!("CARE: {}", told[0])), "{shown}");
}

#[test]
fn what_is_said_of_a_credential_says_where_it_goes() {
    let config = loaded(&format!(
        "{MINIMAL}[credentials.m]\nsource = \"static\"\n[[credentials.m.inject]]\nhosts = [\"a.test\", \"*.b.test\"]\nmethods = [\"POST\"]\npaths = [\"/v1/*\"]\nheader = \"authorization\"\nscope = \"infer\"\non_placeholder = true\n[[credentials.m.inject]]\nhosts = [\"a.test\"]\nquery = \"key\"\n"
    ))
    .unwrap();
    let shown = config.to_string();
    for line in [
        "POST a.test, *.b.test at /v1/*: header authorization after `Bearer `, only in place of its placeholder, as infer\n",
        "  a.test: query parameter key, as read or write, by the method\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn what_the_documents_show_loads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let text = fs::read_to_string(path).unwrap();
    let block = |beginning: &str| {
        let mut blocks = text.split("```toml\n").skip(1);
        let block = blocks.find(|block| block.starts_with(beginning)).unwrap();
        block.split("```").next().unwrap().to_owned()
    };
    let config = loaded(&block("[provider]")).unwrap();
    assert!(config.reviewer.is_some() && config.webhook.is_some());
    // Three, and the network.
    assert_eq!(config.credentials.iter().count(), 4);
    assert_eq!(config.profiles.find(None).unwrap().name.as_str(), "build");
    let provider = "[provider]\nissuer = \"https://login.example.com\"\nclient_id = \"valetkey\"\n";
    let injected = loaded(&format!("{provider}{}", block("[credentials.openai]"))).unwrap();
    assert!(injected.credentials.find("openai").is_some());
    let rules = tempfile::NamedTempFile::new().unwrap();
    fs::write(rules.path(), block("[[rules]]")).unwrap();
    let named = format!(
        "{provider}[commands]\nfile = \"{}\"\n[credentials.github-read]\nsource = \"signed\"\nscopes = [\"github:read\"]\naudiences = [\"x\"]\n",
        rules.path().display()
    );
    assert_eq!(loaded(&named).unwrap().commands.iter().count(), 2);

    let folder = tempfile::tempdir().unwrap();
    let at = RequirementsAt {
        file: folder.path().join("requirements.toml"),
        key: folder.path().join("fleet.pub"),
        bundle: folder.path().join("bundle.toml"),
        owner: folder.path().metadata().unwrap().uid(),
    };
    fs::write(&at.file, block("mode = ")).unwrap();
    fs::set_permissions(&at.file, fs::Permissions::from_mode(0o600)).unwrap();
    let nowhere = folder.path().join("config.toml");
    let config = super::load(&nowhere, &at, None, 1_800_000_000).unwrap();
    assert!(config.requirements.unwrap().enforced);
}

/// The credentials that `policies/commands.toml` gives, and that file or another one in its place.
fn with_rules(rules: &str) -> Result<super::Config, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), rules).unwrap();
    let credentials = [
        ("github-read", "github:read"),
        ("github-write", "github:write"),
        ("github-push", "github:push"),
        ("cluster-read", "cluster:read"),
        ("cluster-write", "cluster:write"),
    ]
    .map(|(name, scope)| {
        format!("[credentials.{name}]\nsource = \"signed\"\nscopes = [\"{scope}\"]\naudiences = [\"x\"]\n")
    });
    loaded(&format!(
        "{MINIMAL}[commands]\nfile = \"{}\"\n{}",
        file.path().display(),
        credentials.concat()
    ))
}

#[test]
fn the_shipped_command_rules_load_and_do_what_they_are_there_for() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/commands.toml");
    let config = with_rules(&fs::read_to_string(path).unwrap()).unwrap();
    let met = |line: &str| {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let rule = config.commands.find(&words);
        rule.map(|rule| {
            let credential = rule.credential.as_ref().map(ToString::to_string);
            (credential.unwrap_or_default(), rule.tier)
        })
    };
    let given = |credential: &str, tier| Some((credential.to_owned(), tier));
    for (line, expected) in [
        ("gh pr list", given("github-read", Tier::Auto)),
        ("gh pr view 7 --web", given("github-read", Tier::Auto)),
        ("gh pr create", given("github-write", Tier::Review)),
        ("gh pr merge 7", given("github-write", Tier::Human)),
        ("gh auth token", given("", Tier::Deny)),
        ("gh api /user", None),
        ("git push", given("github-push", Tier::Human)),
        ("git -C elsewhere push", None),
        ("kubectl get pods", given("cluster-read", Tier::Auto)),
        ("kubectl get secrets", given("", Tier::Deny)),
        ("kubectl delete pod x", given("cluster-write", Tier::Human)),
        ("kubectl exec x -- sh", given("", Tier::Deny)),
        ("sh -c kubectl", None),
    ] {
        assert_eq!(met(line), expected, "{line}");
    }
    for rule in config.commands.iter() {
        assert!(
            rule.credential.is_none() || rule.tier != Tier::Deny,
            "{rule} gives nothing"
        );
    }
}

#[test]
fn command_rules_that_cannot_hold_are_refused() {
    let rule = "[[rules]]\ncommand = 'gh pr list'\n";
    let given = format!("{rule}credential = 'github-read'\nvariable = 'T'\n");
    for (rules, says) in [
        (
            format!("{rule}credential = 'other'\nvariable = 'T'\n"),
            "`other`, which is not configured",
        ),
        (
            format!("{given}scopes = ['github:write']\n"),
            "the scopes `github:write`, and the credential `github-read` has `github:read`",
        ),
        (format!("{given}audience = 'y'\n"), "the audience `y`"),
        (
            format!("{rule}credential = 'github-read'\n"),
            "names no `variable`",
        ),
        (
            format!("{given}examples = ['gh issue list']\n"),
            "the example `gh issue list` of the rule `gh pr list` meets no rule",
        ),
        (
            format!("{given}example = ['gh pr list']\n"),
            "unknown field `example`",
        ),
        ("[[rules]]\ncommand = ''\n".to_owned(), "at least one word"),
    ] {
        let error = with_rules(&rules).unwrap_err();
        assert!(
            error.contains("`commands.file`, /") && error.contains(says),
            "{error}"
        );
    }
    let error = loaded(&format!(
        "{MINIMAL}[commands]\nfile = \"/nonexistent/rules.toml\"\n"
    ))
    .unwrap_err();
    assert!(
        error.contains("`/nonexistent/rules.toml`, and there is no such file"),
        "{error}"
    );
    assert!(!error.contains("write it with at least"), "{error}");
}
