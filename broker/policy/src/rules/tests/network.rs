//! The network: which rules reach which hosts, and that denied always wins.

use std::sync::Arc;

use valetkey_core::{
    Approver, ProfileName, Tier,
    network::{HostName, OriginPattern},
    ports::{ApproverQuestion, Consent, Question},
};
use valetkey_support::contracts::policy::{ISSUER, network, session};

use crate::{generated::file, rules::Rules};

fn rules(text: &str) -> Rules {
    let injected = [
        "api.example.com:8443",
        "*.inner.example.com",
        "http://localhost:8080",
    ];
    let injected = injected.map(|pattern| OriginPattern::parse(pattern).unwrap());
    Rules::read(&[file(text.to_owned())], &Arc::from(injected)).unwrap()
}

/// For alice's coder, who is in `dev`, in the profile `open`.
fn tier(rules: &Rules, scope: &str, url: &str) -> Tier {
    let network = network(&[scope], url);
    let mut session = session(ISSUER, "alice", &["dev"], "coder");
    session.profile = Some(ProfileName::parse("open").unwrap());
    let verdict = rules.decide(&Question {
        session: &session,
        credential: &network,
        scopes: &network.scopes,
        audience: &network.audiences.first,
        lifetime: 600,
    });
    verdict.unwrap().tier
}

/// Whether a permit of that head and condition gives it.
fn gives(head: &str, condition: &str, scope: &str, url: &str) -> bool {
    let verb = if scope == "connect" { scope } else { "request" };
    let rules = rules(&format!(
        "permit (principal, action == Valetkey::Action::\"{verb}\", {head}) when {{ {condition} }};"
    ));
    tier(&rules, scope, url) == Tier::Auto
}

const WHOLE: &str = "resource in Valetkey::Host::\"example.com\"";
const ALONE: &str = "resource == Valetkey::Host::\"example.com\"";

#[test]
fn a_domain_is_what_is_below_it_and_no_name_that_looks_like_it() {
    for (url, whole, alone) in [
        ("https://example.com", true, true),
        ("https://EXAMPLE.com.:8443", true, true),
        ("http://example.com:80", true, true),
        ("https://api.example.com", true, false),
        ("https://a.b.example.com", true, false),
        ("https://badexample.com", false, false),
        ("https://bad-example.com", false, false),
        ("https://example.com.evil.net", false, false),
        ("https://example.community", false, false),
        ("https://example.co", false, false),
        ("https://com", false, false),
        ("https://exam-ple.com", false, false),
    ] {
        assert_eq!(gives(WHOLE, "true", "connect", url), whole, "{url}");
        assert_eq!(gives(ALONE, "true", "connect", url), alone, "{url}");
        let request = format!("{url}/x");
        assert_eq!(gives(WHOLE, "true", "GET", &request), whole, "{url}");
        // The same where the condition says it, and every rule is asked.
        assert_eq!(gives("resource", WHOLE, "connect", url), whole, "{url}");
        assert_eq!(gives("resource", ALONE, "connect", url), alone, "{url}");
    }
}

#[test]
fn an_address_is_itself_alone() {
    for (id, url, expected) in [
        ("10.0.0.1", "https://10.0.0.1", true),
        ("1.example", "https://10.0.0.1", false),
        ("10.0.0.1", "https://10.0.0.1.example", false),
        ("2001:db8::1", "https://[2001:DB8:0:0::1]:8443", true),
        ("::1", "https://[0:0::1]", true),
        ("::1", "https://[2001:db8::1]", false),
        ("::ffff:10.0.0.1", "https://10.0.0.1", false),
    ] {
        let head = format!("resource in Valetkey::Host::\"{id}\"");
        assert_eq!(gives(&head, "true", "connect", url), expected, "{id} {url}");
    }
}

