//! Policies explained, tried and looked at over the control socket.

use tonic::Status;
use valetkey_core::{
    Credential, Profile, Profiles, Tier,
    ports::{Policy as _, PolicyError},
};
use valetkey_support::{contracts::policy::network, fakes::policy::Rules};
use valetkey_wire::developer::{
    CheckPoliciesRequest, ExplainPolicyRequest, ReloadPoliciesRequest, SimulatePoliciesRequest,
    explain_policy_request::{Hypothetical, What, hypothetical::Network},
};

use crate::{
    house::{House, rules},
    pending::DEPLOY,
    wire::{developer, json, sign},
};

fn code(status: &Status) -> String {
    sign(status, "valetkey-code")
}

fn hypothetical() -> Hypothetical {
    Hypothetical {
        session: None,
        account: "alice".into(),
        agent: "coder".into(),
        credential: "prod".into(),
        scopes: vec!["deploy".into()],
        audience: None,
        lifetime_seconds: None,
        network: None,
        profile: None,
    }
}

fn about(what: Hypothetical) -> ExplainPolicyRequest {
    ExplainPolicyRequest {
        what: Some(What::Hypothetical(what)),
    }
}

#[tokio::test]
async fn a_request_is_explained_by_its_id_and_in_thought() {
    let mut house = House::new().await;
    let network = network(&[], "https://*");
    let known = house.broker.settings.credentials.iter();
    let known: Vec<_> = known.map(|one| Credential::clone(one)).collect();
    house.broker.settings.credentials = known.into_iter().chain([network]).collect();
    let rules = rules()
        .network(Tier::Human, "connect", "https://new.test")
        .network(Tier::Review, "GET", "https://new.test/");
    house.policy.write(Ok(rules));
    house.policy.reload().unwrap();
    let control = house.control();
    let mut client = developer(&control).await;
    let (session, socket) = house.session().await;
    let request = json(&socket, DEPLOY).await.json()["request"]
        .as_str()
        .unwrap()
        .to_owned();

    let what = Some(What::Request(request));
    let explained = client.explain_policy(ExplainPolicyRequest { what }).await;
    let explained = explained.unwrap().into_inner();
    assert_eq!(explained.tier, "human");
    assert!(explained.outcome.unwrap().contains("approval"));
    assert!(explained.question.contains("`prod`"));
    assert_eq!(explained.scopes[0].scope, "deploy");

    let named = Hypothetical {
        session: Some(session.to_string()),
        account: String::new(),
        agent: String::new(),
        scopes: vec!["watch".into()],
        ..hypothetical()
    };
    let of_network = |network| Hypothetical {
        credential: String::new(),
        scopes: Vec::new(),
        network: Some(network),
        profile: Some("open".into()),
        ..hypothetical()
    };
    for (what, tier) in [
        (hypothetical(), "human"),
        (named, "review"),
        (
            of_network(Network::Connect("https://new.test".into())),
            "human",
        ),
        (
            of_network(Network::Request("GET https://new.test/".into())),
            "review",
        ),
    ] {
        let explained = client
            .explain_policy(about(what))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(explained.tier, tier);
        assert_eq!(explained.outcome, None);
    }
}

/// `valetkey run` makes no sandbox without a profile, and no address passes by the policies alone.
#[tokio::test]
async fn what_the_network_is_asked_for_is_asked_from_a_sandbox() {
    let mut house = House::new().await;
    house.broker.settings.credentials = [network(&[], "https://*")].into_iter().collect();
    let control = house.control();
    let mut client = developer(&control).await;
    let asked = |network, profile: Option<&str>| Hypothetical {
        credential: String::new(),
        scopes: Vec::new(),
        network: Some(network),
        profile: profile.map(str::to_owned),
        ..hypothetical()
    };
    let care = "whatever the policies say, the proxy refuses an address";
    for (what, profile, address) in [
        (
            asked(Network::Connect("https://new.test".into()), None),
            "workspace-write",
            false,
        ),
        (
            asked(Network::Connect("http://10.0.0.1".into()), Some("open")),
            "open",
            true,
        ),
        (
            asked(Network::Request("GET http://[::1]:80/x".into()), None),
            "workspace-write",
            true,
        ),
    ] {
        let explained = client.explain_policy(about(what)).await;
        let explained = explained.unwrap().into_inner();
        let profile = format!("in the profile `{profile}`");
        assert!(explained.question.contains(&profile), "{explained:?}");
        let told = explained.care.is_some_and(|told| told.starts_with(care));
        assert_eq!(told, address);
    }
}

