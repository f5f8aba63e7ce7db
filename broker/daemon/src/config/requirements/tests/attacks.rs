//! The table of attacks: one for each field of the requirements.

use crate::config::Config;

/// One attack: what the admin requires, what the user writes against it, what is looked at, and what it
/// must come to.
pub(super) struct Attack {
    /// The field of the requirements.
    pub(super) field: &'static str,
    pub(super) required: &'static str,
    pub(super) mine: &'static str,
    /// The key that the user is told of.
    pub(super) told: &'static str,
    pub(super) seen: fn(&Config) -> String,
    /// Without requirements,
    pub(super) before: &'static str,
    /// and under them.
    pub(super) after: &'static str,
}

/// A credential `api` as the user has it.
pub(super) const API: &str = "[credentials.api]\nsource = \"signed\"\nscopes = [\"read\", \"write\"]\naudiences = [\"x\"]\nmax_lifetime = \"1h\"\nlabels = [\"mine\"]\nowner = \"me\"\n";

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        field: "provider.issuer",
        required: "[provider]\nissuer = \"https://company.example.test\"",
        mine: "",
        told: "provider.issuer",
        seen: |config| config.provider.issuer.as_str().to_owned(),
        before: "https://id.example.test",
        after: "https://company.example.test",
    },
    Attack {
        field: "provider.client_id",
        required: "[provider]\nclient_id = \"company\"",
        mine: "",
        told: "provider.client_id",
        seen: |config| config.provider.client_id.clone(),
        before: "mine",
        after: "company",
    },
    Attack {
        field: "provider.required_claims",
        required: "[provider]\nrequired_claims = { hd = \"company\", tid = [\"a\", \"b\"] }",
        mine: "required_claims = { hd = \"anybody\", mine = \"kept\" }\n",
        told: "provider.required_claims.hd",
        seen: |config| format!("{:?}", config.provider.required_claims),
        before: r#"{"hd": One("anybody"), "mine": One("kept")}"#,
        after: r#"{"hd": One("company"), "mine": One("kept"), "tid": Any(["a", "b"])}"#,
    },
    Attack {
        field: "provider.groups_claim",
        required: "[provider]\ngroups_claim = \"groups\"",
        mine: "groups_claim = \"nickname\"\n",
        told: "provider.groups_claim",
        seen: |config| config.provider.groups_claim.clone(),
        before: "nickname",
        after: "groups",
    },
    // Also where nothing is said of it: whoever chooses the claim chooses the groups.
    Attack {
        field: "provider.groups_claim",
        required: "[admin]\ngroups = [\"security\"]",
        mine: "groups_claim = \"nickname\"\n",
        told: "provider.groups_claim",
        seen: |config| config.provider.groups_claim.clone(),
        before: "nickname",
        after: "groups",
    },
    Attack {
        field: "provider.grace",
        required: "[provider]\ngrace = \"1h\"",
        mine: "grace = \"24h\"\n",
        told: "provider.grace",
        seen: |config| config.provider.grace_seconds.to_string(),
        before: "86400",
        after: "3600",
    },
    // With a certificate authority of their own, a user can be any provider.
    Attack {
        field: "provider.extra_ca",
        required: "",
        mine: "extra_ca = \"/opt/mine/ca.pem\"\n",
        told: "provider.extra_ca",
        seen: |config| format!("{:?}", config.provider.extra_ca),
        before: "Some(\"/opt/mine/ca.pem\")",
        after: "None",
    },
    Attack {
        field: "session.max_lifetime",
        required: "[session]\nmax_lifetime = \"2h\"",
        mine: "[session]\nmax_lifetime = \"24h\"\nlifetime = \"24h\"",
        told: "session.lifetime",
        seen: |config| {
            format!(
                "{} {}",
                config.session.max_lifetime, config.session.lifetime
            )
        },
        before: "86400 86400",
        after: "7200 7200",
    },
    Attack {
        field: "session.max_live",
        required: "[session]\nmax_live = 3",
        mine: "[session]\nmax_live = 100",
        told: "session.max_live",
        seen: |config| config.session.max_live.to_string(),
        before: "100",
        after: "3",
    },
    Attack {
        field: "tokens.rotate_keys_after",
        required: "[tokens]\nrotate_keys_after = \"7d\"",
        mine: "[tokens]\nrotate_keys_after = \"365d\"",
        told: "tokens.rotate_keys_after",
        seen: |config| config.tokens.rotate_keys_after.to_string(),
        before: "31536000",
        after: "604800",
    },
    Attack {
        field: "admin.groups",
        required: "[admin]\ngroups = [\"security\"]",
        mine: "[admin]\ngroups = [\"everybody\"]",
        told: "admin.groups",
        seen: |config| format!("{:?}", config.admin.groups),
        before: r#"{"everybody"}"#,
        after: r#"{"security"}"#,
    },
    Attack {
        field: "admin.auditor_groups",
        required: "[admin]\nauditor_groups = [\"audit\"]",
        mine: "[admin]\nauditor_groups = []",
        told: "admin.auditor_groups",
        seen: |config| format!("{:?}", config.admin.auditor_groups),
        before: "{}",
        after: r#"{"audit"}"#,
    },
    Attack {
        field: "admin.confirmed_within",
        required: "[admin]\nconfirmed_within = \"1m\"",
        mine: "[admin]\nconfirmed_within = \"10d\"",
        told: "admin.confirmed_within",
        seen: |config| config.admin.confirmed_within.to_string(),
        before: "864000",
        after: "60",
    },
    Attack {
        field: "policy.files",
        required: "[policy.files]\n\"b.cedar\" = \"permit b\"\n\"a.cedar\" = \"permit a\"",
        mine: "[policy]\nfolder = \"/opt/mine/policies\"",
        told: "policy.folder",
        seen: |config| format!("{:?}", config.policies),
        before: r#"Folder("/opt/mine/policies")"#,
        after: r#"Texts([("a.cedar", "permit a"), ("b.cedar", "permit b")])"#,
    },
    Attack {
        field: "limits.requests_per_second",
        required: "[limits]\nrequests_per_second = 5",
        mine: "[limits]\nrequests_per_second = 100000",
        told: "limits.requests_per_second",
        seen: |config| config.limits.requests_per_second.to_string(),
        before: "100000",
        after: "5",
    },
    Attack {
        field: "limits.burst",
        required: "[limits]\nburst = 5",
        mine: "[limits]\nburst = 100000",
        told: "limits.burst",
        seen: |config| config.limits.burst.to_string(),
        before: "100000",
        after: "5",
    },
    Attack {
        field: "limits.ledger_deadline",
        required: "[limits]\nledger_deadline = \"1s\"",
        mine: "[limits]\nledger_deadline = \"1h\"",
        told: "limits.ledger_deadline",
        seen: |config| config.limits.ledger_deadline.as_secs().to_string(),
        before: "3600",
        after: "1",
    },
    Attack {
        field: "approvals.expire_after",
        required: "[approvals]\nexpire_after = \"5m\"",
        mine: "[approvals]\nexpire_after = \"30d\"",
        told: "approvals.expire_after",
        seen: |config| config.approvals.expire_after.to_string(),
        before: "2592000",
        after: "300",
    },
    Attack {
        field: "approvals.once_within",
        required: "[approvals]\nonce_within = \"1m\"",
        mine: "[approvals]\nonce_within = \"1d\"",
        told: "approvals.once_within",
        seen: |config| config.approvals.once_within.to_string(),
        before: "86400",
        after: "60",
    },
    Attack {
        field: "approvals.remember_max",
        required: "[approvals]\nremember_max = \"30m\"",
        mine: "[approvals]\nremember_max = \"365d\"",
        told: "approvals.remember_max",
        seen: |config| config.approvals.remember_max.to_string(),
        before: "31536000",
        after: "1800",
    },
    Attack {
        field: "approvals.remember_idle",
        required: "[approvals]\nremember_idle = \"5m\"",
        mine: "[approvals]\nremember_idle = \"365d\"",
        told: "approvals.remember_idle",
        seen: |config| config.approvals.remember_idle.to_string(),
        before: "31536000",
        after: "300",
    },
    Attack {
        field: "approvals.refusal_holds",
        required: "[approvals]\nrefusal_holds = \"5m\"",
        mine: "[approvals]\nrefusal_holds = \"1s\"",
        told: "approvals.refusal_holds",
        seen: |config| config.approvals.refusal_holds.to_string(),
        before: "1",
        after: "300",
    },
    Attack {
        field: "approvals.max_open",
        required: "[approvals]\nmax_open = 2",
        mine: "[approvals]\nmax_open = 5000",
        told: "approvals.max_open",
        seen: |config| config.approvals.max_open.to_string(),
        before: "5000",
        after: "2",
    },
    Attack {
        field: "approvals.window",
        required: "[approvals]\nwindow = \"20m\"",
        mine: "[approvals]\nwindow = \"1s\"\nslow_gap = \"1s\"",
        told: "approvals.window",
        seen: |config| config.approvals.window.to_string(),
        before: "1",
        after: "1200",
    },
    Attack {
        field: "approvals.slow_after",
        required: "[approvals]\nslow_after = 3",
        mine: "[approvals]\nslow_after = 5000\nsuspend_after = 6000",
        told: "approvals.slow_after",
        seen: |config| config.approvals.slow_after.to_string(),
        before: "5000",
        after: "3",
    },
    Attack {
        field: "approvals.slow_gap",
        required: "[approvals]\nslow_gap = \"1m\"",
        mine: "[approvals]\nslow_gap = \"1s\"",
        told: "approvals.slow_gap",
        seen: |config| config.approvals.slow_gap.to_string(),
        before: "1",
        after: "60",
    },
    // In a short window nobody asks often: the window is bound with the number. And who is suspended
    // early is slowed down before.
    Attack {
        field: "approvals.suspend_after",
        required: "[approvals]\nsuspend_after = 5",
        mine: "[approvals]\nsuspend_after = 6000\nslow_after = 5000\nwindow = \"15s\"",
        told: "approvals.suspend_after",
        seen: |config| {
            let rules = &config.approvals;
            format!(
                "{} {} {}",
                rules.suspend_after, rules.slow_after, rules.window
            )
        },
        before: "6000 5000 15",
        after: "5 4 600",
    },
    Attack {
        field: "approvals.approver_groups",
        required: "[approvals]\napprover_groups = [\"leads\"]",
        mine: "[approvals]\napprover_groups = []",
        told: "approvals.approver_groups",
        seen: |config| format!("{:?}", config.approvals.approver_groups),
        before: "{}",
        after: r#"{"leads"}"#,
    },
    Attack {
        field: "approvals.four_eyes",
        required: "[approvals]\nfour_eyes = true",
        mine: "[approvals]\nfour_eyes = false",
        told: "approvals.four_eyes",
        seen: |config| config.approvals.four_eyes.to_string(),
        before: "false",
        after: "true",
    },
    Attack {
        field: "approvals.webhook.allowed",
        required: "[approvals.webhook]\nallowed = [\"https://chat.example.test/in\"]",
        mine: "[approvals.webhook]\nurl = \"https://me.example.test/in\"\nsecret = \"hook\"\nmay_answer = true",
        told: "approvals.webhook",
        seen: |config| {
            format!(
                "{:?}",
                config.webhook.as_ref().map(|hook| hook.url.as_str())
            )
        },
        before: r#"Some("https://me.example.test/in")"#,
        after: "None",
    },
    Attack {
        field: "reviewer.allowed",
        required: "[reviewer]\nallowed = [\"https://models.example.test/v1#careful\"]",
        mine: "[reviewer]\nurl = \"https://models.example.test/v1\"\nmodel = \"obliging\"\nname = \"https://models.example.test/v1#careful\"",
        told: "reviewer",
        seen: |config| reviewer(config),
        before: r#"Some("https://models.example.test/v1#careful")"#,
        after: "None",
    },
    // Where none is allowed, nobody may put a program of theirs in the place of four eyes.
    Attack {
        field: "reviewer.allowed",
        required: "[approvals]\nfour_eyes = true\napprover_groups = [\"leads\"]\n[credentials.\"*\"]\nmin_tier = \"review\"",
        mine: "[reviewer]\ncommand = [\"/bin/echo\", \"{}\"]",
        told: "reviewer",
        seen: |config| reviewer(config),
        before: "Some(\"/bin/echo\")",
        after: "None",
    },
    // A script is as much of the reviewer as its interpreter, and this one is not the admin's.
    Attack {
        field: "reviewer.allowed",
        required: "[reviewer]\nallowed = [\"/bin/sh /opt/mine/review\"]",
        mine: "[reviewer]\ncommand = [\"/bin/sh\", \"/opt/mine/review\"]",
        told: "reviewer",
        seen: |config| reviewer(config),
        before: "Some(\"/bin/sh\")",
        after: "None",
    },
    Attack {
        field: "reviewer.denials",
        required: "[reviewer]\nallowed = [\"https://models.example.test/v1#m\"]\ndenials = 2",
        mine: "[reviewer]\nurl = \"https://models.example.test/v1\"\nmodel = \"m\"\ndenials = 0",
        told: "reviewer.denials",
        seen: |config| config.approvals.denials.to_string(),
        before: "0",
        after: "2",
    },
    Attack {
        field: "reviewer.extra_ca",
        required: "[reviewer]\nallowed = [\"https://models.example.test/v1#m\"]",
        mine: "[reviewer]\nurl = \"https://models.example.test/v1\"\nmodel = \"m\"\nextra_ca = \"/opt/mine/ca.pem\"",
        told: "reviewer.extra_ca",
        seen: |config| {
            let kind = format!(
                "{:?}",
                config.reviewer.as_ref().map(|reviewer| &reviewer.kind)
            );
            format!("{} {}", kind.contains("Chat"), kind.contains("ca.pem"))
        },
        before: "true true",
        after: "true false",
    },
    Attack {
        field: "ledger.sinks",
        required: "[ledger]\nsinks = [\"file:/var/log/company.jsonl\"]",
        mine: "[ledger]\nsinks = [\"file:/opt/mine/copy.jsonl\"]",
        told: "ledger.sinks",
        seen: |config| format!("{:?}", config.sinks),
        before: r#"[File("/opt/mine/copy.jsonl")]"#,
        after: r#"[File("/opt/mine/copy.jsonl"), File("/var/log/company.jsonl")]"#,
    },
    Attack {
        field: "credentials.NAME.min_tier",
        required: "[credentials.\"*\"]\nmin_tier = \"review\"\n[credentials.api]\nmin_tier = \"human\"",
        mine: API,
        told: "credentials.api.min_tier",
        seen: |config| api(config, |api| api.min_tier.id().to_owned()),
        before: "auto",
        after: "human",
    },
    Attack {
        field: "credentials.NAME.max_lifetime",
        required: "[credentials.api]\nmax_lifetime = \"10m\"\n[credentials.\"*\"]\nmax_lifetime = \"5m\"",
        mine: API,
        told: "credentials.api.max_lifetime",
        seen: |config| api(config, |api| api.max_lifetime.to_string()),
        before: "3600",
        after: "300",
    },
    Attack {
        field: "credentials.NAME.scopes",
        required: "[credentials.api]\nscopes = [\"read\", \"list\"]",
        mine: API,
        told: "credentials.api.scopes",
        seen: |config| api(config, |api| api.scopes.to_string()),
        before: "read write",
        after: "read",
    },
    // The tokens of a credential go where the admin says. What is left keeps the user's order.
    Attack {
        field: "credentials.NAME.audiences",
        required: "[credentials.\"*\"]\naudiences = [\"https://a.example.test\", \"https://b.example.test\", \"https://c.example.test\"]\n[credentials.api]\naudiences = [\"https://a.example.test\", \"https://b.example.test\", \"https://mine.example.test\"]",
        mine: "[credentials.api]\nsource = \"signed\"\nscopes = [\"read\"]\naudiences = [\"https://mine.example.test\", \"https://b.example.test\", \"https://a.example.test\"]",
        told: "credentials.api.audiences",
        seen: |config| {
            api(config, |api| {
                let all = std::iter::once(&api.audiences.first).chain(&api.audiences.others);
                all.map(valetkey_core::Audience::as_str)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        },
        before: "https://mine.example.test https://b.example.test https://a.example.test",
        after: "https://b.example.test https://a.example.test",
    },
    Attack {
        field: "credentials.NAME.audiences",
        required: "[credentials.\"*\"]\naudiences = [\"https://b.example.test\"]",
        mine: API,
        told: "credentials.api.audiences",
        seen: |config| api(config, |_| "there".to_owned()),
        before: "there",
        after: "gone",
    },
    Attack {
        field: "credentials.NAME.labels",
        required: "[credentials.api]\nlabels = [\"production\"]",
        mine: API,
        told: "credentials.api.labels",
        seen: |config| api(config, |api| format!("{:?}", api.labels)),
        before: r#"{"mine"}"#,
        after: r#"{"mine", "production"}"#,
    },
    Attack {
        field: "credentials.NAME.owner",
        required: "[credentials.api]\nowner = \"service-owner\"",
        mine: API,
        told: "credentials.api.owner",
        seen: |config| {
            api(config, |api| {
                let owner = api.owner.as_ref().unwrap();
                format!("{} at {}", owner.subject, owner.issuer)
            })
        },
        before: "me at https://id.example.test",
        after: "service-owner at https://id.example.test",
    },
    Attack {
        field: "network.addresses",
        required: "[network]\naddresses = [\"127.0.0.1:5000\"]",
        mine: "[network]\naddresses = [\"127.0.0.1:22\", \"127.0.0.1:5000\"]",
        told: "network.addresses",
        seen: |config| format!("{:?}", config.network.addresses),
        before: "{127.0.0.1:22, 127.0.0.1:5000}",
        after: "{127.0.0.1:5000}",
    },
    // Whoever says where a host is can be that host.
    Attack {
        field: "network.hosts",
        required: "",
        mine: "[network]\nhosts = { \"api.example.test\" = \"127.0.0.1\" }",
        told: "network.hosts",
        seen: |config| config.network.hosts.len().to_string(),
        before: "1",
        after: "0",
    },
    Attack {
        field: "network.inspect",
        required: "[network]\ninspect = [\"*.example.test\"]",
        mine: "",
        told: "network.inspect",
        seen: |config| config.network.inspect.len().to_string(),
        before: "0",
        after: "1",
    },
    Attack {
        field: "network.extra_ca",
        required: "",
        mine: "[network]\nextra_ca = \"/opt/mine/ca.pem\"",
        told: "network.extra_ca",
        seen: |config| format!("{:?}", config.network.extra_ca),
        before: "Some(\"/opt/mine/ca.pem\")",
        after: "None",
    },
    // A profile of one's own with the name of an allowed one is none of the admin's.
    Attack {
        field: "sandbox.allowed",
        required: "[sandbox]\nallowed = [\"read-only\"]",
        mine: "[sandbox]\nprofile = \"open\"\n[sandbox.profiles.read-only]\nworkspace = \"open\"\nwritable = [\"/srv\"]",
        told: "sandbox.profiles",
        seen: profiles,
        before: "open*:Open read-only:Open/srv workspace-write:Writable",
        after: "read-only*:ReadOnly",
    },
    Attack {
        field: "sandbox.profiles",
        required: "[sandbox.profiles.build]\nworkspace = \"read-only\"",
        mine: "[sandbox.profiles.build]\nworkspace = \"open\"",
        told: "sandbox.profiles",
        seen: profiles,
        before: "build:Open open:Open read-only:ReadOnly workspace-write*:Writable",
        after: "build:ReadOnly open:Open read-only:ReadOnly workspace-write*:Writable",
    },
    Attack {
        field: "commands.rules",
        required: "[commands]\nrules = \"\"\"\n[[rules]]\ncommand = \"git push\"\n\"\"\"",
        mine: "",
        told: "commands.file",
        seen: |config| config.commands.iter().count().to_string(),
        before: "0",
        after: "1",
    },
];

/// Looks at the credential `api`.
pub(super) fn api(config: &Config, look: impl Fn(&valetkey_core::Credential) -> String) -> String {
    let api = config.credentials.find("api");
    api.map_or_else(|| "gone".to_owned(), |api| look(&api))
}

/// The reviewer's name.
fn reviewer(config: &Config) -> String {
    let reviewer = config.reviewer.as_ref();
    format!("{:?}", reviewer.map(|reviewer| &reviewer.name))
}

/// Each profile, the usual one with a star, and what it writes.
fn profiles(config: &Config) -> String {
    let usual = config.profiles.find(None);
    let all = config
        .profiles
        .names()
        .filter_map(|name| config.profiles.find(Some(name)));
    let each = all.map(|profile| {
        let star = usual
            .as_ref()
            .is_some_and(|usual| usual.name == profile.name);
        let star = if star { "*" } else { "" };
        format!(
            "{}{star}:{:?}{}",
            profile.name,
            profile.workspace,
            profile.writable.join(",")
        )
    });
    each.collect::<Vec<_>>().join(" ")
}
