//! Hosts that agents send requests to, and what came of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Helper, Outcome, World, venv};

/// An authority of the test's own, and a certificate of its for every host below `test`.
pub struct Tls {
    /// The authority's certificate.
    pub authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// The hosts that are all at loopback.
pub const HOSTS: [&str; 3] = ["api.test", "other.test", "cdn.test"];

impl Tls {
    /// Makes both with `openssl`, in the world's folder.
    pub fn new(world: &World) -> Self {
        let at = |name: &str| world.folder().join(name);
        let names = HOSTS.map(|host| format!("DNS:{host}")).join(",");
        let tls = Self {
            authority: at("authority.pem"),
            certificate: at("certificate.pem"),
            key: at("key.pem"),
        };
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        let make = |rest: &str, files: &[&Path]| {
            let mut openssl = std::process::Command::new("openssl");
            openssl.args(format!("req -x509 {new} {rest}").split_whitespace());
            for (option, file) in ["-keyout", "-out", "-CA", "-CAkey"].iter().zip(files) {
                openssl.arg(option).arg(file);
            }
            Outcome::of(&mut openssl, b"").ok();
        };
        let authority_key = at("authority.key");
        make("-subj /CN=authority", &[&authority_key, &tls.authority]);
        make(
            &format!(
                "-subj /CN=test -addext subjectAltName={names} -addext basicConstraints=critical,CA:false"
            ),
            &[&tls.key, &tls.certificate, &tls.authority, &authority_key],
        );
        tls
    }
}

/// A host: a script of `tests/e2e/tests/it/clients`, which writes down what it is sent.
pub struct Origin {
    /// The script.
    pub helper: Helper,
    seen: PathBuf,
}

impl Origin {
    /// Starts one in the clear.
    pub fn plain(world: &World, script: &str) -> Self {
        Self::start(world, script, &[])
    }

    /// Starts one over TLS, with more arguments.
    pub fn secure(world: &World, script: &str, tls: &Tls, arguments: &[&str]) -> Self {
        let mut all = vec![text(&tls.certificate), text(&tls.key)];
        all.extend(arguments);
        Self::start(world, script, &all)
    }

    /// Starts one that takes tokens of the issuer whose name is in a file before the first request.
    pub fn verifying(world: &World, tls: &Tls, issuer: &Path) -> Self {
        let arguments = [text(&tls.certificate), text(&tls.key), text(issuer)];
        Self::start_by(
            Path::new("/usr/bin/python3"),
            world,
            "verifier.py",
            &arguments,
        )
    }

    fn start(world: &World, script: &str, arguments: &[&str]) -> Self {
        Self::start_by(&venv().join("bin/python"), world, script, arguments)
    }

    fn start_by(python: &Path, world: &World, script: &str, arguments: &[&str]) -> Self {
        // Several of the same script write to files of their own.
        let count = fs::read_dir(world.folder()).expect("a folder").count();
        let seen = world.folder().join(format!("seen-{count}.jsonl"));
        fs::write(&seen, "").expect("a file");
        let mut all = vec![text(&seen)];
        all.extend(arguments);
        let helper = Helper::start_by(python, &format!("clients/{script}"), &all);
        Self { helper, seen }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.helper.port
    }

    /// What it was sent, oldest first.
    pub fn seen(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.seen).expect("what it has seen");
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("lines of JSON")
    }

    /// What it was sent to this path, without the query.
    #[track_caller]
    pub fn seen_at(&self, path: &str) -> Vec<Value> {
        let mut seen = self.seen();
        seen.retain(|one| {
            let whole = one["path"].as_str().unwrap_or_default();
            whole.split('?').next() == Some(path)
        });
        assert!(!seen.is_empty(), "nothing came to {path}");
        seen
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
