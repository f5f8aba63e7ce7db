//! Which crate may know which.
//!
//! `daemon -> {api, adapters} -> core -> {secret, codes}`, and each foreign thing has one home. What a
//! crate cannot name it cannot misuse: the door that parses an agent's bytes has no way to the keyring.

use crate::{House, Manifest};

/// Something foreign, and the crates that bring it. A trailing `*` stands for any ending.
struct Foreign(&'static str, &'static [&'static str]);

const TOKIO: Foreign = Foreign("an async runtime", &["tokio", "tokio-*", "async-*"]);
const TONIC: Foreign = Foreign("gRPC", &["tonic", "tonic-*"]);
const PROST: Foreign = Foreign("wire types", &["prost", "prost-*", "valetkey-wire"]);
const CEDAR: Foreign = Foreign("Cedar", &["cedar-*"]);
const SQL: Foreign = Foreign("SQL", &["rusqlite", "libsqlite3-*", "sqlx", "sqlx-*"]);
const HTTP: Foreign = Foreign(
    "HTTP",
    &[
        "http",
        "http-*",
        "hyper",
        "hyper-*",
        "axum",
        "reqwest",
        "tower-http",
    ],
);
const KEYRING: Foreign = Foreign(
    "the OS keyring",
    &[
        "keyring",
        "keyring-*",
        "*-keyring-store",
        "linux-keyutils",
        "secret-service",
        "zbus",
    ],
);
const OIDC: Foreign = Foreign("OpenID Connect", &["openidconnect", "oauth2"]);
const SERDE: Foreign = Foreign("serializers", &["serde", "serde_*", "toml"]);
const TRACING: Foreign = Foreign("logging", &["tracing", "tracing-*", "log"]);

/// What a crate may know.
struct Room {
    folder: &'static str,
    /// The crates of the house that it may depend on.
    may: &'static [&'static str],
    never: &'static [Foreign],
    why: &'static str,
}

const CORE: &[&str] = &["valetkey-core", "valetkey-codes", "valetkey-secret"];
/// The core, and the one HTTP client.
const CORE_AND_WEB: &[&str] = &[
    "valetkey-core",
    "valetkey-codes",
    "valetkey-secret",
    "valetkey-web",
];
const ADAPTER: &str = "adapters bring evidence to the core and never see each other; what one needs of \
     another it is handed by the daemon as a value of a core port";

/// The table of `docs/architecture.md`, one row per folder.
const ROOMS: &[Room] = &[
    Room {
        folder: "proto/codes",
        may: &[],
        never: &[Foreign("any dependency", &["*"])],
        why: "the error table is read by every crate, so it may cost none of them anything",
    },
    Room {
        folder: "proto/wire",
        may: &[],
        never: &[CEDAR, SQL, KEYRING, OIDC],
        why: "the wire is the contract of both sides and belongs to neither",
    },
    Room {
        folder: "broker/secret",
        may: &[],
        never: &[SERDE, TRACING, TOKIO],
        why: "what can neither be serialized nor logged cannot leak that way",
    },
    Room {
        folder: "broker/core",
        may: &["valetkey-codes", "valetkey-secret"],
        never: &[
            TOKIO, TONIC, PROST, CEDAR, SQL, HTTP, KEYRING, OIDC, TRACING,
        ],
        why: "the core is pure: no I/O, no runtime, no clock, no logging, no wire types",
    },
    Room {
        folder: "broker/host",
        may: CORE,
        never: &[TONIC, PROST, CEDAR, SQL, KEYRING, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/policy",
        may: CORE,
        never: &[KEYRING, SQL, HTTP, TONIC, PROST, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/keyring",
        may: CORE,
        never: &[CEDAR, TONIC, PROST, SQL, HTTP, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/web",
        may: &[],
        never: &[KEYRING, CEDAR, SQL, TONIC, PROST, OIDC, TRACING],
        why: "the one HTTP client is not an adapter and serves several: it knows none of them, nor the core, and logs nothing of what it carries",
    },
    Room {
        folder: "broker/oidc",
        may: CORE_AND_WEB,
        never: &[KEYRING, CEDAR, SQL, TONIC, PROST],
        why: ADAPTER,
    },
    Room {
        folder: "broker/reviewer",
        may: CORE_AND_WEB,
        never: &[KEYRING, CEDAR, SQL, HTTP, TONIC, PROST, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/messenger",
        may: &[
            "valetkey-core",
            "valetkey-codes",
            "valetkey-secret",
            "valetkey-web",
            // For the desktop's notifications, which are on the same bus as the desktop's keyring.
            "zbus",
        ],
        never: &[KEYRING, CEDAR, SQL, HTTP, TONIC, PROST, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/sources",
        may: CORE,
        never: &[KEYRING, CEDAR, SQL, TONIC, PROST],
        why: ADAPTER,
    },
    Room {
        folder: "broker/store",
        may: CORE,
        never: &[KEYRING, CEDAR, TONIC, PROST, HTTP, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/bundle",
        may: &["valetkey-core"],
        never: &[
            TOKIO, TONIC, PROST, CEDAR, SQL, HTTP, KEYRING, OIDC, TRACING,
        ],
        why: "bytes that anybody may have written are verified here, so nothing here reaches further",
    },
    Room {
        folder: "broker/telemetry",
        may: CORE,
        never: &[KEYRING, CEDAR, SQL, OIDC],
        why: ADAPTER,
    },
    Room {
        folder: "broker/api",
        may: &[
            "valetkey-core",
            "valetkey-codes",
            "valetkey-secret",
            "valetkey-wire",
        ],
        never: &[KEYRING, SQL, CEDAR, OIDC],
        why: "hostile bytes are parsed here, so nothing here can name the keyring or the store",
    },
    Room {
        folder: "broker/inject",
        may: CORE,
        never: &[KEYRING, CEDAR, SQL, TONIC, PROST, OIDC, TRACING],
        why: "hostile bytes are searched and rewritten here, so nothing here reaches anything, nor logs",
    },
    Room {
        folder: "broker/egress",
        may: &[
            "valetkey-core",
            "valetkey-codes",
            "valetkey-inject",
            "valetkey-secret",
        ],
        never: &[KEYRING, CEDAR, SQL, TONIC, PROST, OIDC],
        why: "hostile bytes are parsed here, so nothing here can name the keyring or the store",
    },
    Room {
        folder: "broker/daemon",
        may: &[
            "valetkey-api",
            "valetkey-bundle",
            "valetkey-codes",
            "valetkey-core",
            "valetkey-egress",
            "valetkey-host",
            "valetkey-keyring",
            "valetkey-messenger",
            "valetkey-oidc",
            "valetkey-policy",
            "valetkey-reviewer",
            "valetkey-secret",
            "valetkey-sources",
            "valetkey-store",
            "valetkey-telemetry",
        ],
        never: &[KEYRING, SQL, CEDAR, OIDC, TONIC, PROST],
        why: "the daemon wires adapters together and does none of their work",
    },
    Room {
        folder: "client/sdk",
        may: &["valetkey-codes", "valetkey-wire"],
        never: &[CEDAR, SQL, KEYRING, OIDC],
        why: "a client speaks the wire and knows nothing of the broker's inside",
    },
    Room {
        folder: "client/sandbox",
        may: &[],
        never: &[TOKIO, TONIC, PROST, CEDAR, SQL, HTTP, KEYRING, OIDC],
        why: "the launcher makes a room and knows neither the broker nor the wire",
    },
    Room {
        folder: "client/cli",
        may: &[
            "valetkey-codes",
            "valetkey-sandbox",
            "valetkey-sdk",
            "valetkey-wire",
        ],
        never: &[CEDAR, SQL, KEYRING, OIDC],
        why: "a client speaks the wire and knows nothing of the broker's inside",
    },
];

/// A sentence for every wrong arrow.
pub fn check(house: &House) -> Vec<String> {
    house.manifests().iter().flat_map(check_one).collect()
}

fn check_one(manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    let folder = &manifest.folder;
    let last = folder.rsplit('/').next().unwrap_or_default();
    if manifest.name != format!("valetkey-{last}") {
        wrong.push(format!(
            "{folder} is called {}, not after its folder",
            manifest.name
        ));
    }
    if !manifest.lints {
        wrong.push(format!("{folder} does not inherit the workspace's lints"));
    }
    for dependency in manifest.dependencies.iter().filter(|d| !d.inherited) {
        wrong.push(format!(
            "{folder} has a version of its own for {}: versions stand in the workspace, once",
            dependency.name
        ));
    }
    if folder.starts_with("tests/") {
        return wrong;
    }
    let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
        wrong.push(format!(
            "{folder} has no row in tests/repo/src/arrows.rs: say what it may know"
        ));
        return wrong;
    };
    for name in manifest.built_with() {
        if name.starts_with("valetkey-") && !room.may.contains(&name) {
            wrong.push(format!("{folder} depends on {name}: {}", room.why));
        }
        let foreign = room.never.iter().find(|foreign| foreign.brought_by(name));
        if let (Some(Foreign(what, _)), false) = (foreign, room.may.contains(&name)) {
            wrong.push(format!(
                "{folder} depends on {name} and so knows {what}: {}",
                room.why
            ));
        }
    }
    wrong
}

impl Foreign {
    fn brought_by(&self, name: &str) -> bool {
        self.1.iter().any(
            |pattern| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
                (Some(beginning), _) => name.starts_with(beginning),
                (None, Some(ending)) => name.ends_with(ending),
                (None, None) => name == *pattern,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::check_one;
    use crate::Manifest;

    fn wrong(folder: &str, dependencies: &str) -> Vec<String> {
        let last = folder.rsplit('/').next().unwrap();
        let text = format!(
            "[package]\nname = \"valetkey-{last}\"\n[lints]\nworkspace = true\n{dependencies}"
        );
        check_one(&Manifest::parse(folder, &text).unwrap())
    }

    #[test]
    fn wrong_arrows_are_found() {
        let cases = [
            (
                "broker/api",
                "[dependencies]\nvaletkey-keyring.workspace = true",
            ),
            ("broker/api", "[dependencies]\nrusqlite.workspace = true"),
            (
                "broker/oidc",
                "[dependencies]\nvaletkey-keyring.workspace = true",
            ),
            (
                "broker/oidc",
                "[target.'cfg(unix)'.dependencies]\nzbus-secret-service-keyring-store.workspace = true",
            ),
            (
                "broker/core",
                "[build-dependencies]\ntokio-util.workspace = true",
            ),
            (
                "broker/secret",
                "[dependencies]\nserde_json.workspace = true",
            ),
            ("proto/codes", "[dependencies]\nthiserror.workspace = true"),
            (
                "proto/wire",
                "[dependencies]\nvaletkey-core.workspace = true",
            ),
            (
                "client/cli",
                "[dependencies]\nvaletkey-core.workspace = true",
            ),
            (
                "broker/store",
                "[dependencies]\nvaletkey-support.workspace = true",
            ),
            ("broker/store", "[dependencies]\nring = \"0.17\""),
            ("broker/attic", ""),
        ];
        for (folder, dependencies) in cases {
            assert_eq!(
                wrong(folder, dependencies).len(),
                1,
                "{folder} {dependencies}"
            );
        }
    }

    #[test]
    fn right_arrows_are_not() {
        let cases = [
            (
                "broker/store",
                "[dependencies]\nrusqlite.workspace = true\nvaletkey-core.workspace = true",
            ),
            (
                "broker/store",
                "[dev-dependencies]\nvaletkey-support.workspace = true",
            ),
            ("proto/wire", "[dependencies]\nprost.workspace = true"),
            (
                "tests/e2e",
                "[dependencies]\nvaletkey-daemon.workspace = true",
            ),
        ];
        for (folder, dependencies) in cases {
            assert_eq!(wrong(folder, dependencies), Vec::<String>::new());
        }
    }
}
