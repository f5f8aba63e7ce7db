//! Who could have written them.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
};

use super::{MINE, Machine, replaced, set_mode, write};
use crate::config::Policies;

const STRICT: &str = "[session]\nmax_lifetime = \"1h\"\n";

/// What stops a start.
fn refusal(machine: &Machine) -> String {
    let error = machine.load().unwrap_err();
    assert!(error.starts_with("the admin's requirements: "), "{error}");
    error
}

#[test]
fn where_there_are_none_nothing_is_required() {
    let config = Machine::new(MINE).load().unwrap();
    assert!(config.requirements.is_none() && config.trial.is_none());
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    for mode in [0o664, 0o646, 0o666] {
        let machine = Machine::required(MINE, STRICT);
        set_mode(&machine.at.file, mode);
        let error = refusal(&machine);
        assert!(
            error.contains("requirements.toml` can be written by others"),
            "{error}"
        );
        assert!(error.contains("chmod go-w"), "{error}");
    }
}

#[test]
fn so_is_a_folder_above_it() {
    for mode in [0o775, 0o757] {
        let machine = Machine::required(MINE, STRICT);
        set_mode(&machine.path("etc"), mode);
        let error = refusal(&machine);
        assert!(error.contains("etc` can be written by others"), "{error}");
        // Also where nothing is in it any more: others could have taken it away.
        fs::remove_file(&machine.at.file).unwrap();
        refusal(&machine);
        set_mode(&machine.path("etc"), 0o755);
        assert!(machine.load().unwrap().requirements.is_none());
    }
}

#[test]
fn a_link_is_followed_only_where_others_could_not_lay_it() {
    let machine = Machine::new(MINE);
    write(&machine.path("var/real.toml"), STRICT);
    symlink("../var/real.toml", &machine.at.file).unwrap();
    assert_eq!(machine.load().unwrap().session.max_lifetime, 3600);
    // It leads through a folder of everybody's.
    set_mode(&machine.path("var"), 0o777);
    let error = refusal(&machine);
    assert!(error.contains("var` can be written by others"), "{error}");
    // Others removing what it leads to must not switch requirements off.
    fs::remove_file(machine.path("var/real.toml")).unwrap();
    refusal(&machine);
    fs::remove_file(&machine.at.file).unwrap();
    symlink("requirements.toml", &machine.at.file).unwrap();
    assert!(refusal(&machine).contains("leads in circles"));
}

#[test]
fn what_is_no_file_is_refused() {
    let machine = Machine::new(MINE);
    fs::create_dir(&machine.at.file).unwrap();
    assert!(refusal(&machine).contains("is not a regular file"));
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    let machine = Machine::required(MINE, STRICT);
    if machine.at.owner != 0 {
        // Only root gives files away: the other way round, nothing of ours is root's.
        let strict = super::RequirementsAt {
            owner: 0,
            ..machine.at.clone()
        };
        let machine = Machine {
            at: strict,
            ..machine
        };
        assert!(refusal(&machine).contains("belongs to user"));
        return;
    }
    chown(&machine.at.file, Some(4711), None).unwrap();
    assert!(refusal(&machine).contains("requirements.toml` belongs to user 4711"));
    chown(&machine.at.file, Some(0), None).unwrap();
    chown(machine.path("etc"), Some(4711), None).unwrap();
    assert!(refusal(&machine).contains("etc` belongs to user 4711"));
    // Also a link to a file of root's: its owner chose which.
    chown(machine.path("etc"), Some(0), None).unwrap();
    let link = machine.path("etc/link.toml");
    symlink("requirements.toml", &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(4711), None).unwrap();
    let at = super::RequirementsAt {
        file: link,
        ..machine.at.clone()
    };
    let machine = Machine { at, ..machine };
    assert!(refusal(&machine).contains("link.toml` belongs to user 4711"));
}

