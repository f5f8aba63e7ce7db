//! The requests of a universe, one by one.

use cedar_policy::EntityUid;
use valetkey_core::{
    AgentName, Algorithm, Approver, Audience, Audiences, Credential, LIFETIME_CEILING, Risk,
    ScopeSet, Session, SourceKind, Tier, User, UserId,
    network::OriginPattern,
    ports::{ApproverQuestion, Consent, PolicyError, Question},
};

use super::universe::{Owner, Shape, Universe};
use crate::{
    facts::Facts,
    lab::stand_in,
    rules::Rules,
    words::{Asked, Words},
};

/// What comes of it where somebody may not answer.
pub(super) const MAY_NOT: &str = "may not";

/// One request.
pub(super) struct Probe {
    who: Who,
    credential: Credential,
    /// Origins that a credential is put into requests to.
    injected: Vec<OriginPattern>,
    lifetime: u64,
}

/// Who asks or would answer.
enum Who {
    Session(Box<Session>),
    Approver {
        approver: Approver,
        risk: Option<Risk>,
        requester: UserId,
        agent: AgentName,
    },
}

/// What comes of a request, and by which policies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) what: &'static str,
    pub(super) by: Vec<String>,
}

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sessions ask for tokens.
    Token,
    /// Sessions would reach hosts.
    Connect,
    /// Sessions would send requests.
    Request,
    /// People and reviewers would answer.
    Answer,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Token, Self::Connect, Self::Request, Self::Answer];

    /// Whether it is asked of that action.
    pub(super) fn asks(self, words: &Words, action: &EntityUid) -> bool {
        let asked = match self {
            Self::Token => Asked::Token,
            Self::Connect => Asked::Connect,
            Self::Request => Asked::Request,
            Self::Answer => return *action == words.approve,
        };
        words.tiers(asked).iter().any(|(_, known)| known == action)
    }
}

/// At most `limit` requests of a universe, spread over it; all of them where there are no more.
pub(super) fn probes(
    universe: &Universe,
    kind: Kind,
    limit: u64,
) -> impl Iterator<Item = Result<Probe, PolicyError>> {
    let size = size(universe, kind);
    let step = step(size);
    (0..size.min(limit)).filter_map(move |n| {
        // The step and the size have no divisor in common, so no request comes twice.
        let place = u128::from(n) * u128::from(step) % u128::from(size.max(1));
        let mut digits = Digits(u64::try_from(place).unwrap_or(0));
        match kind {
            Kind::Token => token(universe, &mut digits),
            Kind::Connect | Kind::Request => leave(universe, kind, &mut digits),
            Kind::Answer => answer(universe, &mut digits),
        }
        .transpose()
    })
}

/// How many requests there are.
fn size(universe: &Universe, kind: Kind) -> u64 {
    let people = universe.users.len().saturating_mul(universe.groups.len());
    let sessions = [
        people,
        universe.agents.len(),
        universe.profiles.len(),
        universe.sessions.len(),
    ];
    let token = [
        universe.credentials.len(),
        universe.scopes.len(),
        universe.audiences.len(),
        universe.lifetimes.len(),
    ];
    let places = [universe.places.len(), universe.lifetimes.len()];
    let answers = [
        people.saturating_add(universe.reviewers.len()),
        universe.risks.len(),
        universe.agents.len(),
        // Whoever answers asks, or somebody else does.
        2,
    ];
    let all = match kind {
        Kind::Token => [&sessions[..], &token].concat(),
        Kind::Connect => [&sessions[..], &places].concat(),
        Kind::Request => {
            let sent = [universe.methods.len(), universe.paths.len()];
            [&sessions[..], &places, &sent].concat()
        }
        Kind::Answer => [&answers[..], &token].concat(),
    };
    all.into_iter()
        .fold(1, |size, n| size.saturating_mul(n as u64))
}

/// About 0.618 of the size, so that what comes first is spread over all of it.
fn step(size: u64) -> u64 {
    let golden = u128::from(size) * 618 / 1000;
    let mut step = u64::try_from(golden).unwrap_or(1).max(1);
    while divisor(step, size) > 1 {
        step += 1;
    }
    step
}

fn divisor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => divisor(b, a % b),
    }
}

/// A number that is taken apart.
struct Digits(u64);

impl Digits {
    fn take(&mut self, values: usize) -> usize {
        let base = (values as u64).max(1);
        let digit = self.0 % base;
        self.0 /= base;
        usize::try_from(digit).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.get(self.take(values.len()))
    }
}

fn token(universe: &Universe, digits: &mut Digits) -> Result<Option<Probe>, PolicyError> {
    let (Some(session), Some(what)) = (session(universe, digits)?, what(universe, digits)) else {
        return Ok(None);
    };
    let requester = session.user.id.clone();
    Ok(Some(what.by(&requester, Who::Session(Box::new(session)))))
}

fn leave(
    universe: &Universe,
    kind: Kind,
    digits: &mut Digits,
) -> Result<Option<Probe>, PolicyError> {
    let (Some(session), Some(place), Some(lifetime)) = (
        session(universe, digits)?,
        digits.of(&universe.places),
        digits.of(&universe.lifetimes),
    ) else {
        return Ok(None);
    };
    let target = if kind == Kind::Connect {
        Some(place.reached())
    } else {
        let (method, path) = (digits.of(&universe.methods), digits.of(&universe.paths));
        method
            .zip(path)
            .map(|(method, path)| place.sent(method, path))
    };
    let Some(target) = target else {
        return Ok(None);
    };
    Ok(Some(Probe {
        who: Who::Session(Box::new(session)),
        credential: stand_in::network(&target)?,
        injected: place.injected.iter().cloned().collect(),
        lifetime: *lifetime,
    }))
}

