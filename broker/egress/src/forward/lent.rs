//! What was lent, so that it does not come back: not with the answer to the request that carried it, nor with a
//! later one that carried nothing, nor in the rest of one that began before.
//!
//! Remembered for the credentials that go to an origin, and not for the origin: the configuration bounds how many
//! sets of those there are, and an agent chooses among its hosts. As long as a value is worth something, or an
//! answer to a request that carried it is under way, nothing that an agent does makes it forgotten. What is kept,
//! and not minted, is looked for before it is lent: an earlier run of the broker may have lent it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::spawn_blocking,
};
use valetkey_codes::Code;
use valetkey_core::{Deadline, Injection, Moment, Placement, Refusal, SessionId};
use valetkey_inject::{Live, Needles, Shapes, TooLarge};
use valetkey_secret::SameSecret as _;

use crate::gate::{Lenders, Loan, Sent};

/// Most values that are remembered of one set of credentials: each costs every new one some time.
const MOST: usize = 512;
/// Most of them that one session brings.
const MOST_EACH: usize = MOST / 4;

/// What was lent by the broker, to every session.
#[derive(Default)]
pub(crate) struct Lent {
    sets: Mutex<Sets>,
    /// Whoever adds a value holds it: a search is built for all of them, and that takes milliseconds.
    adding: Arc<AsyncMutex<()>>,
}

type Sets = HashMap<Lenders, Set>;

/// Of one set of credentials.
struct Set {
    values: Vec<Arc<Value>>,
    needles: watch::Sender<Arc<Needles>>,
}

struct Value {
    /// Whoever was lent it first.
    session: SessionId,
    loan: Arc<Loan>,
    way: Arc<Injection>,
    /// That of the newest loan of it.
    worth: Mutex<Option<Deadline>>,
    /// Answers that are under way to requests that carried it have it too.
    shapes: Arc<Shapes>,
}

/// What a set is to have.
type Change = (Lenders, Vec<Arc<Value>>);

impl Lent {
    /// What to search for in the answer to a request that carries `sent`, to where `lenders` go. `None` where
    /// nothing is ever lent. `kept` says what was perhaps lent by an earlier run. Ready when `sent` is searched for in
    /// every answer that it could come back with. Cancel safe: what was begun is added, and nothing is begun twice.
    ///
    /// # Errors
    /// Where it cannot be searched for: then the request does not go.
    pub(super) async fn needles(
        self: &Arc<Self>,
        session: SessionId,
        lenders: Lenders,
        mut sent: Vec<Sent>,
        kept: impl AsyncFnOnce(&Lenders) -> Result<Vec<Sent>, Refusal>,
        now: Moment,
    ) -> Result<Option<Live>, Refusal> {
        if lenders.is_empty() {
            return Ok(None);
        }
        if let Some(live) = self.known(&lenders, &sent) {
            return Ok(Some(live));
        }
        // Before there is a turn: a keyring that waits for its developer keeps nobody else.
        if !self.locked().contains_key(&lenders) {
            sent.extend(kept(&lenders).await?);
        }
        let turn = Arc::clone(&self.adding).lock_owned().await;
        let lent = Arc::clone(self);
        // It has the turn until it is done, also where whoever asked has left: or those who come and go would have
        // as many built at once as they like.
        let added = spawn_blocking(move || {
            let _turn = turn;
            lent.added(session, &lenders, &sent, now)
        });
        added.await.map_err(|error| internal(&error))?
    }

    fn added(
        &self,
        session: SessionId,
        lenders: &Lenders,
        sent: &[Sent],
        now: Moment,
    ) -> Result<Option<Live>, Refusal> {
        if let Some(live) = self.known(lenders, sent) {
            // Whoever had the turn before has added it.
            return Ok(Some(live));
        }
        let new = sent.iter().map(|one| Value::new(session, one));
        let new: Vec<Arc<Value>> = new.collect();
        let changes = changes(&self.locked(), lenders, &new, now)?;
        let built = changes.into_iter().map(build);
        let built = built.collect::<Result<Vec<_>, _>>();
        for change in built.map_err(|error| internal(&error))? {
            self.change(change);
        }
        Ok(self.known(lenders, sent))
    }

    /// The search, where it has `sent`, and so has whatever else could meet it.
    fn known(&self, lenders: &Lenders, sent: &[Sent]) -> Option<Live> {
        let sets = self.locked();
        let set = sets.get(lenders)?;
        let mut met = sets.iter().filter(|(other, _)| meet(other, lenders));
        let everywhere = met.all(|(_, set)| sent.iter().all(|one| set.find(one).is_some()));
        let own = sent.iter().filter_map(|one| set.find(one));
        let own = own.map(|value| Arc::clone(&value.shapes)).collect();
        everywhere.then(|| Live::new(set.needles.subscribe(), own))
    }