#[tokio::test]
async fn a_profile_that_the_admin_forbids_is_not_called_unknown() {
    let mut house = House::new().await;
    let profile = |name: &str| valetkey_core::ProfileName::parse(name).unwrap();
    let shipped = Profiles::shipped();
    let left = Profile::clone(&shipped.find(Some(&profile("read-only"))).unwrap());
    house.broker.settings.profiles =
        Profiles::new([left], profile("read-only")).without([profile("open")].into());
    let control = house.control();
    let mut client = developer(&control).await;
    for (name, says) in [
        (
            "open",
            "the admin's requirements do not allow the sandbox profile `open`, only `read-only`",
        ),
        (
            "opne",
            "there is no sandbox profile `opne` on this machine, only `read-only`",
        ),
    ] {
        let asked = Hypothetical {
            profile: Some(name.into()),
            ..hypothetical()
        };
        let status = client.explain_policy(about(asked)).await.unwrap_err();
        assert_eq!(status.message(), says);
        assert_eq!(code(&status), "profile_forbidden");
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let cases = [
        (ExplainPolicyRequest { what: None }, "invalid_request"),
        (
            ExplainPolicyRequest {
                what: Some(What::Request("x".into())),
            },
            "invalid_request",
        ),
        (
            ExplainPolicyRequest {
                what: Some(What::Request("0".repeat(32))),
            },
            "invalid_request",
        ),
        (
            about(Hypothetical {
                account: "../x".into(),
                ..hypothetical()
            }),
            "invalid_request",
        ),
        (
            about(Hypothetical {
                agent: String::new(),
                ..hypothetical()
            }),
            "invalid_request",
        ),
        (
            about(Hypothetical {
                session: Some("x".into()),
                ..hypothetical()
            }),
            "invalid_request",
        ),
        (
            about(Hypothetical {
                session: Some("0".repeat(32)),
                ..hypothetical()
            }),
            "unknown_session",
        ),
        (
            about(Hypothetical {
                account: "nobody".into(),
                ..hypothetical()
            }),
            "not_logged_in",
        ),
        (
            about(Hypothetical {
                credential: "none".into(),
                ..hypothetical()
            }),
            "unknown_credential",
        ),
        (
            about(Hypothetical {
                network: Some(Network::Connect("https://new.test".into())),
                ..hypothetical()
            }),
            "invalid_request",
        ),
        (
            about(Hypothetical {
                credential: String::new(),
                scopes: Vec::new(),
                network: Some(Network::Connect("https://new.test/path".into())),
                ..hypothetical()
            }),
            "invalid_request",
        ),
        (
            about(Hypothetical {
                profile: Some("opne".into()),
                ..hypothetical()
            }),
            "profile_forbidden",
        ),
        (
            about(Hypothetical {
                lifetime_seconds: Some(-1),
                ..hypothetical()
            }),
            "invalid_request",
        ),
    ];
    for (request, expected) in cases {
        let status = client.explain_policy(request.clone()).await.unwrap_err();
        assert_eq!(code(&status), expected, "{request:?}");
    }
}

#[tokio::test]
async fn the_past_is_asked_again_under_another_folder() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (session, socket) = house.session().await;
    for scope in ["read", "list"] {
        let ask = format!(r#"{{"credential":"files","scopes":["{scope}"]}}"#);
        assert_eq!(json(&socket, &ask).await.status, 200);
    }
    let request = SimulatePoliciesRequest {
        folder: "/etc/valetkey/policies.next".into(),
        days: 7,
    };
    let simulated = client.simulate_policies(request.clone()).await.unwrap();
    let simulated = simulated.into_inner();
    assert_eq!((simulated.requests, simulated.skipped), (2, 0));
    assert_eq!(simulated.differing_total, 1);
    let differing = &simulated.differing[0];
    assert_eq!(differing.session, session.to_string());
    assert_eq!(differing.scopes, ["list"]);
    assert_eq!(
        (differing.tier.as_str(), differing.would_be.as_str()),
        ("auto", "deny")
    );
    assert_eq!(differing.at, 1_800_000_000);

    for wrong in [
        SimulatePoliciesRequest {
            folder: "policies".into(),
            ..request.clone()
        },
        SimulatePoliciesRequest {
            folder: String::new(),
            ..request.clone()
        },
        SimulatePoliciesRequest { days: 0, ..request },
    ] {
        let status = client.simulate_policies(wrong).await.unwrap_err();
        assert_eq!(code(&status), "invalid_request");
    }
}

#[tokio::test]
async fn a_folder_is_named_in_full() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    for (folder, cases, fine) in [
        (None, None, true),
        (Some("/p"), Some("/c"), true),
        (None, Some("/c"), true),
        (Some("p"), None, false),
        (Some("/p"), Some("./c"), false),
        (Some(""), None, false),
    ] {
        let request = CheckPoliciesRequest {
            folder: folder.map(Into::into),
            cases: cases.map(Into::into),
        };
        let checked = client.check_policies(request).await;
        match checked {
            Ok(_) => assert!(fine, "{folder:?} {cases:?}"),
            Err(status) => {
                assert!(!fine, "{folder:?} {cases:?}: {status}");
                assert_eq!(code(&status), "invalid_request");
            }
        }
    }
}

#[tokio::test]
async fn a_reload_counts_for_whoever_asks_next() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, socket) = house.session().await;
    assert_eq!(json(&socket, DEPLOY).await.status, 428);
    house
        .policy
        .write(Err(PolicyError::Invalid("line 3".into())));
    let status = client.reload_policies(ReloadPoliciesRequest {}).await;
    assert_eq!(code(&status.unwrap_err()), "policy_invalid");
    assert_eq!(json(&socket, DEPLOY).await.status, 428);
    house.policy.write(Ok(Rules::permit(&[("prod", "deploy")])));
    let reloaded = client.reload_policies(ReloadPoliciesRequest {}).await;
    assert_eq!(reloaded.unwrap().into_inner().origin, "the test");
    assert_eq!(json(&socket, DEPLOY).await.status, 200);
}