fn session(universe: &Universe, digits: &mut Digits) -> Result<Option<Session>, PolicyError> {
    let (Some(user), Some(agent), Some(profile), Some(id)) = (
        user(universe, digits),
        digits.of(&universe.agents),
        digits.of(&universe.profiles),
        digits.of(&universe.sessions),
    ) else {
        return Ok(None);
    };
    let mut session = stand_in::session(user, agent.clone())?;
    session.profile.clone_from(profile);
    if let Some(id) = id {
        session.id = *id;
    }
    Ok(Some(session))
}

fn answer(universe: &Universe, digits: &mut Digits) -> Result<Option<Probe>, PolicyError> {
    let people = universe.users.len().saturating_mul(universe.groups.len());
    let at = digits.take(people.saturating_add(universe.reviewers.len()));
    let approver = if at < people {
        user(universe, &mut Digits(at as u64)).map(|user| Approver::Person { user })
    } else {
        let reviewer = universe.reviewers.get(at - people);
        reviewer.map(|name| Approver::Reviewer { name: name.clone() })
    };
    let own = digits.take(2) == 0;
    let (Some(approver), Some(risk), Some(agent), Some(what)) = (
        approver,
        digits.of(&universe.risks),
        digits.of(&universe.agents),
        what(universe, digits),
    ) else {
        return Ok(None);
    };
    let requester = match &approver {
        Approver::Person { user } if own => user.id.clone(),
        _ => stand_in::nobody(),
    };
    Ok(Some(what.by(
        &requester.clone(),
        Who::Approver {
            approver,
            risk: *risk,
            requester,
            agent: agent.clone(),
        },
    )))
}

fn user(universe: &Universe, digits: &mut Digits) -> Option<User> {
    let user = digits.of(&universe.users)?;
    let groups = digits.of(&universe.groups)?;
    Some(stand_in::user(user.clone(), groups.iter().cloned()))
}

/// What is asked for.
struct What<'a> {
    shape: &'a Shape,
    scopes: &'a ScopeSet,
    audience: &'a Audience,
    lifetime: u64,
}

fn what<'a>(universe: &'a Universe, digits: &mut Digits) -> Option<What<'a>> {
    Some(What {
        shape: digits.of(&universe.credentials)?,
        scopes: digits.of(&universe.scopes)?,
        audience: digits.of(&universe.audiences)?,
        lifetime: *digits.of(&universe.lifetimes)?,
    })
}

impl What<'_> {
    fn by(&self, requester: &UserId, who: Who) -> Probe {
        let credential = Credential {
            name: self.shape.name.clone(),
            source: SourceKind::Signed,
            scopes: self.scopes.clone(),
            audiences: Audiences {
                first: self.audience.clone(),
                others: Vec::new(),
            },
            max_lifetime: LIFETIME_CEILING,
            algorithm: Algorithm::default(),
            owner: match &self.shape.owner {
                Owner::Nobody => None,
                Owner::WhoeverAsks => Some(requester.clone()),
                Owner::Known(owner) => Some(owner.clone()),
            },
            labels: self.shape.labels.clone(),
            min_tier: Tier::Auto,
            delivery: valetkey_core::Delivery::Token,
        };
        Probe {
            who,
            credential,
            injected: Vec::new(),
            lifetime: self.lifetime,
        }
    }
}

impl Probe {
    /// What is true of it.
    pub(super) fn facts(&self, rules: &Rules) -> Result<Facts<'_>, PolicyError> {
        match &self.who {
            Who::Session(session) => Facts::new(
                &rules.words,
                &rules.named,
                &self.injected,
                &self.question(session),
            ),
            Who::Approver {
                approver,
                risk,
                requester,
                agent,
            } => Facts::of_approver(
                &rules.words,
                &rules.named,
                &self.approver_question(approver, *risk, requester, agent),
            ),
        }
    }

    /// What comes of it, by what is true of it.
    pub(super) fn outcome(&self, rules: &Rules, facts: &Facts<'_>) -> Result<Outcome, PolicyError> {
        if let Who::Session(_) = &self.who {
            let verdict = rules.judge(facts)?;
            return Ok(Outcome {
                what: verdict.tier.id(),
                by: verdict.policies,
            });
        }
        Ok(match rules.consent(facts)? {
            Consent::May(by) => Outcome { what: "may", by },
            Consent::MayNot(by) => Outcome { what: MAY_NOT, by },
        })
    }

    fn question<'a>(&'a self, session: &'a Session) -> Question<'a> {
        Question {
            session,
            credential: &self.credential,
            scopes: &self.credential.scopes,
            audience: &self.credential.audiences.first,
            lifetime: self.lifetime,
        }
    }

    fn approver_question<'a>(
        &'a self,
        approver: &'a Approver,
        risk: Option<Risk>,
        requester: &'a UserId,
        agent: &'a AgentName,
    ) -> ApproverQuestion<'a> {
        ApproverQuestion {
            approver,
            risk,
            requester,
            agent,
            credential: &self.credential,
            scopes: &self.credential.scopes,
            audience: &self.credential.audiences.first,
            lifetime: self.lifetime,
        }
    }
}
