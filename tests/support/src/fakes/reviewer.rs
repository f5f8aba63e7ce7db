//! A reviewer that answers what it is told.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use valetkey_core::{
    Approval, Opinion, Record, Risk,
    approval::Finding,
    ports::{Answer, ReviewCase, ReviewError, Reviewer},
};

/// A case as the reviewer was given it.
#[derive(Clone, Debug)]
pub struct SeenCase {
    /// The question.
    pub approval: Approval,
    /// What its session did so far.
    pub history: Vec<Record>,
    /// How often it was refused.
    pub refusals: usize,
    /// Whether that counts from the beginning.
    pub complete: bool,
}

/// Gives the answers that it was told, one for each case, and fails when it has none left.
pub struct ScriptedReviewer {
    name: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Told>,
    seen: Vec<SeenCase>,
}

struct Told {
    first: Option<Answer<'static, ()>>,
    answer: Result<Opinion, ReviewError>,
}

impl ScriptedReviewer {
    /// A reviewer with this configured name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            inner: Mutex::default(),
        }
    }

    /// The next answer.
    pub fn say(&self, answer: Result<Opinion, ReviewError>) {
        let first = None;
        self.lock().answers.push_back(Told { first, answer });
    }

    /// The next answer, which waits for something else to happen first.
    pub fn say_after(&self, first: Answer<'static, ()>, answer: Result<Opinion, ReviewError>) {
        let first = Some(first);
        self.lock().answers.push_back(Told { first, answer });
    }

    /// An opinion of this reviewer.
    pub fn opinion(&self, finding: Finding, risk: Risk) -> Opinion {
        Opinion {
            finding,
            risk: Some(risk),
            rationale: "as told".to_owned(),
            reviewer: format!("{} (model-1)", self.name),
        }
    }

    /// The cases so far.
    pub fn seen(&self) -> Vec<SeenCase> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reviewer for ScriptedReviewer {
    fn name(&self) -> &str {
        &self.name
    }

    fn review<'a>(&'a self, case: &'a ReviewCase<'a>) -> Answer<'a, Result<Opinion, ReviewError>> {
        Box::pin(async move {
            let told = {
                let mut inner = self.lock();
                inner.seen.push(SeenCase {
                    approval: case.approval.clone(),
                    history: case.history.to_vec(),
                    refusals: case.refusals,
                    complete: case.complete,
                });
                inner.answers.pop_front()
            };
            let Some(Told { first, answer }) = told else {
                return Err(ReviewError::Unavailable("told nothing".to_owned()));
            };
            if let Some(first) = first {
                first.await;
            }
            answer
        })
    }
}
