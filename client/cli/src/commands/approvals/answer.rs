//! `approvals approve`, `deny` and `forget`: a person answers.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{
    Code, Control, Developer, Error, Exit,
    wire::developer::{AnswerApprovalRequest, answer_approval_request::Answer},
};

use super::view::Approval;
use crate::{
    args::ACCOUNT,
    commands::{Outcome, find::APPROVAL},
    failure::Failure,
    lifetime,
    output::{Output, Page, Show, Tone, now, remaining, span},
};

/// Say yes to a question: once, for a time, or for the rest of its session
///
/// Shows what is granted, and asks before it is; where nobody can be asked it needs --yes. What is granted is what was shown, the
/// same or less, and the policies are asked again whenever the answer is used.
#[derive(Args)]
#[command(after_help = "Example: valetkey approvals approve 5f2c91aa --once")]
pub(super) struct Approve {
    /// Its id, or at least 6 digits from the beginning or the end of it
    id: String,
    #[command(flatten)]
    reach: Reach,
    /// The account that answers
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
    /// Do not ask before it is granted
    #[arg(long)]
    yes: bool,
}

/// How far a yes reaches.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Reach {
    /// For one token; of the network, for that address until it would be asked about again
    #[arg(long)]
    once: bool,
    /// For every request like it until the session ends
    #[arg(long)]
    session: bool,
    /// For every request like it in this time: 30m, 2h
    #[arg(long = "for", value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    time: Option<Duration>,
}

/// Say no to a question
#[derive(Args)]
#[command(after_help = "Example: valetkey approvals deny 5f2c91aa --end-session")]
pub(super) struct Deny {
    /// Its id, or at least 6 digits from the beginning or the end of it
    id: String,
    /// End the session that asks as well
    #[arg(long)]
    end_session: bool,
    /// The account that answers
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
}

/// Take back a yes that stands; a question is answered instead
#[derive(Args)]
#[command(after_help = "Example: valetkey approvals forget 5f2c91aa")]
pub(super) struct Forget {
    /// Its id, or at least 6 digits from the beginning or the end of it
    id: String,
    /// The account that takes it back
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
}

/// What is about to be granted.
struct Card<'a> {
    approval: &'a Approval,
    reach: String,
}

/// An answer that was taken.
#[derive(Serialize)]
#[serde(transparent)]
struct Answered(Approval);

/// What was taken back.
#[derive(Serialize)]
struct Forgotten {
    id: String,
    forgotten: bool,
}

impl Approve {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let asks = !self.yes;
        if asks && !output.can_ask() {
            return Err(Failure::usage(
                "there is no terminal to ask on before it is granted",
                "look at it with `valetkey approvals list --json`, then pass `--yes`",
            ));
        }
        let developer = Control::from_env().await?.developer();
        let approval = open(&developer, &self.account, &self.id, output).await?;
        if asks || !output.is_json() {
            let reach = self.reach.words(&developer, &approval).await;
            let approval = &approval;
            output.note(&Card { approval, reach })?;
        }
        if asks && !output.agree("Grant this?")? {
            return Err(Failure::usage(
                "nothing was answered",
                "answer `y`, or pass `--yes`; `valetkey approvals deny ID` says no",
            ));
        }
        let time = self.reach.time;
        let answered = answer(
            &developer,
            self.account,
            approval,
            self.reach.into(),
            output,
        );
        let granted = answered.await?;
        output.remark_if_cut(time, granted.granted_until);
        Ok(Exit::Ok)
    }
}

impl Deny {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let approval = open(&developer, &self.account, &self.id, output).await?;
        let no = if self.end_session {
            Answer::DenyAndEnd(true)
        } else {
            Answer::Deny(true)
        };
        answer(&developer, self.account, approval, no, output).await?;
        if self.end_session {
            output.remark("its session is ended");
        }
        Ok(Exit::Ok)
    }
}

