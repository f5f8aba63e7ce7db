//! `policy explain`: why a request was answered as it was, or would be.

use std::time::Duration;

use clap::{ArgGroup, Args};
use serde::Serialize;
use valetkey_sdk::{
    Control, Exit,
    wire::developer::{
        self as dev,
        explain_policy_request::{Hypothetical, What, hypothetical::Network},
    },
};

use super::meaning;
use crate::{
    args::ACCOUNT,
    commands::{Outcome, find::SESSION},
    failure::Failure,
    lifetime,
    output::{Output, Page, Show, Tone},
};

/// Explain a request: which tier, which policies spoke, and which one change would make a difference
///
/// Either a request of the ledger, by the id that its refusal named, or one that nobody made: for a
/// credential, to reach a host, or to send it a request.
#[derive(Args)]
#[command(
    override_usage = "valetkey policy explain REQUEST-ID\n       \
        valetkey policy explain WHAT --session ID [OPTIONS]\n       \
        valetkey policy explain WHAT [--account NAME] --agent NAME [OPTIONS]\n\n\
        WHAT: --credential NAME, --connect URL or --request 'METHOD URL'",
    after_help = "Examples: valetkey policy explain REQUEST-ID\n\
    \u{20}         valetkey policy explain --credential demo-api --scope api:write --agent coder\n\
    \u{20}         valetkey policy explain --connect https://docs.example.com --agent coder --profile open\n\
    \u{20}         valetkey policy explain --request 'POST https://docs.example.com/pages' --agent coder",
    group = ArgGroup::new("wanted").args(["credential", "connect", "sent"])
)]
pub(super) struct Explain {
    /// A request of the ledger: its id, or at least six digits of the beginning or end of it
    #[arg(
        value_name = "REQUEST-ID",
        conflicts_with_all = ["wanted", "scopes", "audience", "ttl", "session", "agent", "profile"]
    )]
    request: Option<String>,
    /// What would be asked for
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Leave to reach this origin would be asked for
    #[arg(long, value_name = "URL")]
    connect: Option<String>,
    /// This would be sent, without the query; to reach the host is a question of its own
    #[arg(long = "request", value_name = "METHOD URL")]
    sent: Option<String>,
    /// With this scope; may be given several times
    #[arg(
        long = "scope",
        short,
        value_name = "SCOPE",
        requires = "credential",
        conflicts_with_all = ["connect", "sent"]
    )]
    scopes: Vec<String>,
    /// For this audience; the credential's first where none is named
    #[arg(long, requires = "credential", conflicts_with_all = ["connect", "sent"])]
    audience: Option<String>,
    /// For this long: 90s, 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true, requires = "wanted")]
    ttl: Option<Duration>,
    /// As this live session would ask: its id, or at least six digits of its beginning or end
    #[arg(long, value_name = "ID", requires = "wanted")]
    session: Option<String>,
    /// As a new session of this account would ask
    #[arg(long, value_name = "NAME", default_value = ACCOUNT, conflicts_with = "session")]
    account: String,
    /// As a new session of this agent would ask
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "session",
        requires = "wanted"
    )]
    agent: Option<String>,
    /// In a sandbox of this profile. Where none is named, in one of the usual profile for --connect and
    /// --request, else in none
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "session",
        requires = "wanted"
    )]
    profile: Option<String>,
}

#[derive(Serialize)]
struct View {
    tier: String,
    question: String,
    care: Option<String>,
    outcome: Option<String>,
    scopes: Vec<Scope>,
    change: Option<Change>,
    instead: Vec<String>,
}

#[derive(Serialize)]
struct Scope {
    scope: String,
    tier: String,
    voices: Vec<Voice>,
}

#[derive(Serialize)]
struct Voice {
    policy: String,
    forbids: bool,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Change {
    what: String,
    rule: Option<String>,
    also: Vec<String>,
}

impl Explain {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let mut what = self.what()?;
        let developer = Control::from_env().await?.developer();
        if let What::Hypothetical(asked) = &mut what
            && let Some(part) = asked.session.take()
        {
            let live = developer.sessions(None);
            asked.session = Some(SESSION.id(part, live, |one| &one.id).await?);
        }
        let explaining = developer.explain(what);
        let explained = output.waiting("asking the policies", explaining).await?;
        output.print(&View::from(explained))?;
        Ok(Exit::Ok)
    }

