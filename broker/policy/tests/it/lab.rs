//! What the bench of policy authors says.

use valetkey_core::{
    Credential, Credentials, ScopeSet, Tier, UserId,
    ports::{Checked, Explanation, Policy, PolicyError, PolicyLab as _, Question},
};
use valetkey_policy::{BASELINE, CedarPolicies};
use valetkey_support::contracts::policy::{ISSUER, credential, session};

use crate::folder::Folder;

mod network;

fn baseline() -> String {
    BASELINE.iter().map(|(_, text)| *text).collect()
}

fn policies(text: &str) -> CedarPolicies {
    let texts = vec![("rules.cedar".to_owned(), text.to_owned())];
    CedarPolicies::from_texts(texts).expect("good policies")
}

/// Three credentials, of which the last is production's.
fn credentials() -> Vec<Credential> {
    let mut prod = credential("prod", &["api:read"]);
    prod.labels.insert("production".to_owned());
    vec![
        credential("api", &["api:delete", "api:read", "api:write", "x:admin"]),
        credential("db", &["db:read", "db:write"]),
        prod,
    ]
}

/// For alice's coder, who is in `dev`.
fn explain(text: &str, credential: &Credential, scopes: &[&str], lifetime: u64) -> Explanation {
    let session = session(ISSUER, "alice", &["dev"], "coder");
    let scopes = ScopeSet::parse(scopes.iter().copied()).expect("scopes");
    let question = Question {
        session: &session,
        credential,
        scopes: &scopes,
        audience: &credential.audiences.first,
        lifetime,
    };
    told(policies, text, &question)
}

/// What is explained. Whoever adds the rule that is shown has less friction.
fn told(
    policies: impl Fn(&str) -> CedarPolicies,
    text: &str,
    question: &Question<'_>,
) -> Explanation {
    let configured: Credentials = credentials().into_iter().collect();
    let explained = policies(text).explain(question, &configured);
    let explained = explained.expect("an explanation");
    let verdict = policies(text).decide(question).expect("a verdict");
    assert_eq!(explained.tier, verdict.tier);
    if let Some(rule) = explained.change.as_ref().and_then(|c| c.rule.as_ref()) {
        let changed = policies(&format!("{text}\n{rule}")).decide(question);
        assert!(changed.expect("a verdict").tier < verdict.tier, "{rule}");
    }
    explained
}

fn voices(explained: &Explanation) -> Vec<String> {
    let scopes = explained.scopes.iter();
    let voices = scopes.map(|scope| {
        let voices = scope.voices.iter().map(|voice| {
            let sign = if voice.forbids { "-" } else { "+" };
            format!("{sign}{}", voice.policy)
        });
        let voices: Vec<_> = voices.collect();
        format!("{} {}: {}", scope.scope, scope.tier.id(), voices.join(" "))
    });
    voices.collect()
}

#[test]
fn an_explanation_names_everybody_who_spoke() {
    let api = &credentials()[0];
    let explained = explain(&baseline(), api, &["api:read", "api:write", "x:admin"], 600);
    assert_eq!(explained.tier, Tier::Deny);
    assert_eq!(
        voices(&explained),
        [
            "api:read auto: +baseline.developers-read +baseline.developers-ask",
            "api:write review: +baseline.developers-write +baseline.developers-ask",
            "x:admin deny: -baseline.never-administer +baseline.developers-ask",
        ]
    );
    let reason = explained.scopes[2].voices[0].reason.as_deref();
    assert_eq!(reason, Some("no agent administers anything"));
}

#[test]
fn what_is_auto_needs_no_change() {
    let explained = explain(&baseline(), &credentials()[0], &["api:read"], 600);
    assert_eq!((explained.change, explained.instead), (None, vec![]));
}

#[test]
fn the_one_forbid_in_the_way_is_named_with_all_that_it_holds_back() {
    let explained = explain(&baseline(), &credentials()[0], &["x:admin"], 600);
    let change = explained.change.expect("a change");
    assert_eq!(
        change.what,
        "only `baseline.never-administer` stands in the way: without it the tier is `human`"
    );
    assert_eq!(change.rule, None);
    assert_eq!(
        change.also,
        [
            "`api`, scope `x:admin`, for https://api.example.test, 3600 s: `human` instead of `deny`",
            "the same for every other session of `alice`, whatever its agent",
            "the same for sessions of other people in the same groups",
        ]
    );
}

