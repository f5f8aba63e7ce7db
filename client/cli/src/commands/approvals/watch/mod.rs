//! `approvals watch`: questions as they come, with an answer one key away.

mod draw;
mod keys;
mod lines;
mod state;
#[cfg(test)]
mod tests;

use std::{future, time::Duration};

use clap::Args;
use ratatui::{crossterm::event::Event, layout::Size};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::{self, MissedTickBehavior},
};
use valetkey_sdk::{
    Control, Developer, Error, Events, Exit,
    wire::developer::{AnswerApprovalRequest, WatchApprovalsResponse},
};

use self::{
    keys::{Wish, press},
    state::{Order, State},
};
use super::view::Approval;
use crate::{
    args::ACCOUNT,
    commands::Outcome,
    failure::Failure,
    output::{Output, Screen, now},
};

/// How often the time that is left is drawn, and how soon a lost broker is asked again.
const TICK: Duration = Duration::from_secs(1);

/// Watch questions as they come, and answer with a key
///
/// Without a terminal, or with --json, it prints a line for every change instead.
#[derive(Args)]
#[command(
    after_help = "Keys: j/k or arrows choose, space and page up/down read on, o grants once, s until the\n\
    session ends, 3 for 30 minutes, d denies, x denies and ends the session, f takes back a yes that\n\
    stands, r asks for the list again, q quits. Each answer waits for a y.\n\
    Example: valetkey approvals watch --account boss"
)]
pub(super) struct Watch {
    /// The account that looks and answers
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
}

impl Watch {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let changes = output
            .waiting(
                "asking the broker",
                developer.watch_approvals(&self.account),
            )
            .await?;
        if output.is_json() || !Screen::is_there() {
            return lines::follow(changes, output).await;
        }
        View::new(developer, self.account, changes)?.run().await
    }
}

type Changes = Events<WatchApprovalsResponse>;

/// The live view at work.
struct View {
    developer: Developer,
    state: State,
    screen: Screen,
    /// Nothing while the broker is away.
    changes: Option<Changes>,
    /// What was sent to the broker, one at a time.
    sent: JoinSet<Result<(), Error>>,
    /// Attempts to reach a broker that went away, one at a time.
    attempts: JoinSet<Result<Changes, Error>>,
}

impl View {
    fn new(developer: Developer, account: String, changes: Changes) -> Result<Self, Failure> {
        let screen = Screen::open()?;
        let state = State::new(account, now(), Size::default());
        Ok(Self {
            developer,
            state,
            screen,
            changes: Some(changes),
            sent: JoinSet::new(),
            attempts: JoinSet::new(),
        })
    }

    /// Until the person or a signal ends it. The terminal is given back when `self` is dropped.
    async fn run(mut self) -> Outcome {
        let mut ends = Ends::new()?;
        let mut tick = time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.draw()?;
            select! {
                event = self.screen.event() => {
                    if let Event::Key(key) = event?
                        && let Some(wish) = press(&mut self.state, key)
                        && self.fulfil(wish)
                    {
                        return Ok(Exit::Ok);
                    }
                }
                change = next(&mut self.changes) => self.changed(change),
                Some(done) = self.sent.join_next() => {
                    let done = done.unwrap_or_else(|_| Err(lost()));
                    self.state.done(done.map_err(|error| words(&error)));
                }
                Some(attempt) = self.attempts.join_next() => {
                    if let Ok(Ok(changes)) = attempt {
                        self.changes = Some(changes);
                        self.state.note = None;
                    }
                }
                _ = tick.tick() => {
                    if self.changes.is_none() && self.attempts.is_empty() {
                        self.attempt();
                    }
                }
                () = ends.wait() => return Ok(Exit::Ok),
            }
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let state = &mut self.state;
        state.now = now();
        self.screen.draw(|frame| {
            state.size = frame.area().as_size();
            draw::draw(state, frame.area(), frame.buffer_mut());
        })
    }

    fn changed(&mut self, change: Result<Option<WatchApprovalsResponse>, Error>) {
        let error = match change {
            Ok(Some(change)) => {
                let approvals = change.approvals.into_iter().map(Approval::from);
                return self.state.update(approvals.collect());
            }
            Ok(None) => lost(),
            Err(error) => error,
        };
        self.changes = None;
        self.state.disconnect(&error.message);
    }

    /// Whether that was all.
    fn fulfil(&mut self, wish: Wish) -> bool {
        match wish {
            Wish::Quit => return true,
            Wish::Refresh => {
                self.changes = None;
                self.attempts.abort_all();
                self.attempt();
            }
            Wish::Do(order) => {
                let send = send(self.developer.clone(), self.state.account.clone(), order);
                self.sent.spawn(send);
            }
        }
        false
    }

    fn attempt(&mut self) {
        let (developer, account) = (self.developer.clone(), self.state.account.clone());
        self.attempts
            .spawn(async move { developer.watch_approvals(&account).await });
    }
}

/// Tells the broker. The answer names the digest of what was on the screen.
async fn send(developer: Developer, account: String, order: Order) -> Result<(), Error> {
    let Some(answer) = order.deed.answer() else {
        return developer.take_back_approval(&account, &order.id).await;
    };
    let request = AnswerApprovalRequest {
        account,
        id: order.id,
        digest: order.digest,
        answer: Some(answer),
    };
    developer.answer_approval(request).await.map(|_answered| ())
}

async fn next(changes: &mut Option<Changes>) -> Result<Option<WatchApprovalsResponse>, Error> {
    match changes {
        Some(changes) => changes.next().await,
        None => future::pending().await,
    }
}

fn lost() -> Error {
    Error::new(
        valetkey_sdk::Code::BrokerUnreachable,
        "the broker has ended the connection",
    )
}

fn words(error: &Error) -> String {
    format!("{}; next: {}", error.message, error.next_step)
}

/// Signals that ask the process to end. They end the view like a `q`, so that the terminal is given
/// back.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::local(format!("signals cannot be heard: {error}")))
        };
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
            listen(SignalKind::interrupt())?,
        ]))
    }

    async fn wait(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.0;
        select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
