//! Policies: read again, explained, tried on the past and looked at. All of it reads files or computes
//! for a while, so it is done where blocking is fine.

use std::path::PathBuf;

use tokio::runtime::Handle;
use valetkey_codes::Code;
use valetkey_core::{
    Broker, Refusal,
    policies::{self, About, BadTarget, Differing, Explained, Hypothetical, Part, Simulated},
    ports::{CaseResult, Change, Checked, IdleRule, ScopeExplained, Voice},
    request::Ask,
};
use valetkey_wire::developer::{
    self, CheckPoliciesRequest, CheckPoliciesResponse, ExplainPolicyRequest, ExplainPolicyResponse,
    ReloadPoliciesResponse, SimulatePoliciesRequest, SimulatePoliciesResponse,
    explain_policy_request::{self, What, hypothetical::Network},
};

use super::{Office, room, view};

impl Office {
    pub(super) async fn reload_policies(&self) -> Result<ReloadPoliciesResponse, Refusal> {
        let summary = self
            .aside(async |broker| policies::reload(broker).await)
            .await?;
        Ok(ReloadPoliciesResponse {
            digest: summary.digest,
            policies: summary.policies,
            origin: summary.origin,
        })
    }

    pub(super) async fn explain_policy(
        &self,
        request: ExplainPolicyRequest,
    ) -> Result<ExplainPolicyResponse, Refusal> {
        let about = match request.what {
            Some(What::Request(id)) => About::Request(part(&id)?),
            Some(What::Hypothetical(asked)) => About::Hypothetical(self.hypothetical(asked)?),
            None => return Err(view::invalid("name a request, or describe one")),
        };
        let explained = self
            .aside(async move |broker| policies::explain(broker, about).await)
            .await?;
        Ok(explanation(explained))
    }

    pub(super) async fn simulate_policies(
        &self,
        request: SimulatePoliciesRequest,
    ) -> Result<SimulatePoliciesResponse, Refusal> {
        let folder = absolute("folder", request.folder)?;
        if request.days == 0 {
            return Err(view::invalid("name 1 day or more"));
        }
        let days = request.days;
        let simulated = self
            .aside(async move |broker| policies::simulate(broker, &folder, days).await)
            .await?;
        Ok(simulation(simulated))
    }

    pub(super) async fn check_policies(
        &self,
        request: CheckPoliciesRequest,
    ) -> Result<CheckPoliciesResponse, Refusal> {
        let folder = request.folder.map(|path| absolute("folder", path));
        let folder = folder.transpose()?;
        let cases = request.cases.map(|path| absolute("cases", path));
        let cases = cases.transpose()?;
        let checked = self
            .aside(async move |broker| policies::check(broker, folder.as_deref(), cases.as_deref()))
            .await?;
        Ok(findings(checked))
    }

    /// Runs what blocks where blocking is fine. Whoever stops listening lets it come to its end.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&Broker) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (broker, runtime) = (self.broker.clone(), Handle::current());
        tokio::task::spawn_blocking(move || runtime.block_on(work(&broker)))
            .await
            .unwrap_or_else(|error| Err(Refusal::new(Code::Internal).because(error.to_string())))
    }

    /// A session that is named brings its own account, agent and profile.
    fn hypothetical(
        &self,
        asked: explain_policy_request::Hypothetical,
    ) -> Result<Hypothetical, Refusal> {
        let session = match &asked.session {
            Some(id) => {
                let id = view::session_id(id)?;
                let sessions = &self.broker.ports.sessions;
                Some(sessions.load(id).ok_or(Code::UnknownSession)?)
            }
            None => None,
        };
        let (account, agent) = match &session {
            Some(session) => (session.account.clone(), session.agent.clone()),
            None => (view::account(&asked.account)?, view::agent(&asked.agent)?),
        };
        // The network is asked for from a sandbox, and `valetkey run` makes none without a profile.
        let from_a_sandbox = asked.network.is_some() && session.is_none();
        let profile = match asked.profile.as_deref() {
            None if !from_a_sandbox => None,
            name => Some(room::named(&self.broker, name)),
        };
        Ok(Hypothetical {
            session: session.map(|session| session.id),
            account,
            agent,
            profile: profile.transpose()?.map(|profile| profile.name.clone()),
            ask: ask(asked)?,
        })
    }
}

