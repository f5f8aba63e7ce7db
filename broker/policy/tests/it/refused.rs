//! What is not loaded, and in which words.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::Duration,
};

use crate::folder::Folder;
use valetkey_core::ports::Policy as _;
use valetkey_policy::CedarPolicies;

const GOOD: &str = "permit (principal, action, resource is Valetkey::Credential) when { context.scope == \"read\" };\n";

/// The message for one file of that text. It begins with the file's path, cut off here.
fn refusal(text: &str) -> String {
    let folder = Folder::new(&[("a.cedar", text)]);
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    let start = format!("`{}/a.cedar`", folder.path().display());
    let rest = message.strip_prefix(&start).expect("the file is named");
    rest.trim_start().to_owned()
}

#[test]
fn a_mistake_is_told_with_its_line_and_policy() {
    let cases = [
        (
            "permit (principal, action, resource)\nwhen { context.scope = 1 };",
            "line 2: this is not a policy: ",
        ),
        (
            "// one\n\n@id(\"x\")\npermit (principal, action, resource) when { principal.nope == 1 };",
            "line 3: policy `x`: attribute `nope` on entity type `Valetkey::Reviewer` not found",
        ),
        (
            "permit (principal, action, resource is Valetkey::Credential) when { context.scope == 1 };",
            "line 1: policy `a.cedar:1`: the types ",
        ),
        (
            "permit (principal in Valetkey::Team::\"x\", action, resource);",
            "line 1: policy `a.cedar:1`: unrecognized entity type `Valetkey::Team`",
        ),
        (
            "permit (principal, action == Valetkey::Action::\"give\", resource);",
            "line 1: policy `a.cedar:1`: unrecognized action `Valetkey::Action::\"give\"`",
        ),
        (
            "permit (principal, action, resource in Valetkey::Group::\"dev\");",
            "line 1: policy `a.cedar:1`: unable to find an applicable action",
        ),
        (
            "permit (principal in ?principal, action, resource);",
            "line 1: templates are not used here",
        ),
        (
            "@id(\"\")\npermit (principal, action, resource);",
            "line 1: an `@id` has 1 to 128 bytes",
        ),
        (
            "@id(\"x\\u{1b}[2J\")\npermit (principal, action, resource);",
            "line 1: an `@id` has 1 to 128 bytes",
        ),
        (
            "forbid (principal, action, resource is Valetkey::Credential) when { context.scope == \"a\" && false };",
            "line 1: policy `a.cedar:1`: policy is impossible",
        ),
        (
            "permit (principal, action, resource is Valetkey::Credential) when { context.scope == \"re\u{202e}ad\" };",
            "line 1: policy `a.cedar:1`: string",
        ),
        (
            "permit (principal, action == Valetkey::Action::\"reach\", resource);",
            "line 1: policy `a.cedar:1`: unable to find an applicable action",
        ),
        (
            "forbid (principal, action in Valetkey::Action::\"reach\", resource) when { context.path == \"/\" };",
            "line 1: policy `a.cedar:1`: attribute `path` in context for Valetkey::Action::\"connect",
        ),
        (
            "permit (principal, action in Valetkey::Action::\"send\", resource is Valetkey::Credential);",
            "line 1: policy `a.cedar:1`: unable to find an applicable action",
        ),
        (
            "permit (principal, action == Valetkey::Action::\"grant\", resource in Valetkey::Host::\"a.b\");",
            "line 1: policy `a.cedar:1`: unable to find an applicable action",
        ),
        (
            "permit (principal, action == Valetkey::Action::\"connect\", resource) when { context.port == \"443\" };",
            "line 1: policy `a.cedar:1`: the types ",
        ),
    ];
    for (text, beginning) in cases {
        let message = refusal(text);
        assert!(message.starts_with(beginning), "{text}\n{message}");
        assert!(!message.contains('\u{202e}'), "{message}");
    }
}

