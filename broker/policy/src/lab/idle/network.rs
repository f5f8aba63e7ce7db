//! What of the network some policies could tell apart.

use std::collections::BTreeSet;

use cedar_policy::{Policy, ResourceConstraint};
use valetkey_core::{
    Audience, ProfileName,
    network::{Endpoint, HostName, Origin, OriginPattern, Scheme, Target},
};

use super::literals::{Literals, typed};
use crate::slices::named_resource;

/// A host that no policy means.
const ANOTHER: &str = "another.invalid";
/// The label of a host below one that is named.
const BELOW: &str = "below";
/// A method that no policy means.
const ANOTHER_METHOD: &str = "ANOTHER";
/// A path that no policy means.
const ANOTHER_PATH: &str = "/another";
/// A profile that no policy means.
const ANOTHER_PROFILE: &str = "another";
/// The profiles that are shipped, and that of a session without a sandbox.
const PROFILES: [&str; 4] = ["read-only", "workspace-write", "open", ""];

/// An origin, and whether a credential is put into requests to it.
#[derive(Debug)]
pub(super) struct Place {
    origin: Origin,
    pub(super) injected: Option<OriginPattern>,
}

impl Place {
    /// To reach it.
    pub(super) fn reached(&self) -> Target {
        Target::Connect(self.origin.clone())
    }

    /// To send it a request.
    pub(super) fn sent(&self, method: &str, path: &str) -> Target {
        Target::Request {
            origin: self.origin.clone(),
            method: method.into(),
            path: path.into(),
        }
    }
}

/// Every host with every port, scheme and injection.
pub(super) fn places(policy: &Policy, literals: &Literals) -> Vec<Place> {
    let schemes = if literals.speak_of("scheme") {
        vec![Scheme::Https, Scheme::Http]
    } else {
        vec![Scheme::Https]
    };
    let mut places = Vec::new();
    for host in hosts(policy, literals) {
        for &port in &ports(literals) {
            for &scheme in &schemes {
                let host = host.clone();
                let endpoint = Endpoint { host, port };
                let origin = Origin { scheme, endpoint };
                let pattern = OriginPattern::parse(&origin.to_string()).ok();
                if literals.speak_of("injected") {
                    places.push(Place {
                        origin: origin.clone(),
                        injected: pattern,
                    });
                }
                places.push(Place {
                    origin,
                    injected: None,
                });
            }
        }
    }
    places
}

/// Those that are named, one below each, and one that is not named, as far as the head means them.
fn hosts(policy: &Policy, literals: &Literals) -> BTreeSet<HostName> {
    let named: Vec<_> = literals.named("Host").map(str::to_owned).collect();
    let mut labels = literals.values("host", [], ANOTHER);
    labels.extend(literals.values("name", [], ANOTHER));
    let alone = labels.iter().chain(&named).cloned();
    let prefixes = labels.iter().map(String::as_str).chain([BELOW]);
    let below = prefixes.flat_map(|label| named.iter().map(move |host| format!("{label}.{host}")));
    let hosts = alone
        .chain(below)
        .filter_map(|host| HostName::parse(&host).ok());
    let head = named_resource(policy).map(typed);
    let only = matches!(policy.resource_constraint(), ResourceConstraint::Eq(_));
    let meant = |host: &HostName| {
        let within = |head: &str| !only && host.domains().any(|domain| domain == head);
        head.as_ref()
            .is_none_or(|(kind, head)| kind == "Host" && (host.as_str() == head || within(head)))
    };
    hosts.filter(meant).collect()
}

/// Each number that is named, one less and one more, and the usual one.
fn ports(literals: &Literals) -> BTreeSet<u16> {
    let usual = Scheme::Https.port();
    let around = literals
        .around("port")
        .filter_map(|n| u16::try_from(n).ok());
    around.filter(|port| *port != 0).chain([usual]).collect()
}

pub(super) fn methods(literals: &Literals) -> Vec<String> {
    let mut methods = literals.values("method", [], ANOTHER_METHOD);
    if literals.speak_of("safe") {
        // One that is safe and one that is not, whatever else tells them apart.
        methods.extend(["GET", "POST"].map(str::to_owned));
    }
    distinct(methods, |method| target(method, "/").is_some())
}

pub(super) fn paths(literals: &Literals) -> Vec<String> {
    let mut paths = literals.values("path", ["/"], ANOTHER_PATH);
    if literals.speak_of("plain") {
        let odd: Vec<_> = paths.iter().map(|path| format!("{path}//")).collect();
        paths.extend(odd);
    }
    distinct(paths, |path| target("GET", path).is_some())
}

/// `None` for a session without a sandbox.
pub(super) fn profiles(literals: &Literals) -> Vec<Option<ProfileName>> {
    let profiles = literals.values("profile", PROFILES, ANOTHER_PROFILE);
    let profiles = profiles.iter().filter_map(|name| match name.as_str() {
        "" => Some(None),
        name => ProfileName::parse(name).ok().map(Some),
    });
    profiles.collect()
}

fn target(method: &str, path: &str) -> Option<Target> {
    let url = Audience::parse(&format!("https://{ANOTHER}{path}")).ok()?;
    Target::read(method, &url)
}

fn distinct(values: Vec<String>, fine: impl Fn(&str) -> bool) -> Vec<String> {
    let values: BTreeSet<_> = values.into_iter().filter(|value| fine(value)).collect();
    values.into_iter().collect()
}
