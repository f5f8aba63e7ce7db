//! The sign-in and the browser.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use crate::{
    run::run,
    stub::{Script, Stub},
};

const URL: &str = "https://idp.test/authorize?state=word";

/// A browser that writes down its arguments, one to a line, and says when it is done.
fn browser(stub: &Stub) -> (PathBuf, PathBuf) {
    let program = stub.runtime().join("browser");
    let seen = stub.runtime().join("seen");
    let pipe = seen.display();
    let made = std::process::Command::new("mkfifo")
        .arg(&seen)
        .status()
        .unwrap();
    assert!(made.success());
    fs::write(
        &program,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >{pipe}\n"),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    (program, seen)
}

#[test]
fn the_address_is_printed_and_opened() {
    let stub = Stub::start();
    let (program, seen) = browser(&stub);
    let mut command = stub.owner_command(["login", "--account", "work"]);
    command.env(
        "BROWSER",
        format!("/nonexistent:{} --new", program.display()),
    );
    let outcome = run(&mut command, b"").ok();
    assert_eq!(
        outcome.stdout,
        format!(
            "Sign in at this address:\n{URL}\n\
             Logged in as word at https://idp.test (account work; groups word).\n"
        )
    );
    // Reading the pipe waits for the browser, which goes on by itself.
    assert_eq!(fs::read_to_string(seen).unwrap(), format!("--new\n{URL}\n"));
    assert_eq!(
        stub.last(),
        "LoginRequest { account: \"work\", device: false }"
    );
}

#[test]
fn no_shell_sees_the_address() {
    let stub = Stub::with(Script {
        word: "$(touch${IFS}owned);&'\"".to_owned(),
        ..Script::default()
    });
    let (program, seen) = browser(&stub);
    let mut command = stub.owner_command(["login"]);
    command.env("BROWSER", &program).current_dir(stub.runtime());
    run(&mut command, b"").ok();
    let seen = fs::read_to_string(seen).unwrap();
    assert_eq!(
        seen,
        "https://idp.test/authorize?state=$(touch${IFS}owned);&'\"\n"
    );
    assert!(!stub.runtime().join("owned").exists());
}

#[test]
fn without_a_browser_the_login_goes_on() {
    let stub = Stub::start();
    let mut command = stub.owner_command(["login", "--no-browser"]);
    command.env("BROWSER", "/nonexistent");
    assert!(run(&mut command, b"").ok().stdout.contains(URL));
    let mut command = stub.owner_command(["login"]);
    command.env("BROWSER", "/nonexistent");
    assert!(run(&mut command, b"").ok().stdout.contains(URL));
}

#[test]
fn a_device_login_shows_the_code() {
    let stub = Stub::start();
    let outcome = stub.owner("login --device").ok().stdout;
    assert!(
        outcome.contains("https://idp.test/device\nWDJB-MJHT\n"),
        "{outcome}"
    );
    let json = stub.owner("login --device --json").ok().stdout;
    let steps: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0]["step"], "device");
    assert_eq!(steps[0]["user_code"], "WDJB-MJHT");
    assert_eq!(steps[1]["step"], "done");
    assert_eq!(steps[1]["user"]["subject"], "sub-1");
}

#[test]
fn inside_a_session_no_browser_is_opened() {
    let stub = Stub::start();
    let mut command = stub.owner_command(["login"]);
    command.env("VALETKEY_SOCKET", stub.session());
    let refused = run(&mut command, b"");
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("no browser is opened"),
        "{refused:?}"
    );
    assert!(stub.heard().is_empty());
    let mut command = stub.owner_command(["login", "--device"]);
    run(command.env("VALETKEY_SOCKET", stub.session()), b"").ok();
}