/// The words of tokens and those of hosts are not the same, and a rule that leaves action and resource open
/// is about both.
#[test]
fn a_rule_about_everything_that_has_words_of_one_kind_is_told_how_to_say_so() {
    for (condition, kind) in [
        (
            "context.scope == \"read\"",
            "for tokens write `resource is Valetkey::Credential`",
        ),
        (
            "context.audience == \"a\"",
            "for tokens write `resource is Valetkey::Credential`",
        ),
        (
            "resource.labels.contains(\"a\")",
            "for tokens write `resource is Valetkey::Credential`",
        ),
        (
            "context.host == \"a.b\"",
            "for hosts write `resource is Valetkey::Host`",
        ),
        (
            "resource.injected",
            "for hosts write `resource is Valetkey::Host`",
        ),
    ] {
        let with =
            |resource| format!("forbid (principal, action, {resource}) when {{ {condition} }};");
        let message = refusal(&with("resource"));
        assert!(message.contains(kind), "{message}");
        let resource = kind.split('`').nth(1).expect("what to write");
        let folder = Folder::new(&[("a.cedar", &with(resource))]);
        assert!(folder.load().is_ok(), "{condition}");
    }
    // That is no help to whoever has misspelt a word, or says what they are about.
    for text in [
        "forbid (principal, action == Valetkey::Action::\"connect\", resource) when { context.scope == \"a\" };",
        "forbid (principal is Valetkey::Session, action, resource) when { principal.nope == \"a\" };",
    ] {
        let message = refusal(text);
        assert!(!message.contains("open action"), "{message}");
    }
}