#[test]
fn the_rule_that_is_shown_gives_no_more_than_is_asked() {
    let api = &credentials()[0];
    let explained = explain(&baseline(), api, &["api:read", "api:delete"], 600);
    let change = explained.change.expect("a change");
    assert_eq!(
        change.what,
        "this rule, added to the policies, makes the tier `review`"
    );
    assert_eq!(
        change.rule.as_deref(),
        Some(
            "permit (
  principal in Valetkey::User::\"https://id.example.test#alice\",
  action == Valetkey::Action::\"grantAfterReview\",
  resource == Valetkey::Credential::\"api\"
)
when
{
  principal.agent == \"coder\" &&
  context.scope == \"api:delete\" &&
  context.audience == \"https://api.example.test\" &&
  context.lifetimeSeconds <= 600
};"
        )
    );
    assert_eq!(
        change.also,
        ["the same for every other session of `alice` with the agent `coder`"]
    );
}

#[test]
fn several_scopes_in_the_way_make_one_rule() {
    let explained = explain(
        &baseline(),
        &credentials()[1],
        &["db:read", "db:write"],
        3600,
    );
    let change = explained.change.expect("a change");
    let rule = change.rule.expect("a rule");
    assert!(
        rule.contains("[\"db:read\", \"db:write\"].contains(context.scope)"),
        "{rule}"
    );
    assert!(rule.contains("lifetimeSeconds <= 3600"), "{rule}");
}

#[test]
fn a_rule_quotes_what_people_are_called() {
    let text = "permit (principal, action == Valetkey::Action::\"grantAfterReview\", resource);";
    let mut asks = session(ISSUER, "al\"ice\\ \u{202e}", &[], "coder");
    asks.user.id.issuer = "https://id.example.test/\n".to_owned();
    let api = credential("api", &["read"]);
    let question = Question {
        session: &asks,
        credential: &api,
        scopes: &api.scopes,
        audience: &api.audiences.first,
        lifetime: 60,
    };
    let explained = policies(text).explain(&question, &Credentials::default());
    let rule = explained
        .expect("an explanation")
        .change
        .expect("a change")
        .rule;
    let rule = rule.expect("a rule");
    assert!(
        !rule.contains('\u{202e}') && rule.contains("al\\\"ice"),
        "{rule}"
    );
}

