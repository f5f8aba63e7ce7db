//! What there is in a room.

use std::{fs, path::PathBuf};

use valetkey_sandbox::Mount;

use crate::house::House;

#[test]
fn only_what_is_listed_can_be_seen() {
    let house = House::new();
    house.write("readme", "hello\n");
    fs::write(house.path("home/secret"), "canary").expect("a file");
    let home = house.path("home");
    let outcome = house.script(&format!(
        "cat readme; pwd; id -u; hostname; ls -A {} $HOME /tmp; ls /; ls /etc; ls /etc/ssl; ls /sys /root /home",
        home.display()
    ));
    let seen = |name: &str| outcome.text.lines().any(|line| line == name);
    let workspace = house.workspace();
    for expected in [
        "hello",
        "valetkey",
        workspace.to_str().expect("a path"),
        "passwd",
        "certs",
    ] {
        assert!(seen(expected), "{expected}: {}", outcome.text);
    }
    let user = rustix::process::geteuid().as_raw().to_string();
    assert!(seen(&user), "the uid stays: {}", outcome.text);
    for hidden in [
        "secret",
        "shadow",
        "sudoers",
        "private",
        "resolv.conf",
        "machine-id",
        "ssh",
    ] {
        assert!(!seen(hidden), "{hidden}: {}", outcome.text);
    }
    assert!(
        outcome.text.contains("cannot access '/root'"),
        "{}",
        outcome.text
    );
}

#[test]
fn nothing_can_be_written_but_the_workspace_and_what_goes_with_the_room() {
    let house = House::new();
    let outcome = house.script(
        "for f in /x /usr/x /etc/x /run/x /opt/x /home/x /var/x /dev/x /proc/sys/kernel/domainname \
            /run/valetkey-bin/valetkey; do
            (echo x > $f) 2>/dev/null && echo written $f
        done
        for f in x /tmp/x /var/tmp/x $HOME/x /dev/null /dev/shm/x /out/x; do
            (echo x > $f) || echo refused $f
        done
        echo again >> /dev/stderr && mkdir -p a/b c && echo moved > a/b/f && mv a/b/f c/ && echo end",
    );
    assert_eq!(outcome.text, "again\nend\n");
    // Landlock alone would refuse it too, but not every kernel has that.
    let mounts = house.script("grep ' /proc/sys ' /proc/mounts").text;
    assert!(mounts.contains(" ro,"), "{mounts}");
    let workspace = house.workspace();
    assert_eq!(fs::read_to_string(workspace.join("x")).expect("x"), "x\n");
    assert!(workspace.join("c/f").exists());
}

#[test]
fn a_read_only_workspace_stays_as_it_is() {
    let house = House::new();
    house.write("f", "x");
    let mut room = house.room("cat f; rm f; echo > g");
    room.workspace.writable = false;
    let outcome = house.run(&room);
    assert!(outcome.text.starts_with('x'), "{}", outcome.text);
    assert_ne!(outcome.status, 0);
    assert!(house.workspace().join("f").exists());
    // Nothing is protected there, so nothing is made.
    assert_eq!(fs::read_dir(house.workspace()).expect("it").count(), 1);
}

#[test]
fn more_can_be_shown() {
    let house = House::new();
    let cache = house.path("home/cache");
    fs::create_dir(&cache).expect("a folder");
    fs::write(cache.join("f"), "cached\n").expect("a file");
    let mut room = house.room("cat /home/agent/.cache/f; echo > /home/agent/.cache/g");
    room.mounts.push(Mount {
        host: cache.clone(),
        inside: PathBuf::from("/home/agent/.cache"),
        writable: false,
    });
    let outcome = house.run(&room);
    assert!(outcome.text.starts_with("cached\n"), "{}", outcome.text);
    assert_ne!(outcome.status, 0);
    room.mounts.last_mut().expect("one").writable = true;
    assert_eq!(house.run(&room).status, 0);
    assert!(cache.join("g").exists());
}

/// The socket's folder is shown, and the environment is what was asked for and no more.
#[test]
fn the_environment_is_made_anew() {
    let house = House::new();
    fs::write(house.path("out/agent.sock"), "").expect("a file");
    let mut room = house.room("env; ls /run/valetkey; command -v valetkey");
    room.socket = Some(house.path("out/agent.sock"));
    room.pass = vec!["CARGO_MANIFEST_DIR".into()];
    room.variables
        .push(("GITHUB_TOKEN".into(), "placeholder".into()));
    let text = house.run(&room).text;
    let has = |line: &str| text.lines().any(|have| have == line);
    for line in [
        "HOME=/home/agent",
        "VALETKEY_SOCKET=/run/valetkey/agent.sock",
        "GITHUB_TOKEN=placeholder",
        "TMPDIR=/tmp",
        "agent.sock",
        "/run/valetkey-bin/valetkey",
    ] {
        assert!(has(line), "{line}: {text}");
    }
    let known = [
        "LANG",
        "LC_ALL",
        "TERM",
        "TZ",
        "PATH",
        "HOME",
        "SHELL",
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "VALETKEY_SOCKET",
        "GITHUB_TOKEN",
        "VALETKEY_TEST_INSIDE",
        "CARGO_MANIFEST_DIR",
        "COLORTERM",
        "NO_COLOR",
        "LANGUAGE",
        "USER",
        "LOGNAME",
    ];
    for name in text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|pair| pair.0)
    {
        assert!(known.contains(&name) || name.starts_with("LC_"), "{name}");
    }
}

/// The processes of bubblewrap that are in the room too give nothing away.
#[test]
fn pid_one_is_closed() {
    let house = House::new();
    let text = house
        .script("cat /proc/1/mem /proc/1/environ; ls -l /proc/1/fd/ /proc/1/root/; kill -9 1; ls /proc/self/fd")
        .text;
    assert!(!text.contains("GITHUB"), "{text}");
    assert!(text.contains("/proc/1/mem: Permission denied"), "{text}");
    assert!(text.contains("/proc/1/root/': Permission denied"), "{text}");
    assert!(!text.contains(" -> "), "{text}");
    assert!(
        text.contains("/proc/1/environ: Permission denied"),
        "{text}"
    );
    // Its own: the standard three, and that of the listing.
    assert!(text.trim_end().ends_with("\n0\n1\n2\n3"), "{text}");
}

/// By a second way to the workspace its protection would be gone.
#[test]
fn the_workspace_has_one_way_in() {
    let house = House::new();
    fs::create_dir(house.workspace().join("sub")).expect("a folder");
    for (name, inside, writable) in [
        ("home/project", "/second", true),
        ("home/project/sub", "/second", true),
        ("out", "sub", false),
    ] {
        let mut room = house.room("true");
        let inside = house.workspace().join(inside);
        room.mounts.push(Mount {
            host: house.path(name),
            inside,
            writable,
        });
        let error = valetkey_sandbox::Sandbox::spawn(&room).expect_err(name);
        assert!(!error.next_step().is_empty());
        room.mounts.pop();
    }
    let mut room = house.room("cat /second/f");
    house.write("f", "x");
    room.mounts.push(Mount {
        host: house.workspace(),
        inside: "/second".into(),
        writable: false,
    });
    assert_eq!(house.run(&room).text, "x");
}

/// What this process did not mark as its own alone.
#[test]
fn no_descriptor_comes_in() {
    let house = House::new();
    let open = fs::File::open("/etc/passwd").expect("it is there");
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).expect("it can be inherited");
    assert_eq!(house.script("ls /proc/self/fd").text, "0\n1\n2\n3\n");
}
