//! Questions and their answers, as an account sees them and answers them.

use std::{cmp::Reverse, sync::Arc};

use prost::Message as _;
use valetkey_core::{
    AccountName, ApprovalId, Refusal,
    approval::{Answer, State},
    approvals::{self, Given, Shown},
    ports::{Freshness, Kept},
};
use valetkey_wire::developer::{
    self, AnswerApprovalRequest, AnswerApprovalResponse, ListApprovalsRequest,
    ListApprovalsResponse, TakeBackApprovalRequest, TakeBackApprovalResponse,
    answer_approval_request,
};

use super::{Office, question, view};

/// Most approvals in one list, and most bytes of them: gRPC clients take messages of 4 MiB by themselves,
/// and an agent that writes long reasons must not blind whoever watches.
const MOST: usize = 1000;
const BYTES: usize = 3 << 20;
/// Which way these answers come, for the ledger.
const VIA: &str = "socket";

impl Office {
    pub(super) async fn list_approvals(
        &self,
        request: &ListApprovalsRequest,
    ) -> Result<ListApprovalsResponse, Refusal> {
        let account = view::account(&request.account)?;
        Ok(ListApprovalsResponse {
            approvals: self.approvals(&account).await,
        })
    }

    /// What `account` sees just now, oldest first. Where nobody is logged in as it, all of it can be
    /// looked at and nothing answered.
    pub(super) async fn approvals(&self, account: &AccountName) -> Vec<developer::Approval> {
        let logins = &self.broker.ports.logins;
        let viewer = logins.current(account, Freshness::Known).await.ok();
        listed(approvals::list(&self.broker, viewer.as_ref()))
    }

    /// How many questions wait for an answer.
    pub(super) fn open_approvals(&self) -> u64 {
        let kept = self.broker.ports.approvals.list(None);
        kept.iter().filter(|kept| kept.approval.is_open()).count() as u64
    }

    pub(super) async fn answer_approval(
        &self,
        request: AnswerApprovalRequest,
    ) -> Result<AnswerApprovalResponse, Refusal> {
        let account = view::account(&request.account)?;
        let given = Given {
            approval: id(&request.id)?,
            digest: &request.digest,
            answer: answer(request.answer)?,
            via: VIA,
        };
        let answered = approvals::answer_as(&self.broker, &account, given).await?;
        let shown = Shown {
            kept: Kept {
                approval: Arc::new(answered),
                used: self.broker.ports.clock.now(),
            },
            may_answer: false,
        };
        Ok(AnswerApprovalResponse {
            approval: Some(question::view(shown)),
        })
    }

    pub(super) async fn take_back_approval(
        &self,
        request: &TakeBackApprovalRequest,
    ) -> Result<TakeBackApprovalResponse, Refusal> {
        let account = view::account(&request.account)?;
        approvals::take_back(&self.broker, &account, id(&request.id)?).await?;
        Ok(TakeBackApprovalResponse {})
    }
}

/// As many as fit: open ones before those that stand, those before what is over, and newer ones before
/// older ones. In the order of `shown`.
fn listed(shown: Vec<Shown>) -> Vec<developer::Approval> {
    let mut placed: Vec<_> = shown.into_iter().enumerate().collect();
    placed.sort_by_key(|(place, shown)| (urgency(&shown.kept.approval.state), Reverse(*place)));
    let mut bytes = 0;
    let mut fitting: Vec<_> = placed
        .into_iter()
        .take(MOST)
        .map(|(place, shown)| (place, question::view(shown)))
        .take_while(|(_, approval)| {
            bytes += approval.encoded_len();
            bytes <= BYTES
        })
        .collect();
    fitting.sort_by_key(|(place, _)| *place);
    fitting.into_iter().map(|(_, approval)| approval).collect()
}

/// What is left out last, first.
const fn urgency(state: &State) -> u8 {
    match state {
        State::Open { .. } => 0,
        State::Granted { .. } => 1,
        State::Refused { .. } | State::Over { .. } => 2,
    }
}

fn id(id: &str) -> Result<ApprovalId, Refusal> {
    ApprovalId::parse(id)
        .ok_or_else(|| view::invalid("the id of an approval has 32 hexadecimal digits"))
}

/// An answer that is there and says `false` is none: nobody should be taken at half a word.
fn answer(said: Option<answer_approval_request::Answer>) -> Result<Answer, Refusal> {
    use answer_approval_request::Answer as Said;
    match said {
        Some(Said::Once(true)) => Ok(Answer::Once),
        Some(Said::ForSeconds(seconds)) => Ok(Answer::For(seconds)),
        Some(Said::Session(true)) => Ok(Answer::Session),
        Some(Said::Deny(true)) => Ok(Answer::No),
        Some(Said::DenyAndEnd(true)) => Ok(Answer::NoAndEnd),
        Some(
            Said::Once(false) | Said::Session(false) | Said::Deny(false) | Said::DenyAndEnd(false),
        )
        | None => Err(view::invalid(
            "give one answer: once, for some seconds, for the session, no, or no and end the session",
        )),
    }
}