/// What is asked for: something of the network, or a credential.
fn ask(asked: explain_policy_request::Hypothetical) -> Result<Ask, Refusal> {
    let bad = |bad: BadTarget| view::invalid(bad.to_string());
    let (connect, request) = match &asked.network {
        None => (None, None),
        Some(Network::Connect(origin)) => (Some(origin.as_str()), None),
        Some(Network::Request(request)) => (None, Some(request.as_str())),
    };
    let target = policies::target(connect, request);
    let lifetime = asked.lifetime_seconds;
    let Some(target) = target.map_err(bad)? else {
        return Ok(Ask {
            credential: asked.credential,
            scopes: asked.scopes,
            audience: asked.audience,
            lifetime,
            ..Ask::default()
        });
    };
    if !asked.credential.is_empty() || !asked.scopes.is_empty() || asked.audience.is_some() {
        return Err(view::invalid(
            "name a credential or something of the network",
        ));
    }
    let ask = policies::leave(&target).map_err(bad)?;
    Ok(Ask { lifetime, ..ask })
}

fn part(id: &str) -> Result<Part, Refusal> {
    Part::parse(id).ok_or_else(|| {
        view::invalid(
            "the id of a request has 32 hexadecimal digits; 6 of its beginning or end are enough",
        )
    })
}

/// The broker's own folder means nothing to whoever asks, so theirs is said in full.
fn absolute(what: &str, path: String) -> Result<PathBuf, Refusal> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(view::invalid(format!(
            "{what}: an absolute path begins with `/`"
        )))
    }
}

fn explanation(explained: Explained) -> ExplainPolicyResponse {
    let found = explained.explanation;
    ExplainPolicyResponse {
        tier: found.tier.id().to_owned(),
        question: explained.question,
        outcome: explained.outcome,
        scopes: found.scopes.into_iter().map(scope).collect(),
        change: found.change.map(change),
        instead: found.instead,
        care: explained.care.map(str::to_owned),
    }
}

fn scope(explained: ScopeExplained) -> developer::ScopeExplained {
    developer::ScopeExplained {
        scope: explained.scope,
        tier: explained.tier.id().to_owned(),
        voices: explained.voices.into_iter().map(voice).collect(),
    }
}

fn voice(voice: Voice) -> developer::Voice {
    developer::Voice {
        policy: voice.policy,
        forbids: voice.forbids,
        reason: voice.reason,
    }
}

fn change(change: Change) -> developer::PolicyChange {
    developer::PolicyChange {
        what: change.what,
        rule: change.rule,
        also: change.also,
    }
}

fn simulation(simulated: Simulated) -> SimulatePoliciesResponse {
    SimulatePoliciesResponse {
        requests: simulated.requests,
        skipped: simulated.skipped,
        differing: simulated.listed.into_iter().map(differing).collect(),
        differing_total: simulated.differing,
    }
}

fn differing(differing: Differing) -> developer::Differing {
    developer::Differing {
        request: differing.request.to_string(),
        at: differing.at / 1000,
        session: differing.session.to_string(),
        agent: differing.agent.into(),
        credential: differing.credential.into(),
        scopes: differing.grant.scopes.into(),
        audience: differing.grant.audience.into(),
        lifetime_seconds: differing.grant.lifetime,
        tier: differing.tier.id().to_owned(),
        would_be: differing.would_be.id().to_owned(),
        policies: differing.policies,
    }
}

fn findings(checked: Checked) -> CheckPoliciesResponse {
    CheckPoliciesResponse {
        policies: checked.policies,
        cases: checked.cases.into_iter().map(case).collect(),
        idle: checked.idle.into_iter().map(idle).collect(),
        looked_at: checked.looked_at,
        unseen: checked.unseen.into_iter().map(idle).collect(),
    }
}

fn case(result: CaseResult) -> developer::PolicyCase {
    developer::PolicyCase {
        name: result.case,
        wrong: result.wrong,
    }
}

fn idle(rule: IdleRule) -> developer::IdleRule {
    developer::IdleRule {
        policy: rule.policy,
        why: rule.why,
    }
}
