//! npm, pip and cargo, against registries that want a token.

use std::process::Command;

use valetkey_e2e::{CANARY, Outcome, Trip};

const REGISTRY: &str = r#"
[credentials.registry]
source = "static"
secret = "canary"
[[credentials.registry.inject]]
hosts = ["HOST"]
methods = ["GET"]
header = "authorization"
"#;

fn registry(profile: &str) -> Trip {
    let extra = format!("{REGISTRY}{profile}");
    Trip::to("registry.py", &[CANARY], &extra)
}

#[track_caller]
fn was_asked(trip: &Trip, path: &str) {
    for seen in trip.origin.seen_at(path) {
        assert_eq!(
            seen["headers"]["authorization"],
            format!("Bearer {CANARY}"),
            "{path}"
        );
    }
}

#[test]
fn npm_installs() {
    let trip = registry("");
    let script = r#"
export NPM_CONFIG_REGISTRY=$BASE/npm/ NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false
node "$NODE/lib/node_modules/npm/bin/npm-cli.js" install --loglevel=error --prefix . @acme/pad >&2
node -p 'require("@acme/pad")'
"#;
    let said = trip.errand(script).ok();
    assert_eq!(said.stdout, "padded\n", "{said:?}");
    was_asked(&trip, "/npm/pad-1.2.3.tgz");
}

#[test]
fn pip_installs() {
    let trip = registry("");
    let script = r#"
python3 -m pip install --disable-pip-version-check -q --index-url $BASE/simple --target lib acme-pad >&2
PYTHONPATH=lib python3 -c 'import acme_pad; print(acme_pad.PADDED)'
"#;
    let said = trip.errand(script).ok();
    assert_eq!(said.stdout, "padded\n", "{said:?}");
    was_asked(&trip, "/simple/acme-pad/");
    was_asked(&trip, "/wheels/acme_pad-1.2.3-py3-none-any.whl");
}

/// The toolchain is in somebody's home, of which a sandbox sees what its profile names.
#[test]
fn cargo_fetches() {
    let sysroot = sysroot();
    let trip = registry(&format!(
        "[sandbox.profiles.rust]\nworkspace = \"writable\"\nreadable = [\"{sysroot}\"]\n"
    ));
    trip.pack("Cargo.toml", MANIFEST);
    let script = format!("PATH={sysroot}/bin:$PATH\n{FETCH}");
    let said = trip.errand_with("--profile rust", &script).ok();
    assert_eq!(said.stdout, "padded\n", "{said:?}");
    was_asked(&trip, "/cargo/config.json");
    was_asked(&trip, "/cargo/ac/me/acme-pad");
    was_asked(&trip, "/crates/acme-pad/1.2.3/download");
}

const MANIFEST: &str = r#"
[package]
name = "app"
version = "0.0.0"
edition = "2024"
[dependencies]
acme-pad = { version = "1", registry = "acme" }
"#;

const FETCH: &str = r#"
export CARGO_HOME=$PWD/home CARGO_REGISTRIES_ACME_INDEX=sparse+$BASE/cargo/
mkdir src && touch src/lib.rs
cargo fetch --quiet
cat "$CARGO_HOME"/registry/src/*/acme-pad-1.2.3/src/lib.rs
"#;

fn sysroot() -> String {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]);
    let said = Outcome::of(&mut rustc, b"").ok();
    said.stdout.trim().to_owned()
}