/// Nothing would ever be that host: a permit would permit nothing, and, worse, a forbid would forbid nothing.
#[test]
fn a_host_is_named_as_it_is_compared() {
    for host in [
        "Example.com",
        "example.com.",
        "*.example.com",
        ".example.com",
        "https://example.com",
        "example.com:443",
        "[::1]",
        "2001:DB8::1",
        "127.1",
        "0x7f000001",
        "",
        "ex ample",
        "b\u{fc}cher.example",
    ] {
        for rule in [
            format!("forbid (principal, action, resource in Valetkey::Host::\"{host}\");"),
            format!(
                "permit (principal, action == Valetkey::Action::\"connect\", resource)
                    when {{ resource in [Valetkey::Host::\"a.b\", Valetkey::Host::\"{host}\"] }};"
            ),
        ] {
            let message = refusal(&rule);
            assert!(
                message.contains("is no host as the broker spells one"),
                "{message}"
            );
        }
    }
    for host in [
        "example.com",
        "com",
        "localhost",
        "127.0.0.1",
        "::1",
        "2001:db8::1",
        "xn--bcher-kva.example",
    ] {
        let rule = format!("forbid (principal, action, resource in Valetkey::Host::\"{host}\");");
        assert!(Folder::new(&[("a.cedar", &rule)]).load().is_ok(), "{host}");
    }
}

#[test]
fn an_id_is_taken_once() {
    let twin = "@id(\"twin\")\npermit (principal, action, resource);";
    let folder = Folder::new(&[("a.cedar", GOOD), ("b.cedar", twin), ("c.cedar", twin)]);
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.contains("c.cedar` line 1: the id `twin` is taken"),
        "{message}"
    );
    assert!(message.contains("line 1 of `"), "{message}");
}

#[test]
fn a_file_that_others_may_write_is_not_believed() {
    for mode in [0o620, 0o602, 0o666] {
        let folder = Folder::new(&[("a.cedar", GOOD)]);
        let path = folder.path().join("a.cedar");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        let message = folder.load().map(|_| ()).expect_err("refused").to_string();
        assert!(message.ends_with("may be written by other users; run `chmod go-w` on it"));
    }
}

#[test]
fn a_folder_that_others_may_write_is_not_believed() {
    let folder = Folder::new(&[("a.cedar", GOOD)]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("a mode");
    assert!(folder.load().is_err());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("a mode");
    assert!(folder.load().is_ok());
}

#[test]
fn only_texts_of_a_sane_size_are_read() {
    let fits = format!("{GOOD}{}", " ".repeat((1 << 20) - GOOD.len()));
    assert!(Folder::new(&[("a.cedar", &fits)]).load().is_ok());
    assert!(refusal(&format!("{fits} ")).starts_with("is larger than 1 MiB"));

    let folder = Folder::new(&[("a.cedar", GOOD)]);
    fs::write(folder.path().join("a.cedar"), [0xff, 0xfe]).expect("a file");
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.ends_with("is not UTF-8 text; save it as that"),
        "{message}"
    );
}

#[test]
fn what_only_requests_have_is_told_where_hosts_are_reached() {
    for action in [
        "action == Valetkey::Action::\"connect\"",
        "action in Valetkey::Action::\"reach\"",
        "action in [Valetkey::Action::\"connect\", Valetkey::Action::\"request\"]",
    ] {
        for word in ["path like \"/a\"", "method == \"GET\"", "safe", "plain"] {
            let text = format!("forbid (principal, {action}, resource) when {{ context.{word} }};");
            let folder = Folder::new(&[("a.cedar", &text)]);
            let message = folder.load().map(|_| ()).expect_err("refused").to_string();
            let hint =
                "only requests have that: for them write `action in Valetkey::Action::\"send\"`";
            assert!(message.contains(hint), "{message}");
            assert!(!message.contains("did you mean"), "{message}");
        }
    }
    let text = "forbid (principal, action == Valetkey::Action::\"connect\", resource) when { context.prot == 1 };";
    let folder = Folder::new(&[("a.cedar", text)]);
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(message.ends_with("(did you mean `port`?)"), "{message}");
}

#[test]
fn a_folder_must_hold_policies() {
    let folder = Folder::new(&[("a.cedar.bak", GOOD), (".b.cedar", GOOD)]);
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(message.contains("holds no `.cedar` file"), "{message}");

    let missing = CedarPolicies::load(&[folder.path().join("none")]);
    let message = missing.map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.ends_with("does not exist; put it there, or name another"),
        "{message}"
    );
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = Folder::new(&[]);
    fs::create_dir(folder.path().join("a.cedar")).expect("a folder");
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.ends_with("is not a regular file; remove it"),
        "{message}"
    );

    let folder = Folder::new(&[]);
    symlink("/dev/zero", folder.path().join("a.cedar")).expect("a link");
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.ends_with("is not a regular file; remove it"),
        "{message}"
    );

    // Opening a pipe for reading waits for a writer, and nobody ever writes to this one.
    let folder = Folder::new(&[]);
    let pipe = folder.path().join("a.cedar");
    let made = std::process::Command::new("mkfifo").arg(pipe).status();
    assert!(made.expect("mkfifo").success());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(folder.load().map(|_| ()).map_err(|e| e.to_string())));
    let answer = told
        .recv_timeout(Duration::from_secs(10))
        .expect("an answer");
    let message = answer.expect_err("refused");
    assert!(
        message.ends_with("is not a regular file; remove it"),
        "{message}"
    );
}

#[test]
fn files_are_read_in_order_and_summed_up() {
    let folder = Folder::new(&[("b.cedar", GOOD), ("a.cedar", GOOD), ("c.txt", "no policy")]);
    let loaded = folder.load().expect("good policies").summary();
    assert_eq!(loaded.policies, 2);
    assert_eq!(loaded.origin, format!("`{}`", folder.path().display()));
    let same = Folder::new(&[("a.cedar", GOOD), ("b.cedar", GOOD)]);
    assert_eq!(
        same.load().expect("good policies").summary().digest,
        loaded.digest
    );
    same.write("a.cedar", &format!("{GOOD} "));
    assert_ne!(
        same.load().expect("good policies").summary().digest,
        loaded.digest
    );
}

#[test]
fn without_a_folder_there_is_the_baseline() {
    let baseline = CedarPolicies::load(&[]).expect("the baseline").summary();
    assert_eq!(baseline.policies, 14);
    assert_eq!(baseline.origin, "the shipped baseline");
}
