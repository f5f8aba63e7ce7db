//! What it says of leave to use the network.

use valetkey_core::{
    Credentials, ProfileName, Tier,
    network::OriginPattern,
    ports::{Explanation, Policy, PolicyLab as _, Question},
};
use valetkey_support::contracts::policy::{ISSUER, network, session};

use super::{ASK, baseline, policies, told, voices, wrongs};
use crate::folder::Folder;

/// For alice's coder, who is in `dev`, in the profile `workspace-write`.
fn explain_network(text: &str, scope: &str, url: &str) -> Explanation {
    let mut session = session(ISSUER, "alice", &["dev"], "coder");
    session.profile = ProfileName::parse("workspace-write").ok();
    let network = network(&[scope], url);
    let question = Question {
        session: &session,
        credential: &network,
        scopes: &network.scopes,
        audience: &network.audiences.first,
        lifetime: 600,
    };
    let injected = vec![OriginPattern::parse("*.inner.example").expect("a pattern")];
    let policies = |text: &str| policies(text).with_injected(injected.clone());
    told(policies, text, &question)
}

#[test]
fn leave_to_use_the_network_is_explained() {
    let allowed = explain_network(&baseline(), "connect", "https://api.inner.example");
    assert_eq!(
        voices(&allowed),
        ["connect auto: +baseline.reach-injected +baseline.reach-ask"]
    );
    assert_eq!((allowed.change, allowed.instead), (None, vec![]));

    let asked = explain_network(&baseline(), "connect", "https://api.example.com:8443");
    assert_eq!(voices(&asked), ["connect human: +baseline.reach-ask"]);
    let change = asked.change.expect("a change");
    assert_eq!(
        change.rule.as_deref(),
        Some(
            "permit (
  principal in Valetkey::User::\"https://id.example.test#alice\",
  action == Valetkey::Action::\"connectAfterReview\",
  resource == Valetkey::Host::\"api.example.com\"
)
when
{
  principal.agent == \"coder\" &&
  principal.profile == \"workspace-write\" &&
  context.port == 8443 &&
  context.scheme == \"https\" &&
  context.lifetimeSeconds <= 600
};"
        )
    );
    assert_eq!(
        change.also,
        ["the same for every other session of `alice` with the agent `coder`"]
    );
    assert!(asked.instead.is_empty(), "{:?}", asked.instead);

    let denied = explain_network(&baseline(), "TRACE", "https://api.inner.example/");
    assert_eq!(
        voices(&denied),
        ["TRACE deny: -baseline.never-trace +baseline.send"]
    );
    let change = denied.change.expect("a change");
    assert_eq!(
        change.what,
        "only `baseline.never-trace` stands in the way: without it the tier is `auto`"
    );
}

#[test]
fn a_rule_about_a_request_names_method_and_path() {
    let explained = explain_network("", "POST", "http://[::1]:8080/a\"b");
    let rule = explained
        .change
        .and_then(|change| change.rule)
        .expect("a rule");
    for part in [
        "action == Valetkey::Action::\"requestAfterApproval\"",
        "resource == Valetkey::Host::\"::1\"",
        "context.method == \"POST\" &&\n  context.path == \"/a\\\"b\"",
    ] {
        assert!(rule.contains(part), "{rule}");
    }
}

#[test]
fn what_is_no_target_is_explained_as_nothing() {
    let explained = explain_network(&baseline(), "get", "https://a.example/");
    assert_eq!(explained.tier, Tier::Deny);
    assert_eq!(voices(&explained), ["get deny: "]);
    let change = explained.change.expect("a change");
    assert_eq!(
        (change.what.as_str(), change.rule),
        ("no one rule does it", None)
    );
}

/// What is injected stays so over a reload, and counts for candidates and checks.
#[test]
fn where_credentials_are_injected_stays_known() {
    let text = "permit (principal, action == Valetkey::Action::\"connect\", resource) when { resource.injected };";
    let folder = Folder::new(&[("a.cedar", text)]);
    let injected = vec![OriginPattern::parse("api.example").expect("a pattern")];
    let loaded = folder
        .load()
        .expect("good policies")
        .with_injected(injected);
    let tier = |policy: &dyn Policy, url: &str| {
        let network = network(&["connect"], url);
        let verdict = policy.decide(&Question {
            session: &session(ISSUER, "alice", &["dev"], "coder"),
            credential: &network,
            scopes: &network.scopes,
            audience: &network.audiences.first,
            lifetime: 600,
        });
        verdict.expect("a verdict").tier
    };
    loaded.reload().expect("the same");
    let candidate = loaded.candidate(&[folder.path().to_owned()]);
    let candidate = candidate.expect("good policies");
    for policy in [&loaded as &dyn Policy, &*candidate] {
        assert_eq!(tier(policy, "https://api.example"), Tier::Auto);
        assert_eq!(tier(policy, "http://api.example"), Tier::Deny);
        assert_eq!(tier(policy, "https://other.example"), Tier::Deny);
    }
    let table = "[[case]]\nname = \"a\"\nconnect = \"https://api.example\"\nexpect = \"auto\"
[[case]]\nname = \"b\"\nconnect = \"https://api.example\"\ninjected = false\nexpect = \"deny\"
[[case]]\nname = \"c\"\nconnect = \"https://other.example\"\nexpect = \"deny\"
[[case]]\nname = \"d\"\nconnect = \"https://other.example\"\ninjected = true\nexpect = \"auto\"\n";
    let cases = Folder::new(&[("a.toml", &format!("{ASK}{table}"))]);
    for checked in [Some(folder.path()), None] {
        let checked = loaded.check(checked, Some(cases.path()), &Credentials::default());
        assert_eq!(wrongs(checked), [None, None, None, None]);
    }
}
