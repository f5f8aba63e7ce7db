//! Rules about requests to hosts of which nobody sees the requests.
//!
//! TLS is looked into where the head of a rule about requests names the host, where a credential goes to it, or
//! where the configuration says so. A rule that names a host in `when` alone makes nobody look.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use valetkey_core::{
    network::HostName,
    ports::{IdleRule, PolicyError},
};

use super::idle::Literals;
use crate::{
    rules::Rules,
    slices::{actions, named_resource},
    words::Asked,
};

/// The rules that name such a host. `network.inspect` is not known here, so what is said leaves it open.
pub(super) fn find(rules: &Rules) -> Result<Vec<IdleRule>, PolicyError> {
    let mut found = Vec::new();
    for policy in &rules.policies {
        if named_resource(policy).is_some() || !is_about_requests(rules, policy) {
            continue;
        }
        let literals = Literals::of(policy)?;
        let named = literals.named("Host").chain(literals.said("host"));
        let hosts: BTreeSet<_> = named
            .filter_map(|name| HostName::parse(name).ok())
            .filter(|host| !is_looked_into(rules, host))
            .map(|host| format!("`{host}`"))
            .collect();
        if !hosts.is_empty() {
            let hosts: Vec<_> = hosts.into_iter().collect();
            found.push(IdleRule {
                policy: policy.id().to_string(),
                why: format!(
                    "no head of a rule about requests and no credential has TLS to {} looked into; name it in a head, as `resource in Valetkey::Host::\"…\"`, or in `network.inspect`",
                    hosts.join(", ")
                ),
            });
        }
    }
    Ok(found)
}

/// Those about reaching as well hold before there is anything to see.
fn is_about_requests(rules: &Rules, policy: &Policy) -> bool {
    let requests = rules.words.tiers(Asked::Request);
    let about = actions(&rules.words, policy);
    !about.is_empty()
        && about
            .iter()
            .all(|action| requests.iter().any(|(_, request)| request == action))
}

/// Of a credential on whatever port: which one is meant is not read here.
fn is_looked_into(rules: &Rules, host: &HostName) -> bool {
    let injected = rules.injected.iter().any(|pattern| {
        let meant = pattern.host().as_str();
        host.as_str() == meant || host.domains().any(|domain| domain == meant)
    });
    injected || rules.speaks_of_requests(host)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use valetkey_core::network::OriginPattern;

    use super::find;
    use crate::{files, rules::Rules};

    fn unseen(text: &str, injected: &[&str]) -> Vec<String> {
        let file = files::from_text("t.cedar", text.to_owned()).unwrap();
        let injected = injected
            .iter()
            .map(|host| OriginPattern::parse(host).unwrap());
        let injected: Arc<[_]> = injected.collect();
        let rules = Rules::read(&[file], &injected).unwrap();
        let found = find(&rules).unwrap().into_iter();
        found
            .map(|rule| format!("{}: {}", rule.policy, rule.why))
            .collect()
    }

    #[test]
    fn a_host_in_when_alone_makes_nobody_look() {
        let rule = "@id(\"admin\") forbid (principal, action in Valetkey::Action::\"send\", resource is Valetkey::Host)\n\
                    when { context.host == \"web.test\" && context.path like \"/admin*\" };";
        let found = unseen(rule, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("admin: no head of a rule about requests and no credential has TLS to `web.test` looked into"),
            "{found:?}"
        );
        assert_eq!(unseen(rule, &["web.test"]), Vec::<String>::new());
        let looked = "@id(\"head\") permit (principal, action == Valetkey::Action::\"request\", resource in Valetkey::Host::\"test\");";
        assert_eq!(
            unseen(&format!("{rule}\n{looked}"), &[]),
            Vec::<String>::new()
        );
        let entity = rule.replace(
            "context.host == \"web.test\"",
            "resource == Valetkey::Host::\"web.test\"",
        );
        assert_eq!(unseen(&entity, &[]).len(), 1);
    }

    #[test]
    fn what_is_seen_or_is_about_reaching_is_not_told() {
        for rule in [
            "forbid (principal, action in Valetkey::Action::\"send\", resource == Valetkey::Host::\"web.test\") when { context.path like \"/admin*\" };",
            "forbid (principal, action in Valetkey::Action::\"reach\", resource) when { context.host == \"web.test\" };",
            "forbid (principal, action in Valetkey::Action::\"send\", resource) when { context.method == \"TRACE\" };",
        ] {
            assert_eq!(unseen(rule, &[]), Vec::<String>::new(), "{rule}");
        }
        for (name, text) in crate::BASELINE {
            assert_eq!(unseen(text, &[]), Vec::<String>::new(), "{name}");
        }
    }
}