#[test]
fn what_it_says_is_understood_or_nothing_starts() {
    for (text, says) in [
        (
            "[sesion]\nmax_lifetime = \"1h\"\n",
            "line 1: unknown key `sesion`; did you mean `session`?",
        ),
        (
            "[session]\nmax_lifetim = \"1h\"\n",
            "did you mean `max_lifetime`?",
        ),
        ("mode = \"audit\"\n", "audit-only"),
        ("[session]\nmax_lifetime = 3600\n", "line 2"),
        (
            "expires = 2027-01-01T00:00:00Z\n",
            "expired at 2027-01-01T00:00:00Z",
        ),
        (
            "[policy]\nfolder = \"/nonexistent\"\n",
            "`policy.folder`: `/nonexistent` does not exist",
        ),
        // What can be no credential's name would bind nothing, whatever it is misspelt for.
        (
            "[credentials.api]\nmin_tier = \"human\"\n[credentials.\"ap i\"]\nmin_tier = \"human\"\n",
            "line 3: `credentials.ap i` is for no credential: a name has 1 to 64 of the characters",
        ),
        (
            "[credentials.\"api*\"]\nmin_tier = \"human\"\n",
            "for all of them write `*`",
        ),
        (
            "[credentials.api]\naudiences = [\"a b\"]\n",
            "an audience has 1 to 512 printable",
        ),
        (
            "[provider]\nextra_ca = \"ca.pem\"\n",
            "not an absolute path",
        ),
    ] {
        let error = refusal(&Machine::required(MINE, text));
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn policies_of_the_admin_are_the_admins() {
    let machine = Machine::new(&format!(
        "{MINE}[policy]\nfolder = \"/opt/mine/policies\"\n"
    ));
    let folder = machine.path("etc/policies");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o755);
    write(&folder.join("a.cedar"), "");
    write(
        &machine.at.file,
        &format!("[policy]\nfolder = \"{}\"\n", folder.display()),
    );
    let config = machine.load().unwrap();
    assert_eq!(config.policies, Policies::Folder(folder.clone()));
    assert_eq!(replaced(&config), ["policy.folder"]);

    set_mode(&folder.join("a.cedar"), 0o666);
    assert!(refusal(&machine).contains("a.cedar` can be written by others"));
    set_mode(&folder.join("a.cedar"), 0o644);
    set_mode(&folder, 0o777);
    assert!(refusal(&machine).contains("policies` can be written by others"));
}

#[test]
fn a_reviewer_is_what_it_is_and_not_what_it_is_called() {
    let machine = Machine::new(MINE);
    let program = machine.path("etc/review");
    write(&program, "#!/bin/sh\n");
    let program = program.display();
    write(
        &machine.at.file,
        &format!("[reviewer]\nallowed = [\"{program} --strict\", \"{program} --mode strict\"]\n"),
    );
    let with = |command: &str| {
        write(
            &machine.config(),
            &format!("{MINE}[reviewer]\ncommand = {command}\nname = \"corp\"\n"),
        );
        machine.load().unwrap()
    };
    let config = with(&format!("[\"{program}\", \"--strict\"]"));
    assert_eq!(
        config.reviewer.as_ref().unwrap().name,
        format!("{program} --strict")
    );
    assert_eq!(replaced(&config), ["reviewer.name"]);
    for other in [
        format!("[\"{program}\"]"),
        format!("[\"{program}\", \"--lax\"]"),
        format!("[\"{program} --strict\"]"),
        format!("[\"{program}\", \"--mode strict\"]"),
        "[\"/opt/mine/review\", \"--strict\"]".to_owned(),
    ] {
        let config = with(&other);
        assert!(config.reviewer.is_none(), "{other}");
        assert_eq!(replaced(&config), ["reviewer"], "{other}");
    }
    // Whoever can write the program is the reviewer.
    set_mode(&machine.path("etc/review"), 0o777);
    assert!(
        with(&format!("[\"{program}\", \"--strict\"]"))
            .reviewer
            .is_none()
    );
}

#[test]
fn a_script_is_as_much_a_reviewer_as_its_interpreter() {
    let machine = Machine::new(MINE);
    let script = machine.path("etc/review.sh");
    write(&script, "exit 1\n");
    let shown = script.display();
    write(
        &machine.at.file,
        &format!("[reviewer]\nallowed = [\"/bin/sh -e {shown}\"]\n"),
    );
    write(
        &machine.config(),
        &format!("{MINE}[reviewer]\ncommand = [\"/bin/sh\", \"-e\", \"{shown}\"]\n"),
    );
    assert!(
        machine.load().unwrap().reviewer.is_some(),
        "the admin's own"
    );
    set_mode(&script, 0o666);
    let config = machine.load().unwrap();
    assert!(config.reviewer.is_none());
    assert_eq!(replaced(&config), ["reviewer"]);
    let told = config.to_string();
    assert!(
        told.contains("review.sh` can be written by others"),
        "{told}"
    );
    // Or lay another one in its place.
    let elsewhere = machine.path("var");
    set_mode(&elsewhere, 0o777);
    fs::remove_file(&script).unwrap();
    write(&elsewhere.join("review.sh"), "exit 1\n");
    symlink("../var/review.sh", &script).unwrap();
    assert!(machine.load().unwrap().reviewer.is_none());
}
