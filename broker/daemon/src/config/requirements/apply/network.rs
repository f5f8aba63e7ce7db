//! Network, sandboxes and commands under requirements.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use valetkey_core::{
    ProfileName,
    network::{Endpoint, HostName},
};

use crate::config::{
    check::{profile_names, usual_profile},
    file::{Commands, Network, Profile, Sandbox},
    requirements::{
        file,
        told::{Shown, Told},
    },
};

pub(super) fn network(mine: &mut Network, required: file::Network, told: &mut Told) {
    let left = required.addresses.map(|allowed| {
        let both = mine.addresses.intersection(&allowed);
        both.cloned().collect::<BTreeSet<_>>()
    });
    told.set("network.addresses", &mut mine.addresses, left);
    // Where a host is, and whose certificates count, is what the name stands for.
    told.set("network.hosts", &mut mine.hosts, Some(required.hosts));
    told.set(
        "network.extra_ca",
        &mut mine.extra_ca,
        Some(required.extra_ca),
    );
    for pattern in required.inspect {
        if !mine.inspect.contains(&pattern) {
            told.tell("network.inspect", &"not among them", &pattern.to_string());
            mine.inspect.push(pattern);
        }
    }
}

pub(super) fn sandbox(mine: &mut Sandbox, required: file::Sandbox, told: &mut Told) {
    if required.allowed.is_none() && required.profiles.is_empty() {
        return;
    }
    let before: BTreeSet<_> = profile_names(mine).into_iter().collect();
    let usual = usual_profile(mine);
    told.set(
        "sandbox.profiles",
        &mut mine.profiles,
        Some(required.profiles),
    );
    let there: BTreeSet<_> = profile_names(mine).into_iter().collect();
    if let Some(allowed) = required.allowed {
        for name in allowed.difference(&there) {
            told.idle.push(format!(
                "`{name}` of `sandbox.allowed` binds nothing here: no sandbox profile of that name"
            ));
        }
        mine.allowed = Some(allowed);
    }
    let left: BTreeSet<_> = profile_names(mine).into_iter().collect();
    if left != there {
        told.tell("sandbox.allowed", &there, &left);
    }
    if left.is_empty() {
        told.idle
            .push("`sandbox.allowed` leaves no profile: no sandbox can be made here".to_owned());
    }
    if mine
        .profile
        .as_ref()
        .is_some_and(|usual| !left.contains(usual))
    {
        mine.profile = None;
    }
    let now = usual_profile(mine);
    if now != usual {
        told.tell("sandbox.profile", &usual, &now);
    }
    mine.forbidden = before
        .union(&there)
        .filter(|name| !left.contains(*name))
        .cloned()
        .collect();
}

pub(super) fn commands(mine: &mut Commands, required: file::Commands, told: &mut Told) {
    if let Some(rules) = required.rules {
        told.tell(
            "commands.file",
            &mine.file.take(),
            &"rules of the requirements",
        );
        mine.text = Some(rules);
    } else if let Some(file) = required.file {
        told.set("commands.file", &mut mine.file, Some(Some(file)));
    }
}

impl Shown for BTreeSet<Endpoint> {
    fn shown(&self) -> String {
        all(self.iter().map(ToString::to_string))
    }
}

impl Shown for ProfileName {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for BTreeSet<ProfileName> {
    fn shown(&self) -> String {
        all(self.iter().map(ToString::to_string))
    }
}

impl Shown for BTreeMap<HostName, IpAddr> {
    fn shown(&self) -> String {
        all(self.iter().map(|(host, ip)| format!("{host} at {ip}")))
    }
}

impl Shown for BTreeMap<ProfileName, Profile> {
    fn shown(&self) -> String {
        all(self.keys().map(ToString::to_string))
    }
}

fn all(each: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = each.collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}