impl Forget {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let approval = search(&developer, &self.account, &self.id, output).await?;
        if approval.is_open() {
            return Err(Failure::usage(
                "it was not answered yet",
                format!(
                    "answer it with `valetkey approvals deny {}`",
                    approval.short()
                ),
            ));
        }
        let id = approval.id;
        let taken = developer.take_back_approval(&self.account, &id);
        output.waiting("taking it back", taken).await?;
        output.print(&Forgotten {
            id,
            forgotten: true,
        })?;
        Ok(Exit::Ok)
    }
}

async fn search(
    developer: &Developer,
    account: &str,
    id: &str,
    output: &Output,
) -> Result<Approval, Failure> {
    let approvals = output
        .waiting("asking the broker", developer.approvals(account))
        .await?;
    let approvals = approvals.into_iter().map(Approval::from).collect();
    APPROVAL.find(approvals, id, |one| &one.id)
}

/// The same; one that is settled is not shown as if it could be answered.
async fn open(
    developer: &Developer,
    account: &str,
    id: &str,
    output: &Output,
) -> Result<Approval, Failure> {
    let approval = search(developer, account, id, output).await?;
    if approval.is_open() {
        return Ok(approval);
    }
    let message = format!("that approval is settled already: {}", approval.standing());
    Err(Error::new(Code::ApprovalSettled, message).into())
}

/// The answer names the digest of what was fetched, which is what was shown.
async fn answer(
    developer: &Developer,
    account: String,
    approval: Approval,
    answer: Answer,
    output: &Output,
) -> Result<Approval, Failure> {
    let request = AnswerApprovalRequest {
        account,
        id: approval.id,
        digest: approval.digest,
        answer: Some(answer),
    };
    let answered = output
        .waiting("answering", developer.answer_approval(request))
        .await?;
    let answered = Answered(answered.into());
    output.print(&answered)?;
    Ok(answered.0)
}

impl Reach {
    /// In words, with the time that they come to.
    async fn words(&self, developer: &Developer, approval: &Approval) -> String {
        const LIKE: &str = "every request like it or for less";
        match self.time {
            _ if self.once => approval.once(),
            Some(time) => {
                let seconds = time.as_secs();
                format!("{LIKE}, for {} at most", span(seconds))
            }
            None => {
                let session = developer.session(&approval.session).await;
                let end = session.map_or_else(
                    |_unknown| String::new(),
                    |(session, _)| format!(" in {}", remaining(session.expires_at)),
                );
                format!("{LIKE}, until its session ends{end}")
            }
        }
    }
}

impl From<Reach> for Answer {
    fn from(reach: Reach) -> Self {
        match reach.time {
            Some(time) => Self::ForSeconds(time.as_secs()),
            None if reach.session => Self::Session(true),
            None => Self::Once(true),
        }
    }
}

impl Show for Card<'_> {
    fn show(&self, page: &mut Page) {
        let mut facts = self.approval.facts(now());
        facts.push(("a yes is for", self.reach.clone()));
        facts.extend(self.approval.said());
        page.facts(&facts);
    }
}

impl Show for Answered {
    fn show(&self, page: &mut Page) {
        let Self(approval) = self;
        let subject = approval.subject();
        match approval.state.as_str() {
            "granted" => {
                let kind = match approval.once {
                    true => format!(" for {}", approval.once()),
                    false => String::new(),
                };
                let until = approval.good_until();
                page.toned(Tone::Good, &format!("Granted{kind}{until}: {subject}."));
                if approval.idle_seconds.is_some() {
                    let lapses = approval.lapses_after();
                    let lapses = lapses
                        .map(|idle| format!("It lapses after {} without use; take", span(idle)));
                    page.line(&format!(
                        "{} it back: valetkey approvals forget {}",
                        lapses.as_deref().unwrap_or("Take"),
                        approval.short()
                    ));
                }
            }
            _ => page.line(&format!("Refused: {subject}.")),
        }
    }
}

impl Show for Forgotten {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Approval {} is taken back.", self.id));
    }
}
