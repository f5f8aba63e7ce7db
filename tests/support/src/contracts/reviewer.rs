//! What every reviewer promises.
#![expect(clippy::panic, reason = "a suite panics where a promise is broken")]

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use futures_util::future::join_all;
use valetkey_core::{
    Approval, Risk,
    approval::Finding,
    ports::{ReviewCase, Reviewer},
};

use super::{approvals, sessions};

/// What a reviewer does when it is asked.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// It has this opinion.
    Opinion(Finding, Risk, String),
    /// It says something that is no opinion.
    Nonsense,
    /// It says nothing.
    Silence,
}

/// Runs every check on reviewers that `make` makes, each of which behaves in one way for as long as it
/// is asked, and has a deadline that a check can wait for.
pub async fn suite(make: impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    says_what_it_finds(&make).await;
    cleans_its_rationale(&make).await;
    has_no_opinion_without_one(&make).await;
    can_be_dropped(&make).await;
    serves_many_at_once(&make).await;
}

/// Each verdict at each risk comes back, by a name that begins with the configured one.
pub async fn says_what_it_finds(make: &impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    for finding in [Finding::Approve, Finding::Deny, Finding::Escalate] {
        for risk in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
            let behaviour = Behaviour::Opinion(finding, risk, "as told".to_owned());
            let reviewer = make(behaviour).await;
            assert!(!reviewer.name().is_empty());
            let question = question();
            let opinion = reviewer.review(&case(&question)).await;
            let opinion = opinion.unwrap_or_else(|error| panic!("{finding:?}: {error}"));
            assert_eq!((opinion.finding, opinion.risk), (finding, Some(risk)));
            assert_eq!(opinion.rationale, "as told");
            assert!(opinion.reviewer.starts_with(reviewer.name()));
        }
    }
}

/// What a person reads of it moves no cursor and hides nothing.
pub async fn cleans_its_rationale(make: &impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    let painted = "\u{1b}[2Jfine\u{202e}".to_owned();
    let reviewer = make(Behaviour::Opinion(Finding::Deny, Risk::Low, painted)).await;
    let question = question();
    let opinion = reviewer.review(&case(&question)).await;
    let rationale = opinion.map(|opinion| opinion.rationale);
    assert_eq!(rationale.ok().as_deref(), Some("\u{fffd}[2Jfine\u{fffd}"));
}

/// Nonsense and silence are errors, never an opinion.
pub async fn has_no_opinion_without_one(make: &impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    for behaviour in [Behaviour::Nonsense, Behaviour::Silence] {
        let reviewer = make(behaviour.clone()).await;
        let question = question();
        let opinion = reviewer.review(&case(&question)).await;
        assert!(opinion.is_err(), "{behaviour:?}: {opinion:?}");
    }
}

/// A question that was begun and dropped leaves the reviewer as it was.
pub async fn can_be_dropped(make: &impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    let behaviour = Behaviour::Opinion(Finding::Escalate, Risk::High, "as told".to_owned());
    let reviewer = make(behaviour).await;
    let question = question();
    let case = case(&question);
    {
        let mut begun = pin!(reviewer.review(&case));
        poll_fn(|context| Poll::Ready(begun.as_mut().poll(context).is_ready())).await;
    }
    let opinion = reviewer.review(&case).await;
    assert_eq!(opinion.map(|it| it.finding).ok(), Some(Finding::Escalate));
}

/// Questions at the same time do not disturb each other.
pub async fn serves_many_at_once(make: &impl AsyncFn(Behaviour) -> Arc<dyn Reviewer>) {
    let behaviour = Behaviour::Opinion(Finding::Approve, Risk::Low, "as told".to_owned());
    let reviewer = make(behaviour).await;
    let question = question();
    let case = case(&question);
    let opinions = join_all((0..8).map(|_| reviewer.review(&case))).await;
    for opinion in opinions {
        assert_eq!(opinion.map(|it| it.finding).ok(), Some(Finding::Approve));
    }
}

/// A question of some session.
pub fn question() -> Approval {
    approvals::question(1, &sessions::session(1))
}

/// That question as a case without a history.
pub const fn case(approval: &Approval) -> ReviewCase<'_> {
    ReviewCase {
        approval,
        history: &[],
        refusals: 0,
        complete: true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use valetkey_core::{
        Opinion,
        ports::{ReviewError, Reviewer},
        text::printable,
    };

    use super::{Behaviour, suite};
    use crate::fakes::reviewer::ScriptedReviewer;

    #[tokio::test]
    async fn the_fake_keeps_it() {
        suite(async |behaviour| {
            let fake = ScriptedReviewer::new("fake");
            for _ in 0..10 {
                fake.say(match &behaviour {
                    Behaviour::Opinion(finding, risk, rationale) => Ok(Opinion {
                        rationale: printable(rationale, 600),
                        ..fake.opinion(*finding, *risk)
                    }),
                    Behaviour::Nonsense => Err(ReviewError::Nonsense("no".to_owned())),
                    Behaviour::Silence => Err(ReviewError::Slow(0)),
                });
            }
            Arc::new(fake) as Arc<dyn Reviewer>
        })
        .await;
    }
}
