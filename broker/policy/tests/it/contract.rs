//! The Cedar engine keeps the contract of its port.

use crate::folder::Folder;
use valetkey_core::ports::Policy;
use valetkey_policy::CedarPolicies;
use valetkey_support::contracts::policy::{Bench, Pair, Written, suite};

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
    let rules = |effect: &str, pairs: &[Pair]| -> String {
        let policies = pairs.iter().map(|(credential, scope)| {
            format!(
                "{effect} (principal, action, resource == Valetkey::Credential::\"{credential}\")
                 when {{ context.scope == \"{scope}\" }};\n"
            )
        });
        policies.collect()
    };
    match written {
        Written::Rules { permit, forbid } => rules("permit", permit) + &rules("forbid", forbid),
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

#[test]
fn cedar_keeps_the_contract() {
    suite::<CedarBench>();
}