    /// Answers that are under way are searched for it from here on.
    fn change(&self, ((lenders, values), needles): (Change, Arc<Needles>)) {
        let mut sets = self.locked();
        match sets.get_mut(&lenders) {
            Some(set) => {
                set.values = values;
                set.needles.send_replace(needles);
            }
            None => {
                let needles = watch::Sender::new(needles);
                sets.insert(lenders, Set { values, needles });
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Sets> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every set that any of `lenders` belongs to is to have. A host that more credentials go to, or fewer,
/// tells no more than this one.
fn changes(
    sets: &Sets,
    lenders: &Lenders,
    new: &[Arc<Value>],
    now: Moment,
) -> Result<Vec<Change>, Refusal> {
    let met = || sets.iter().filter(|(other, _)| meet(other, lenders));
    let mut changes = Vec::new();
    if !sets.contains_key(lenders) {
        let others = met().flat_map(|(_, set)| &set.values);
        changes.push((lenders.clone(), together(new, others, now)));
    }
    for (other, set) in met() {
        changes.push((other.clone(), together(new, &set.values, now)));
    }
    let are_too_many = |values: &[Arc<Value>]| {
        let of = |one: &Value| values.iter().filter(|v| v.session == one.session).count();
        values.len() > MOST || new.iter().any(|one| of(one) > MOST_EACH)
    };
    if changes.iter().any(|(_, values)| are_too_many(values)) {
        return Err(Refusal::new(Code::TooManyRequests)
            .saying("too many values are in use where this one goes")
            .advising("wait until some have ended, 15 minutes as a rule"));
    }
    Ok(changes)
}

/// Each once, and none that is worth nothing any more.
fn together<'a>(
    new: &'a [Arc<Value>],
    known: impl IntoIterator<Item = &'a Arc<Value>>,
    now: Moment,
) -> Vec<Arc<Value>> {
    let mut values: Vec<Arc<Value>> = Vec::new();
    // What is known first: it is what answers under way have.
    let known = known.into_iter().filter(|value| value.is_wanted(now));
    for value in known.chain(new) {
        if !values.iter().any(|one| one.is_of(&value.loan, &value.way)) {
            values.push(Arc::clone(value));
        }
    }
    values
}

impl Set {
    fn find(&self, (loan, way): &Sent) -> Option<&Value> {
        // Most are the very loan; comparing secrets takes as long for each as they are.
        let is_very = |value: &&Arc<Value>| value.is_very(loan, way);
        let is_of = |value: &&Arc<Value>| value.is_of(loan, way);
        let all = || self.values.iter();
        let value = all().find(is_very).or_else(|| all().find(is_of))?;
        value.is_lent_again(loan.worth);
        Some(value)
    }
}

impl Value {
    fn new(session: SessionId, (loan, way): &Sent) -> Arc<Self> {
        Arc::new(Self {
            session,
            shapes: Arc::new(Shapes::of(&loan.value, user(way))),
            worth: Mutex::new(loan.worth),
            loan: Arc::clone(loan),
            way: Arc::clone(way),
        })
    }

    fn is_very(&self, loan: &Arc<Loan>, way: &Injection) -> bool {
        Arc::ptr_eq(&self.loan, loan) && user(&self.way) == user(way)
    }

    fn is_of(&self, loan: &Arc<Loan>, way: &Injection) -> bool {
        user(&self.way) == user(way)
            && (Arc::ptr_eq(&self.loan, loan) || self.loan.value.same_secret(&loan.value))
    }

    fn is_lent_again(&self, worth: Option<Deadline>) {
        let mut known = self.worth.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.and(worth);
    }

    /// Whether it is worth something, or an answer to a request that carried it is under way.
    fn is_wanted(&self, now: Moment) -> bool {
        let worth = *self.worth.lock().unwrap_or_else(PoisonError::into_inner);
        let is_worthless = worth.is_some_and(|worth| worth.passed(now));
        !is_worthless || Arc::strong_count(&self.shapes) > 1
    }
}

fn build(change: Change) -> Result<(Change, Arc<Needles>), TooLarge> {
    let shapes = change.1.iter().map(|value| &*value.shapes);
    let needles = Arc::new(Needles::new(shapes)?);
    Ok((change, needles))
}

fn internal(error: &dyn std::error::Error) -> Refusal {
    Refusal::new(Code::Internal).because(error.to_string())
}

fn meet(one: &Lenders, other: &Lenders) -> bool {
    one.iter().any(|place| other.contains(place))
}

fn user(way: &Injection) -> Option<&str> {
    match &way.place {
        Placement::Basic { user } => Some(user),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
