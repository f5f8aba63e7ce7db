//! What is not loaded, and in which words.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::Duration,
};

use crate::folder::Folder;
use valetkey_core::ports::Policy as _;
use valetkey_policy::CedarPolicies;

const GOOD: &str = "permit (principal, action, resource) when { context.scope == \"read\" };\n";

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
            "permit (principal, action, resource) when { context.scope == 1 };",
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
            "forbid (principal, action, resource) when { context.scope == \"a\" && false };",
            "line 1: policy `a.cedar:1`: policy is impossible",
        ),
        (
            "permit (principal, action, resource) when { context.scope == \"re\u{202e}ad\" };",
            "line 1: policy `a.cedar:1`: string",
        ),
    ];
    for (text, beginning) in cases {
        let message = refusal(text);
        assert!(message.starts_with(beginning), "{text}\n{message}");
        assert!(!message.contains('\u{202e}'), "{message}");
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
fn a_folder_must_hold_policies() {
    let folder = Folder::new(&[("a.cedar.bak", GOOD), (".b.cedar", GOOD)]);
    let message = folder.load().map(|_| ()).expect_err("refused").to_string();
    assert!(message.contains("holds no `.cedar` file"), "{message}");

    let missing = CedarPolicies::load(&[folder.path().join("none")]);
    let message = missing.map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.ends_with("does not exist; correct the configuration"),
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
    let same = Folder::new(&[("a.cedar", GOOD), ("b.cedar", GOOD)]);
    assert_eq!(same.load().expect("good policies").summary(), loaded);
    same.write("a.cedar", &format!("{GOOD} "));
    assert_ne!(
        same.load().expect("good policies").summary().digest,
        loaded.digest
    );
}

#[test]
fn without_a_folder_there_is_the_baseline() {
    let baseline = CedarPolicies::load(&[]).expect("the baseline").summary();
    assert_eq!(baseline.policies, 7);
}
