//! npm and pip, against registries that want a token.

use valetkey_e2e::{CANARY, Origin, Tls, World};

struct Registry {
    world: World,
    origin: Origin,
    base: String,
}

fn registry() -> Registry {
    let mut world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "registry.py", &tls, &[CANARY]);
    let port = origin.port();
    world.configure_errands(
        Some(&tls),
        &[port],
        &format!(
            r#"
[credentials.registry]
source = "static"
secret = "canary"
[[credentials.registry.inject]]
hosts = ["api.test:{port}"]
methods = ["GET"]
header = "authorization"
"#
        ),
    );
    world.open_for_errands();
    let base = format!("https://api.test:{port}");
    Registry {
        world,
        origin,
        base,
    }
}

impl Registry {
    fn was_asked(&self, path: &str) {
        for seen in self.origin.seen_at(path) {
            assert_eq!(
                seen["headers"]["authorization"],
                format!("Bearer {CANARY}"),
                "{path}"
            );
        }
    }
}

#[test]
fn npm_installs() {
    let registry = registry();
    let script = format!(
        r#"
export NPM_CONFIG_REGISTRY={}/npm/ NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false
node "$NODE/lib/node_modules/npm/bin/npm-cli.js" install --loglevel=error --prefix . @acme/pad >&2
node -p 'require("@acme/pad")'
"#,
        registry.base
    );
    let said = registry.world.errand(&script).ok();
    assert_eq!(said.stdout, "padded\n", "{said:?}");
    registry.was_asked("/npm/pad-1.2.3.tgz");
}

#[test]
fn pip_installs() {
    let registry = registry();
    let script = format!(
        "python3 -m pip install --disable-pip-version-check -q --index-url {}/simple --target lib acme-pad >&2
         PYTHONPATH=lib python3 -c 'import acme_pad; print(acme_pad.PADDED)'",
        registry.base
    );
    let said = registry.world.errand(&script).ok();
    assert_eq!(said.stdout, "padded\n", "{said:?}");
    registry.was_asked("/simple/acme-pad/");
    registry.was_asked("/wheels/acme_pad-1.2.3-py3-none-any.whl");
}
