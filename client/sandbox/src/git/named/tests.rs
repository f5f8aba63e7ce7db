use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Home, LOOKUP, Setting, lookups::MOST, of};

/// What of `settings`, which are in `file`, is in this workspace.
fn found(folder: &Path, settings: &[(&str, &str)], file: &str) -> Vec<String> {
    let workspace = folder.join("home/shop");
    let settings: Vec<Setting> = settings
        .iter()
        .map(|(key, value)| Setting {
            file: Some(folder.join(file)),
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let home = Home::with(&folder.join("home"), |_| None);
    of(&settings, &workspace, &workspace, &home)
        .named
        .into_iter()
        .map(|named| named.path.display().to_string())
        .collect()
}

#[test]
fn what_would_be_run_or_read_is_found_where_it_is_in_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("home/shop");
    fs::create_dir_all(workspace.join("bin")).unwrap();
    fs::create_dir_all(workspace.join("test")).unwrap();
    for (name, mode) in [("bin/x", 0o755), ("bin/a b", 0o755), ("bin/x.py", 0o644)] {
        fs::write(workspace.join(name), "").unwrap();
        fs::set_permissions(workspace.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let absolute = workspace.join("bin/x").display().to_string();
    for (key, value, expected) in [
        ("core.hookspath", ".githooks", ".githooks"),
        ("core.hookspath", "~/shop/.githooks", ".githooks"),
        ("init.templatedir", "a/../t", "t"),
        (
            "includeif.gitdir:~/.path",
            "shop/shared.gitconfig",
            "shared.gitconfig",
        ),
        ("core.fsmonitor", "./bin/../bin/x --all", "bin/x"),
        ("core.sshcommand", absolute.as_str(), "bin/x"),
        ("filter.a.b.clean", "\"bin/a b\" %f", "bin/a b"),
        ("gpg.program", "bin/a b", "bin/a b"),
        ("core.editor", "$HOME/shop/bin/x", "bin/x"),
        ("diff.external", "python3 bin/x.py", "bin/x.py"),
        ("interactive.difffilter", "cat | bin/x", "bin/x"),
        ("gpg.ssh.defaultkeycommand", "bin/x", "bin/x"),
        ("uploadpack.packobjectshook", "bin/x", "bin/x"),
        ("core.alternaterefscommand", "bin/x", "bin/x"),
        ("remote.origin.uploadpack", "bin/x", "bin/x"),
        ("remote.origin.url", "ext::bin/x %S", "bin/x"),
        ("submodule.a.update", "!bin/x", "bin/x"),
        ("sequence.editor", "env A=b bin/x", "bin/x"),
        ("alias.do", "!f() { bin/x; }; f", "bin/x"),
        ("pager.log", "bin/x", "bin/x"),
        ("credential.https://a.example.helper", "!bin/x", "bin/x"),
    ] {
        let found = found(folder.path(), &[(key, value)], "home/.gitconfig");
        assert_eq!(found, [expected], "{key} {value}");
    }
    for (key, value) in [
        ("alias.test", "!npm test && cat bin/x.py"),
        ("alias.test", "bin/x"),
        ("core.sshcommand", "bin -i test"),
        ("core.editor", "bin/none"),
        ("core.hookspath", "/dev/null"),
        ("remote.origin.url", "bin/x"),
        ("submodule.a.path", "sub"),
        ("user.name", "bin/x"),
    ] {
        let found = found(folder.path(), &[(key, value)], "home/.gitconfig");
        assert!(found.is_empty(), "{key} {value}: {found:?}");
    }
    let file = "home/shop/conf/git";
    assert_eq!(
        found(folder.path(), &[("user.name", "x")], file),
        ["conf/git"]
    );
}

/// By another name of the workspace, which takes a look at the files to know.
#[test]
fn paths_are_looked_up_once_and_so_many_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().canonicalize().unwrap();
    fs::write(workspace.join("f"), "").unwrap();
    let other = Path::new("/proc/self/root").join(workspace.strip_prefix("/").unwrap());
    let home = Home::with(&workspace.join("none"), |_| None);
    let names = |key: &str, value: &dyn Fn(usize) -> String, file: &dyn Fn(usize) -> String| {
        let settings = (0..10_000).map(|number| Setting {
            file: Some(other.join(file(number))),
            key: key.to_owned(),
            value: value(number),
        });
        of(&settings.collect::<Vec<_>>(), &other, &workspace, &home)
    };
    let one = |_| "f".to_owned();
    let two = |number| if number % 2 == 0 { "f" } else { "g" }.to_owned();
    let each = |number: usize| number.to_string();
    for (key, file) in [("a.b", &one as &dyn Fn(usize) -> String), ("a.b", &two)] {
        let names = names(key, &one, file);
        assert!(names.named.iter().any(|named| named.path == Path::new("f")));
        assert!(
            names.complete && names.cost < 2000 * LOOKUP,
            "{}",
            names.cost
        );
    }
    for (key, value, file) in [
        (
            "a.b",
            &one as &dyn Fn(usize) -> String,
            &each as &dyn Fn(usize) -> String,
        ),
        ("core.hookspath", &each, &one),
        ("core.editor", &|number| format!("sh {number}"), &one),
        ("core.editor", &|number| format!("./{number}"), &one),
    ] {
        let names = names(key, value, file);
        assert!(!names.complete, "{key}");
        assert!(names.cost < 2 * MOST * LOOKUP, "{}", names.cost);
    }
}