#[test]
fn where_no_one_rule_helps_it_says_so() {
    let api = &credentials()[0];
    let twice = "
        @id(\"all\") permit (principal, action == Valetkey::Action::\"grant\", resource);
        @id(\"a\") forbid (principal, action, resource is Valetkey::Credential) when { context.scope like \"*:delete\" };
        @id(\"b\") forbid (principal, action, resource is Valetkey::Credential) when { context.scope like \"api:*\" };";
    let what = |text: &str| {
        let explained = explain(text, api, &["api:delete"], 600);
        let change = explained.change.expect("a change");
        assert_eq!((change.rule, change.also), (None, vec![]));
        change.what
    };
    assert_eq!(
        what(twice),
        "no one rule does it: `a` and `b` forbid it together"
    );
    let nothing = "@id(\"a\") forbid (principal, action, resource);";
    assert_eq!(
        what(nothing),
        "no one rule does it: `a` forbids it, and nothing would permit it without that either"
    );
}

#[test]
fn a_forbid_of_one_tier_is_stepped_around() {
    let text = "
        @id(\"all\") permit (principal, action == Valetkey::Action::\"grantAfterApproval\", resource);
        @id(\"a\") forbid (principal, action == Valetkey::Action::\"grantAfterReview\", resource);";
    let explained = explain(text, &credentials()[0], &["api:read"], 600);
    let change = explained.change.expect("a change");
    let rule = change.rule.expect("a rule");
    assert!(rule.contains("Action::\"grant\""), "{rule}");
}

#[test]
fn what_the_configuration_asks_for_no_policy_lessens() {
    let mut api = credential("api", &["api:read"]);
    api.min_tier = Tier::Human;
    let explained = explain(&baseline(), &api, &["api:read"], 600);
    let change = explained.change.expect("a change");
    assert!(
        change.what.starts_with("the configuration gives `api`"),
        "{change:?}"
    );
    assert!(explained.instead.is_empty(), "{:?}", explained.instead);
}

#[test]
fn what_else_a_rule_would_allow_is_listed() {
    let text = "
        @id(\"all\") permit (principal, action == Valetkey::Action::\"grant\", resource);
        @id(\"short\") forbid (principal is Valetkey::Session, action, resource)
            when { context.lifetimeSeconds > 300 && principal.agent == \"coder\" };";
    let explained = explain(text, &credentials()[2], &["api:read"], 3600);
    let also = explained.change.expect("a change").also;
    // Everything but the question itself.
    assert_eq!(also.len(), 4 + 2 + 2, "{also:#?}");
    let db = "`db`, scope `db:read`, for https://db.example.test, 3600 s: `auto` instead of `deny`";
    assert!(also.iter().any(|also| also == db), "{also:#?}");
    let twin = "the same for every other session of `alice` with the agent `coder`";
    assert!(also.iter().any(|also| also == twin), "{also:#?}");
    assert_eq!(explained.instead, ["for 300 s the tier is `auto`"]);
}

#[test]
fn what_could_be_asked_for_instead_is_told() {
    let instead = |scopes: &[&str], lifetime| {
        explain(&baseline(), &credentials()[0], scopes, lifetime).instead
    };
    assert_eq!(
        instead(&["api:read"], 901),
        ["for 900 s the tier is `auto`"]
    );
    assert_eq!(
        instead(&["api:read", "api:write"], 600),
        ["for `api:read` without the rest the tier is `auto`"]
    );
    assert_eq!(
        instead(&["api:delete"], 600),
        ["other scopes of the credential have less: `api:read` (`auto`), `api:write` (`review`)"]
    );
    let mut two = credential("api", &["read"]);
    let stage = valetkey_core::Audience::parse("https://stage.example.test");
    two.audiences.others.push(stage.expect("an audience"));
    let text = "permit (principal, action == Valetkey::Action::\"grant\", resource)
        when { context.audience like \"*stage*\" };";
    assert_eq!(
        explain(text, &two, &["read"], 600).instead,
        ["other audiences have less: https://stage.example.test (`auto`)"]
    );
}

#[test]
fn a_candidate_is_not_in_force() {
    let folder = Folder::new(&[("a.cedar", "permit (principal, action, resource);")]);
    let in_force = policies(&baseline());
    let before = in_force.summary();
    let candidate = in_force.candidate(&[folder.path().to_owned()]);
    assert_eq!(candidate.expect("good policies").summary().policies, 1);
    assert_eq!(in_force.summary(), before);

    folder.write(
        "b.cedar",
        "permit (principal, action, resource) when { 1 };",
    );
    let candidate = in_force.candidate(&[folder.path().to_owned()]);
    assert!(matches!(candidate, Err(PolicyError::Invalid(_))));
}

#[test]
fn texts_stay_what_they_are() {
    let policies = policies(&baseline());
    let before = policies.summary();
    assert_eq!(policies.reload().expect("the same"), before);
    assert_eq!(before.policies, 14);
    assert_eq!(before.origin, "the admin's requirements");
    let large = vec![("a.cedar".to_owned(), " ".repeat((1 << 20) + 1))];
    let refused = CedarPolicies::from_texts(large).map(|_| ());
    assert!(matches!(refused, Err(PolicyError::Invalid(_))));
    let wrong = vec![("a.cedar".to_owned(), "\npermit".to_owned())];
    let refused = CedarPolicies::from_texts(wrong)
        .map(|_| ())
        .expect_err("refused");
    assert!(
        refused.to_string().starts_with("`a.cedar` line 2: "),
        "{refused}"
    );
}

const ASK: &str = "[ask]
issuer = \"https://id.example.test\"
user = \"alice\"
groups = [\"dev\"]
agent = \"coder\"
credential = \"prod\"
audience = \"https://api.example.test\"
scopes = [\"api:read\"]
lifetime = 600
";

fn check(folder: Option<&Folder>, table: &str) -> Result<Checked, PolicyError> {
    let cases = Folder::new(&[("a.toml", &format!("{ASK}{table}"))]);
    let configured: Credentials = credentials().into_iter().collect();
    let folder = folder.map(Folder::path);
    policies(&baseline()).check(folder, Some(cases.path()), &configured)
}

fn wrongs(checked: Result<Checked, PolicyError>) -> Vec<Option<String>> {
    let cases = checked.expect("a table").cases;
    cases.into_iter().map(|case| case.wrong).collect()
}

#[test]
fn a_case_that_does_not_hold_says_what_is_instead() {
    let table = "
[[case]]
name = \"what the configuration says of it counts\"
expect = \"human\"

[[case]]
name = \"but the table wins\"
labels = []
expect = \"human\"

[[case]]
name = \"nobody permits that\"
groups = []
expect = \"auto\"

[[case]]
name = \"decided by another\"
expect = \"human\"
by = [\"baseline.developers-read\"]

[[case]]
name = \"no approver\"
approver = \"bob\"
expect = \"may\"
";
    let checked = check(None, table).expect("a table");
    assert_eq!(checked.policies, 14);
    assert_eq!(checked.cases[1].case, "a.toml: but the table wins");
    assert_eq!(
        wrongs(Ok(checked)),
        [
            None,
            Some("expected `human`, found `auto`, by `baseline.developers-read`".to_owned()),
            Some("expected `auto`, found `deny`, by no policy".to_owned()),
            Some(
                "expected by `baseline.developers-read`, decided by `baseline.developers-ask`"
                    .to_owned()
            ),
            Some("expected `may`, found `may not`, by no policy".to_owned()),
        ]
    );
}

#[test]
fn a_folder_that_is_not_in_force_is_checked() {
    let folder = Folder::new(&[(
        "a.cedar",
        "@id(\"one\") permit (principal, action == Valetkey::Action::\"grant\", resource);
         @id(\"two\") permit (principal, action == Valetkey::Action::\"grantAfterReview\", resource);",
    )]);
    let table = "[[case]]\nname = \"all\"\nexpect = \"auto\"\nby = [\"one\"]\n";
    let checked = check(Some(&folder), table).expect("a table");
    assert_eq!(checked.policies, 2);
    let idle: Vec<_> = checked
        .idle
        .iter()
        .map(|idle| idle.policy.as_str())
        .collect();
    assert_eq!(idle, ["two"]);
    assert!(checked.looked_at > 0);
    assert_eq!(wrongs(Ok(checked)), [None]);
}

#[test]
fn a_table_that_cannot_be_read_is_told_with_its_line() {
    for (table, expected) in [
        ("", "holds no `[[case]]`; write one"),
        (
            "[[case]]\nname = \"x\"\nexpects = \"auto\"",
            "line 12: unknown field `expects`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"maybe\"",
            "line 12: unknown variant `maybe`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"may\"",
            "are expected of an `approver`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nreviewer = \"look\"",
            "are expected of an `approver`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"may\"\nreviewer = \"look\"\napprover = \"bob\"",
            "name an `approver` or a `reviewer`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nagent = \"a b\"",
            "`a.toml: x`: `agent`: a name has",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nconnect = \"https://a/b\"",
            "`connect`: an origin is written as",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nrequest = \"https://a/b\"",
            "`request`: a request is written as",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nrequest = \"connect https://a\"",
            "`request`: a request is written as",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nrequest = \"GET https://a/\"\nconnect = \"https://a\"",
            "name what to `connect` to or what to `request`",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nconnect = \"https://a\"\nscopes = [\"a\"]",
            "a case is about a `credential` or about the network",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\ninjected = true",
            "`injected` is of a host",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nprofile = \"a b\"",
            "`profile`: a name has",
        ),
        (
            "[[case]]\nname = \"x\"\nexpect = \"auto\"\nowner = \"bob\"",
            "`owner`: a person is an issuer, `#`",
        ),
    ] {
        let message = check(None, table).expect_err("refused").to_string();
        assert!(message.contains(expected), "{table}\n{message}");
    }
}

#[test]
fn owners_are_written_as_in_policies() {
    let table = format!(
        "[[case]]\nname = \"hers\"\nlabels = []\nowner = \"{ISSUER}#alice\"\nexpect = \"auto\"
[[case]]\nname = \"his\"\nlabels = []\nowner = \"{ISSUER}#bob\"\nexpect = \"deny\"\n"
    );
    assert_eq!(wrongs(check(None, &table)), [None, None]);
    let mut bobs = credential("api", &["api:read"]);
    bobs.owner = Some(UserId {
        issuer: ISSUER.to_owned(),
        subject: "bob".to_owned(),
    });
    assert_eq!(
        explain(&baseline(), &bobs, &["api:read"], 600).tier,
        Tier::Deny
    );
}
