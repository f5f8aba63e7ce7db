//! Questions and answers, as tests speak of them.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Approval, ApprovalId, Refusal, Session, SessionId, User,
    approval::{Answer, State},
    approvals::{self, Given},
    ports::Kept,
    request::Ask,
};
use valetkey_support::fakes::policy::Rules;

use crate::world::{World, account, ask};

/// `orders`: reading at once, writing by a person. `bills`: reading after a review, writing by a person.
pub(crate) fn tiers() -> Rules {
    Rules::permit(&[("orders", "read")])
        .review(&[("bills", "read")])
        .human(&[("orders", "write"), ("bills", "write")])
}

/// For `write` at `orders`, which a person must approve.
pub(crate) fn write() -> Ask {
    Ask {
        scopes: vec!["write".to_owned()],
        ..ask()
    }
}

/// For `read` at `bills`, which a reviewer may approve.
pub(crate) fn review() -> Ask {
    Ask {
        credential: "bills".to_owned(),
        ..ask()
    }
}

/// Each lives a second longer than the one before, so that none covers another.
pub(crate) fn nth(n: i64) -> Ask {
    Ask {
        lifetime: Some(100 + n),
        ..write()
    }
}

impl World {
    /// A session of alice's under [`tiers`].
    pub(crate) async fn with_tiers() -> (Self, Arc<Session>) {
        let (world, session) = Self::with_session().await;
        world.policy.follow(tiers());
        (world, session)
    }

    /// A request that ends without a token.
    pub(crate) async fn refused(&self, session: SessionId, asked: Ask) -> Refusal {
        let outcome = self.token(session, asked).await;
        outcome
            .map(|released| released.lease().clone())
            .unwrap_err()
    }

    /// A request that becomes, or joins, a question.
    pub(crate) async fn pending(&self, session: SessionId, asked: Ask) -> ApprovalId {
        let refusal = self.refused(session, asked).await;
        assert_eq!(refusal.code(), Code::ApprovalPending, "{refusal:?}");
        refusal.approval().unwrap()
    }

    /// How an approval of a session that is not over stands.
    pub(crate) fn kept(&self, id: ApprovalId) -> Kept {
        let mut all = self.broker.ports.approvals.list(None);
        all.retain(|kept| kept.approval.id == id);
        all.pop().unwrap()
    }

    pub(crate) fn approval(&self, id: ApprovalId) -> Arc<Approval> {
        self.kept(id).approval
    }

    pub(crate) fn state(&self, id: ApprovalId) -> State {
        self.approval(id).state.clone()
    }

    /// Whoever is logged in under this name.
    pub(crate) fn logins_of(&self, name: &str) -> User {
        let mut logins = self.broker.ports.logins.list();
        logins.retain(|login| login.account == account(name));
        logins.pop().unwrap().user
    }

    /// How many questions and answers there are.
    pub(crate) fn questions(&self) -> usize {
        self.broker.ports.approvals.list(None).len()
    }

    /// Somebody answers what is shown, from the control socket.
    pub(crate) async fn say(
        &self,
        name: &str,
        id: ApprovalId,
        answer: Answer,
    ) -> Result<Approval, Refusal> {
        let digest = self.approval(id).digest();
        self.say_to(name, id, digest.as_str(), answer).await
    }

    /// Somebody answers what they were shown earlier.
    pub(crate) async fn say_to(
        &self,
        name: &str,
        id: ApprovalId,
        digest: &str,
        answer: Answer,
    ) -> Result<Approval, Refusal> {
        let given = Given {
            approval: id,
            digest,
            answer,
            via: "socket",
        };
        approvals::answer_as(&self.broker, &account(name), given).await
    }

    /// The code of an answer that does not count.
    pub(crate) async fn not_heard(&self, name: &str, id: ApprovalId, answer: Answer) -> Code {
        self.say(name, id, answer).await.unwrap_err().code()
    }
}
