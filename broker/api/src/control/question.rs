//! One question and what became of it, as people see it.

use valetkey_core::{
    Moment, Opinion, User,
    approval::{Stage, State, Term},
    approvals::Shown,
    ports::Kept,
};
use valetkey_wire::developer::{self, Approval};

use super::view;

/// Everything that was shown and that the digest covers, and where it stands. What an agent or a
/// provider chose was cleaned when it came.
pub(super) fn view(Shown { kept, may_answer }: Shown) -> Approval {
    let Kept { approval, used } = kept;
    let asked = &approval.asked;
    let user = User {
        id: asked.user.clone(),
        display: asked.display.clone(),
        groups: Default::default(),
    };
    let shown = Approval {
        id: approval.id.to_string(),
        session: approval.session.to_string(),
        user: Some(view::user(&user)),
        agent: asked.agent.to_string(),
        workspace: asked.workspace.clone(),
        credential: asked.credential.to_string(),
        scopes: asked.grant.scopes.iter().map(str::to_owned).collect(),
        audience: asked.grant.audience.to_string(),
        lifetime_seconds: asked.grant.lifetime,
        reason: asked.reason.clone(),
        tier: asked.tier.id().to_owned(),
        policies: asked.policies.clone(),
        digest: approval.digest().to_string(),
        asked_at: approval.at.unix_seconds(),
        expires_at: approval.expires.unix_ms / 1000,
        state: approval.state.id().to_owned(),
        opinion: approval.opinion.clone().map(opinion),
        may_answer,
        ..Approval::default()
    };
    with_state(shown, &approval.state, used)
}

fn with_state(shown: Approval, state: &State, used: Moment) -> Approval {
    match state {
        State::Open { stage } => Approval {
            with_reviewer: *stage == Stage::Reviewer,
            ..shown
        },
        State::Granted { by, term, at } => {
            let answered = Approval {
                answered_by: Some(by.display().to_owned()),
                answered_at: Some(at.unix_seconds()),
                ..shown
            };
            with_term(answered, term, used)
        }
        State::Refused { by, at } => Approval {
            answered_by: Some(by.display().to_owned()),
            answered_at: Some(at.unix_seconds()),
            ..shown
        },
        State::Over { ending, .. } => Approval {
            ending: Some(ending.id().to_owned()),
            ..shown
        },
    }
}

fn with_term(shown: Approval, term: &Term, used: Moment) -> Approval {
    match term {
        Term::Once { use_by } => Approval {
            once: true,
            granted_until: Some(use_by.unix_ms / 1000),
            ..shown
        },
        Term::Until { until, idle } => Approval {
            granted_until: Some(until.unix_ms / 1000),
            last_used_at: Some(used.unix_seconds()),
            idle_seconds: Some(*idle),
            ..shown
        },
    }
}

fn opinion(opinion: Opinion) -> developer::Opinion {
    developer::Opinion {
        finding: opinion.finding.id().to_owned(),
        risk: opinion.risk.map(|risk| risk.id().to_owned()),
        rationale: opinion.rationale,
        reviewer: opinion.reviewer,
    }
}