#[test]
fn what_is_asked_is_known_by_all_that_it_is() {
    for (condition, scope, url, expected) in [
        ("context.port == 443", "connect", "https://a.example", true),
        ("context.port == 80", "connect", "http://a.example", true),
        (
            "resource.port == 443",
            "connect",
            "https://a.example:8443",
            false,
        ),
        (
            "context.scheme == \"http\"",
            "connect",
            "http://a.example",
            true,
        ),
        (
            "resource.scheme == \"https\"",
            "connect",
            "http://a.example",
            false,
        ),
        (
            "context.host == \"a.example\"",
            "connect",
            "https://A.Example.",
            true,
        ),
        (
            "resource.name like \"*.example\"",
            "connect",
            "https://a.example",
            true,
        ),
        ("context.host == \"::1\"", "connect", "https://[::1]", true),
        (
            "principal.profile == \"open\"",
            "connect",
            "https://a.example",
            true,
        ),
        (
            "principal.profile == \"\"",
            "connect",
            "https://a.example",
            false,
        ),
        (
            "context.lifetimeSeconds == 600",
            "connect",
            "https://a.example",
            true,
        ),
        (
            "resource.injected",
            "connect",
            "https://api.example.com:8443",
            true,
        ),
        (
            "resource.injected",
            "connect",
            "https://api.example.com",
            false,
        ),
        (
            "resource.injected",
            "connect",
            "http://api.example.com:8443",
            false,
        ),
        (
            "resource.injected",
            "connect",
            "https://x.inner.example.com",
            true,
        ),
        (
            "resource.injected",
            "connect",
            "https://inner.example.com",
            false,
        ),
        (
            "resource.injected",
            "connect",
            "https://badinner.example.com",
            false,
        ),
        ("resource.injected", "GET", "http://localhost:8080/x", true),
        (
            "context.method == \"GET\"",
            "GET",
            "https://a.example/x",
            true,
        ),
        (
            "context.method == \"GET\"",
            "HEAD",
            "https://a.example/x",
            false,
        ),
        ("context.safe", "OPTIONS", "https://a.example/x", true),
        ("context.safe", "POST", "https://a.example/x", false),
        ("context.safe", "TRACE", "https://a.example/x", false),
        ("context.path == \"/x\"", "GET", "https://a.example/x", true),
        (
            "context.path like \"/x/*\"",
            "GET",
            "https://a.example/x",
            false,
        ),
        (
            "context.path == \"/X\"",
            "GET",
            "https://a.example/x",
            false,
        ),
        ("context.plain", "GET", "https://a.example/x/y.z", true),
        ("context.plain", "GET", "https://a.example/x/../y", false),
        ("context.plain", "GET", "https://a.example/x%2fy", false),
        ("context.plain", "GET", "https://a.example/%61dmin", false),
    ] {
        assert_eq!(
            gives("resource", condition, scope, url),
            expected,
            "{condition} {url}"
        );
    }
}

const TIERS: [(Tier, &str); 3] = [
    (Tier::Auto, ""),
    (Tier::Review, "AfterReview"),
    (Tier::Human, "AfterApproval"),
];
const ASKED: [(&str, &str, &str); 2] = [
    ("connect", "reach", "https://api.example.com"),
    ("request", "send", "https://api.example.com/x"),
];

fn on(effect: &str, action: &str, resource: &str) -> String {
    format!("{effect} (principal, action {action}, {resource});\n")
}

/// Every tier against every way to forbid all tiers.
#[test]
fn denied_always_wins() {
    for (verb, group, url) in ASKED {
        let scope = if verb == "connect" { verb } else { "POST" };
        let permits = TIERS.map(|(_, end)| {
            on(
                "permit",
                &format!("== Valetkey::Action::\"{verb}{end}\""),
                "resource",
            )
        });
        let all = permits.concat();
        assert_eq!(tier(&rules(&all), scope, url), Tier::Auto);
        let family = format!("in Valetkey::Action::\"{group}\"");
        for (action, resource, wins) in [
            ("", "resource", true),
            ("", "resource is Valetkey::Host", true),
            ("", "resource in Valetkey::Host::\"com\"", true),
            ("", "resource == Valetkey::Host::\"api.example.com\"", true),
            (&*family, "resource", true),
            (
                &*family,
                "resource in Valetkey::Host::\"example.com\"",
                true,
            ),
            (
                &*family,
                "resource is Valetkey::Host in Valetkey::Host::\"example.com\"",
                true,
            ),
            ("", "resource is Valetkey::Credential", false),
            ("", "resource == Valetkey::Credential::\"network\"", false),
            (
                &*family,
                "resource == Valetkey::Host::\"example.com\"",
                false,
            ),
            (&*family, "resource in Valetkey::Host::\"ample.com\"", false),
        ] {
            let with = all.clone() + &on("forbid", action, resource);
            let expected = if wins { Tier::Deny } else { Tier::Auto };
            assert_eq!(
                tier(&rules(&with), scope, url),
                expected,
                "{verb} {action} {resource}"
            );
        }
        // A forbid of one action takes its tier away, as it does for tokens, and no other.
        for (taken, end) in TIERS {
            let forbid = on(
                "forbid",
                &format!("== Valetkey::Action::\"{verb}{end}\""),
                "resource",
            );
            let least = TIERS.iter().find(|(tier, _)| *tier != taken).unwrap().0;
            assert_eq!(tier(&rules(&(all.clone() + &forbid)), scope, url), least);
        }
    }
}

