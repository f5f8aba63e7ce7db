//! The Cedar engine keeps the contract of its port.

use crate::folder::Folder;
use valetkey_core::{
    Tier,
    network::{Origin, Target},
    ports::Policy,
};
use valetkey_policy::CedarPolicies;
use valetkey_support::contracts::policy::{Bench, ISSUER, Rules, Who, Written, suite};

struct CedarBench {
    folder: Folder,
    policies: CedarPolicies,
}

impl Bench for CedarBench {
    fn new(written: &Written) -> Self {
        let folder = Folder::new(&[("rules.cedar", &cedar(written))]);
        let policies = folder.load().expect("good policies");
        Self { folder, policies }
    }

    fn policy(&self) -> &dyn Policy {
        &self.policies
    }

    fn write(&self, written: &Written) {
        self.folder.write("rules.cedar", &cedar(written));
    }
}

fn cedar(written: &Written) -> String {
    match written {
        Written::Rules(rules) => rules_in_cedar(rules),
        // The product does not fit 64 bits. The permit beside it must not save the request.
        Written::Failing => "permit (principal, action, resource);
             forbid (principal, action, resource)
             when { context.lifetimeSeconds * 9223372036854775807 < 0 };"
            .to_owned(),
        Written::Broken => {
            "permit (principal, action, resource) when { context.nonsense };".to_owned()
        }
    }
}

fn rules_in_cedar(rules: &Rules) -> String {
    let mut text = String::new();
    let mut write = |effect, principal, action, credential, when| {
        text += &format!(
            "{effect} (principal{principal}, action{action},
                resource == Valetkey::Credential::\"{credential}\"){when};\n"
        );
    };
    let scope = |scope| format!(" when {{ context.scope == \"{scope}\" }}");
    let action = |id| format!(" == Valetkey::Action::\"{id}\"");
    for (tier, (credential, asked)) in rules.permit {
        let grant = match tier {
            Tier::Auto => "grant",
            Tier::Review => "grantAfterReview",
            Tier::Human => "grantAfterApproval",
            Tier::Deny => continue,
        };
        write(
            "permit",
            String::new(),
            action(grant),
            credential,
            scope(asked),
        );
    }
    for (credential, asked) in rules.forbid {
        write(
            "forbid",
            String::new(),
            String::new(),
            credential,
            scope(asked),
        );
    }
    for (who, credential) in rules.approve {
        let who = match who {
            Who::Person(subject) => format!(" == Valetkey::User::\"{ISSUER}#{subject}\""),
            Who::Reviewer(name) => format!(" == Valetkey::Reviewer::\"{name}\""),
        };
        write("permit", who, action("approve"), credential, String::new());
    }
    for (tier, (scope, url)) in rules.network {
        text += &of_network(*tier, scope, url);
    }
    text
}

fn of_network(tier: Tier, scope: &str, url: &str) -> String {
    let (origin, path) = Origin::split(url).expect("a URL");
    let (verb, group, sent) = if scope == Target::CONNECT {
        ("connect", "reach", String::new())
    } else {
        let sent = format!(" && context.method == \"{scope}\" && context.path == \"{path}\"");
        ("request", "send", sent)
    };
    let (effect, action) = match tier {
        Tier::Auto => ("permit", format!("== Valetkey::Action::\"{verb}\"")),
        Tier::Review => (
            "permit",
            format!("== Valetkey::Action::\"{verb}AfterReview\""),
        ),
        Tier::Human => (
            "permit",
            format!("== Valetkey::Action::\"{verb}AfterApproval\""),
        ),
        Tier::Deny => ("forbid", format!("in Valetkey::Action::\"{group}\"")),
    };
    format!(
        "{effect} (principal, action {action}, resource == Valetkey::Host::\"{host}\")
            when {{ context.port == {port} && context.scheme == \"{scheme}\"{sent} }};\n",
        host = origin.endpoint.host.as_str(),
        port = origin.endpoint.port,
        scheme = origin.scheme.id(),
    )
}

#[test]
fn cedar_keeps_the_contract() {
    suite::<CedarBench>();
}