    /// Which of the two ways was meant. Clap would tell of what is missing flag by flag, and of one way
    /// only.
    fn what(self) -> Result<What, Failure> {
        if let Some(request) = self.request {
            return Ok(What::Request(request));
        }
        let asked_by_somebody = self.session.is_some() || self.agent.is_some();
        let wanted = [&self.credential, &self.connect, &self.sent];
        if !asked_by_somebody || wanted.iter().all(|named| named.is_none()) {
            return Err(Failure::usage(
                "it is not clear which request is meant",
                "name either a REQUEST-ID, or `--credential`, `--connect` or `--request`, with `--session` or with `--account` and `--agent`",
            ));
        }
        // A scope has no space in it, so a list with spaces is several (RFC 6749 section 3.3).
        let scopes = self.scopes.iter().flat_map(|scopes| scopes.split(' '));
        let scopes = scopes.filter(|scope| !scope.is_empty());
        Ok(What::Hypothetical(Hypothetical {
            scopes: scopes.map(str::to_owned).collect(),
            session: self.session,
            account: self.account,
            agent: self.agent.unwrap_or_default(),
            profile: self.profile,
            credential: self.credential.unwrap_or_default(),
            network: (self.connect.map(Network::Connect)).or(self.sent.map(Network::Request)),
            audience: self.audience,
            lifetime_seconds: self
                .ttl
                .map(|ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
        }))
    }
}

impl From<dev::ExplainPolicyResponse> for View {
    fn from(explained: dev::ExplainPolicyResponse) -> Self {
        let voice = |voice: dev::Voice| Voice {
            policy: voice.policy,
            forbids: voice.forbids,
            reason: voice.reason,
        };
        let scope = |scope: dev::ScopeExplained| Scope {
            scope: scope.scope,
            tier: scope.tier,
            voices: scope.voices.into_iter().map(voice).collect(),
        };
        Self {
            tier: explained.tier,
            question: explained.question,
            care: explained.care,
            outcome: explained.outcome,
            scopes: explained.scopes.into_iter().map(scope).collect(),
            change: explained.change.map(|change| Change {
                what: change.what,
                rule: change.rule,
                also: change.also,
            }),
            instead: explained.instead,
        }
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        page.line(&self.question);
        let tone = match self.tier.as_str() {
            "auto" => Tone::Good,
            "review" | "human" => Tone::Care,
            _ => Tone::Bad,
        };
        page.toned(tone, &format!("{}: {}", self.tier, meaning(&self.tier)));
        if let Some(care) = &self.care {
            page.toned(Tone::Care, care);
        }
        if let Some(outcome) = &self.outcome {
            page.line(&format!("What came of it then: {outcome}"));
        }
        for scope in &self.scopes {
            scope.show(page);
        }
        if let Some(change) = &self.change {
            change.show(page);
        }
        if !self.instead.is_empty() {
            page.line("What could be asked for instead:");
        }
        for instead in &self.instead {
            page.line(&format!("  {instead}"));
        }
    }
}

impl Show for Scope {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Scope {}: {}", self.scope, self.tier));
        for voice in &self.voices {
            let says = if voice.forbids { "forbids" } else { "permits" };
            let why = match &voice.reason {
                None => String::new(),
                Some(reason) => format!(": {reason}"),
            };
            page.line(&format!("  {} {says}{why}", voice.policy));
        }
        if self.voices.is_empty() {
            page.line("  no policy speaks about it");
        }
    }
}

impl Show for Change {
    fn show(&self, page: &mut Page) {
        page.toned(Tone::Strong, &format!("One change: {}", self.what));
        for line in self.rule.iter().flat_map(|rule| rule.lines()) {
            page.line(&format!("    {line}"));
        }
        if !self.also.is_empty() {
            page.line("That would also allow:");
        }
        for also in &self.also {
            page.line(&format!("  {also}"));
        }
    }
}
