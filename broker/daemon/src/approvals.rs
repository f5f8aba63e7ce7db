//! Questions find their way: to the automatic reviewer, and by every messenger to people.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use valetkey_core::{
    ApprovalId, Broker,
    approval::{Stage, State},
    approvals,
    ports::{Messenger, MessengerError},
};

/// Most reviews at once: each may be a process.
const REVIEWS: usize = 4;
/// How long a question waits for its turn before people are asked instead.
const TURN: Duration = Duration::from_secs(10);
/// How long a messenger that failed rests before it is tried again: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Follows the open questions until the broker stops. A question that is settled is let go of at once:
/// its reviewer is stopped, its messengers hang up.
pub(crate) async fn attend(broker: Broker, stop: CancellationToken) {
    let mut desk = Desk::new(broker);
    let mut seen = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = desk.broker.ports.approvals.changed(seen) => seen = changed,
        }
        desk.look();
    }
}

/// What is under way for each open question, at which stage.
struct Desk {
    broker: Broker,
    under_way: HashMap<ApprovalId, (Stage, JoinSet<()>)>,
    reviews: Arc<Semaphore>,
}

impl Desk {
    fn new(broker: Broker) -> Self {
        Self {
            broker,
            under_way: HashMap::new(),
            reviews: Arc::new(Semaphore::new(REVIEWS)),
        }
    }

    fn look(&mut self) {
        let open: HashMap<ApprovalId, Stage> = self
            .broker
            .ports
            .approvals
            .list(None)
            .iter()
            .filter_map(|kept| match kept.approval.state {
                State::Open { stage } => Some((kept.approval.id, stage)),
                _ => None,
            })
            .collect();
        // Dropping a set ends its tasks.
        self.under_way
            .retain(|id, (stage, _)| open.get(id) == Some(stage));
        for (id, stage) in open {
            if let Entry::Vacant(place) = self.under_way.entry(id) {
                let begun = begin(&self.broker, &self.reviews, id, stage);
                place.insert((stage, begun));
            }
        }
    }
}

fn begin(broker: &Broker, reviews: &Arc<Semaphore>, id: ApprovalId, stage: Stage) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    match stage {
        Stage::Reviewer => {
            tasks.spawn(review(broker.clone(), Arc::clone(reviews), id));
        }
        Stage::Person => {
            for messenger in &broker.ports.messengers {
                tasks.spawn(carry(broker.clone(), Arc::clone(messenger), id));
            }
        }
    }
    tasks
}

async fn review(broker: Broker, reviews: Arc<Semaphore>, id: ApprovalId) {
    // One session's questions must not keep another's waiting for long.
    let reviewed = match timeout(TURN, reviews.acquire_owned()).await {
        Ok(_turn) => approvals::review(&broker, id).await,
        Err(_) => approvals::leave_to_people(&broker, id, "it was too busy to look").await,
    };
    if let Err(refusal) = reviewed {
        // The question stays open, and people can answer it.
        tracing::warn!(
            approval = %id,
            code = refusal.code().id(),
            detail = refusal.detail(),
            "a review came to nothing"
        );
    }
}

async fn carry(broker: Broker, messenger: Arc<dyn Messenger>, id: ApprovalId) {
    let (mut rest, longest) = REST;
    loop {
        let error = match approvals::carry(&broker, id, &*messenger).await {
            Ok(()) => return,
            Err(error) => error,
        };
        match &error {
            MessengerError::Absent(_) => {
                tracing::debug!(approval = %id, messenger = messenger.name(), %error, "not carried");
                return;
            }
            MessengerError::Failed(_) => {
                tracing::warn!(approval = %id, messenger = messenger.name(), %error, "not carried yet");
            }
            MessengerError::Forged(_) => {
                tracing::error!(approval = %id, messenger = messenger.name(), %error, "an answer was not believed");
            }
        }
        tokio::time::sleep(rest).await;
        rest = rest.saturating_mul(2).min(longest);
    }
}