#[test]
fn leave_of_one_kind_is_none_of_another() {
    let token = on(
        "permit",
        "== Valetkey::Action::\"grant\"",
        "resource == Valetkey::Credential::\"network\"",
    );
    let reach = on("permit", "in Valetkey::Action::\"reach\"", "resource");
    let send = on("permit", "in Valetkey::Action::\"send\"", "resource");
    for (text, connect, request) in [
        (&token, Tier::Deny, Tier::Deny),
        (&reach, Tier::Auto, Tier::Deny),
        (&send, Tier::Deny, Tier::Auto),
    ] {
        assert_eq!(tier(&rules(text), "connect", "https://a.example"), connect);
        assert_eq!(tier(&rules(text), "GET", "https://a.example/"), request);
    }
}

/// Whoever answers for the network does so for the one credential that stands for it.
#[test]
fn leave_is_approved_as_a_token_is() {
    let rules = rules(
        "@id(\"own\") permit (principal is Valetkey::User, action == Valetkey::Action::\"approve\",
            resource == Valetkey::Credential::\"network\")
            when { context.scope == \"POST\" && context.audience == \"https://a.example/x\" &&
                context.requester == principal && resource.source == \"network\" };",
    );
    let asks = session(ISSUER, "alice", &["dev"], "coder");
    let approver = Approver::Person {
        user: asks.user.clone(),
    };
    let ask = |scope, url| {
        let network = network(&[scope], url);
        let consent = rules.may_approve(&ApproverQuestion {
            approver: &approver,
            risk: None,
            requester: &asks.user.id,
            agent: &asks.agent,
            credential: &network,
            scopes: &network.scopes,
            audience: &network.audiences.first,
            lifetime: 600,
        });
        consent.unwrap()
    };
    assert_eq!(
        ask("POST", "https://a.example/x"),
        Consent::May(vec!["own".to_owned()])
    );
    assert_eq!(
        ask("POST", "https://a.example/y"),
        Consent::MayNot(Vec::new())
    );
    assert_eq!(
        ask("connect", "https://a.example"),
        Consent::MayNot(Vec::new())
    );
}

#[test]
fn whoever_speaks_of_requests_names_the_host_in_the_head() {
    let speaks =
        |rule: &str, host: &str| rules(rule).speaks_of_requests(&HostName::parse(host).unwrap());
    let send = "forbid (principal, action in Valetkey::Action::\"send\", resource in Valetkey::Host::\"example.com\");";
    for (host, expected) in [
        ("example.com", true),
        ("a.b.example.com", true),
        ("badexample.com", false),
        ("com", false),
        ("10.0.0.1", false),
    ] {
        assert_eq!(speaks(send, host), expected, "{host}");
    }
    for (rule, expected) in [
        (
            "permit (principal, action == Valetkey::Action::\"requestAfterReview\", resource == Valetkey::Host::\"example.com\");",
            true,
        ),
        (
            "permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"request\", resource == Valetkey::Host::\"example.com\");",
            true,
        ),
        (
            "forbid (principal, action, resource == Valetkey::Host::\"example.com\");",
            true,
        ),
        (
            "forbid (principal, action in Valetkey::Action::\"reach\", resource == Valetkey::Host::\"example.com\");",
            false,
        ),
        (
            "permit (principal, action == Valetkey::Action::\"request\", resource);",
            false,
        ),
        (
            "permit (principal, action == Valetkey::Action::\"request\", resource) when { resource in Valetkey::Host::\"example.com\" };",
            false,
        ),
        (
            "permit (principal, action == Valetkey::Action::\"request\", resource == Valetkey::Host::\"a.example.com\");",
            false,
        ),
    ] {
        assert_eq!(speaks(rule, "example.com"), expected, "{rule}");
    }
}
