//! Approvals, locks and policies of the scripted broker.

use tokio_stream::{StreamExt as _, wrappers::WatchStream};
use tonic::{Response, Status, metadata::MetadataMap};
use valetkey_sdk::{
    Code,
    wire::{
        developer::{self as dev, answer_approval_request::Answer},
        metadata,
    },
};

use super::{Answers, Doors, FAR, reply, stream};
use crate::stub::QUESTION;

/// The id of an answer that stands.
pub(crate) const STANDING: &str = "019a9f00-0000-7000-8000-0000bbbb0002";

/// A question with this word in every text.
pub(crate) fn question(id: &str, word: &str) -> dev::Approval {
    dev::Approval {
        id: id.to_owned(),
        session: "s-1".to_owned(),
        user: Some(dev::User {
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: word.to_owned(),
            groups: Vec::new(),
        }),
        agent: "coder".to_owned(),
        workspace: Some(format!("/w/{word}")),
        credential: "demo-api".to_owned(),
        scopes: vec!["api:write".to_owned(), word.to_owned()],
        audience: "https://api.test".to_owned(),
        lifetime_seconds: 600,
        reason: Some(format!("because {word}")),
        tier: "human".to_owned(),
        policies: vec![word.to_owned()],
        digest: format!("digest-of-{id}"),
        asked_at: 1_000_000_000,
        expires_at: FAR,
        state: "open".to_owned(),
        opinion: Some(dev::Opinion {
            finding: "escalate".to_owned(),
            risk: Some("high".to_owned()),
            rationale: format!("it says {word}"),
            reviewer: word.to_owned(),
        }),
        may_answer: true,
        ..dev::Approval::default()
    }
}

/// A yes that stands.
pub(crate) fn standing(id: &str, word: &str) -> dev::Approval {
    dev::Approval {
        state: "granted".to_owned(),
        answered_by: Some(word.to_owned()),
        answered_at: Some(1_000_000_000),
        granted_until: Some(FAR),
        last_used_at: Some(1_000_000_000),
        idle_seconds: Some(1800),
        ..question(id, word)
    }
}

pub(crate) fn usual(word: &str) -> Vec<dev::Approval> {
    vec![standing(STANDING, word), question(QUESTION, word)]
}

impl Doors {
    pub(super) fn lock(&self) -> dev::HeldLock {
        dev::HeldLock {
            holder: "admin".to_owned(),
            by: Some(self.word()),
            reason: self.word(),
            since: 1_000_000_000,
        }
    }

    pub(super) fn list(
        &self,
        request: dev::ListApprovalsRequest,
    ) -> Result<Response<dev::ListApprovalsResponse>, Status> {
        self.0.hear(format!("approvals of {}", request.account))?;
        let approvals = self.0.approvals.borrow().clone();
        reply(dev::ListApprovalsResponse { approvals })
    }

    pub(super) fn watch(
        &self,
        request: dev::WatchApprovalsRequest,
    ) -> Result<Response<Answers<dev::WatchApprovalsResponse>>, Status> {
        self.0.hear(format!("watch as {}", request.account))?;
        let answer = |approvals| dev::WatchApprovalsResponse { approvals };
        if !self.0.live {
            return stream(vec![answer(self.0.approvals.borrow().clone())]);
        }
        let changes = WatchStream::new(self.0.approvals.subscribe());
        reply(Box::pin(changes.map(move |now| Ok(answer(now)))))
    }

    /// The first answer counts, and names the digest.
    pub(super) fn answer(
        &self,
        request: dev::AnswerApprovalRequest,
    ) -> Result<Response<dev::AnswerApprovalResponse>, Status> {
        self.0.hear(format!("{request:?}"))?;
        let mut outcome = Err(Code::UnknownApproval);
        self.0.approvals.send_modify(|approvals| {
            let found = approvals.iter_mut().find(|one| one.id == request.id);
            let Some(approval) = found else {
                return;
            };
            if approval.digest != request.digest {
                outcome = Err(Code::ApprovalMismatch);
                return;
            }
            if approval.state != "open" {
                outcome = Err(Code::ApprovalSettled);
                return;
            }
            match &request.answer {
                Some(Answer::Deny(_) | Answer::DenyAndEnd(_)) => {
                    approval.state = "refused".to_owned();
                }
                answer => {
                    approval.state = "granted".to_owned();
                    approval.granted_until = Some(FAR);
                    approval.once = matches!(answer, Some(Answer::Once(_)));
                }
            }
            approval.answered_by = Some(self.word());
            outcome = Ok(approval.clone());
        });
        let approval = Some(outcome.map_err(refusal)?);
        reply(dev::AnswerApprovalResponse { approval })
    }

    pub(super) fn take_back(
        &self,
        request: dev::TakeBackApprovalRequest,
    ) -> Result<Response<dev::TakeBackApprovalResponse>, Status> {
        self.0.hear(format!("{request:?}"))?;
        self.0.approvals.send_modify(|approvals| {
            approvals.retain(|approval| approval.id != request.id);
        });
        reply(dev::TakeBackApprovalResponse {})
    }

    pub(super) fn explain(
        &self,
        request: dev::ExplainPolicyRequest,
    ) -> Result<Response<dev::ExplainPolicyResponse>, Status> {
        self.0.hear(format!("{:?}", request.what))?;
        reply(dev::ExplainPolicyResponse {
            tier: "human".to_owned(),
            question: format!("agent `coder` asks for {}", self.word()),
            outcome: Some(self.word()),
            scopes: vec![dev::ScopeExplained {
                scope: "api:write".to_owned(),
                tier: "human".to_owned(),
                voices: vec![dev::Voice {
                    policy: "baseline.write".to_owned(),
                    forbids: false,
                    reason: Some(self.word()),
                }],
            }],
            change: Some(dev::PolicyChange {
                what: format!("add a rule for {}", self.word()),
                rule: Some(format!("permit (\n  {}\n);", self.word())),
                also: vec![self.word()],
            }),
            instead: vec![self.word()],
            care: self.0.ill.then(|| self.word()),
        })
    }

    pub(super) fn simulate(
        &self,
        request: dev::SimulatePoliciesRequest,
    ) -> Result<Response<dev::SimulatePoliciesResponse>, Status> {
        self.0.hear(format!("{request:?}"))?;
        reply(dev::SimulatePoliciesResponse {
            requests: self.some(12),
            skipped: 2,
            differing: vec![dev::Differing {
                request: "request-7".to_owned(),
                at: 1_000_000_000,
                session: "s-1".to_owned(),
                agent: "coder".to_owned(),
                credential: "demo-api".to_owned(),
                scopes: vec![self.word()],
                audience: "https://api.test".to_owned(),
                lifetime_seconds: 600,
                tier: "auto".to_owned(),
                would_be: "deny".to_owned(),
                policies: vec![self.word()],
            }],
            differing_total: 3,
        })
    }

    pub(super) fn check(
        &self,
        request: dev::CheckPoliciesRequest,
    ) -> Result<Response<dev::CheckPoliciesResponse>, Status> {
        self.0.hear(format!("{request:?}"))?;
        let case = |name: &str, wrong| dev::PolicyCase {
            name: name.to_owned(),
            wrong,
        };
        reply(dev::CheckPoliciesResponse {
            policies: self.some(4),
            cases: vec![
                case("reading", None),
                case("writing", self.0.ill.then(|| self.word())),
            ],
            idle: vec![dev::IdleRule {
                policy: "test.idle".to_owned(),
                why: self.word(),
            }],
            looked_at: self.some(1_000),
            unseen: vec![dev::IdleRule {
                policy: "test.unseen".to_owned(),
                why: self.word(),
            }],
        })
    }
}

fn refusal(code: Code) -> Status {
    let mut map = MetadataMap::new();
    map.insert(metadata::CODE, code.id().parse().unwrap());
    Status::with_metadata(tonic::Code::from(code.row().grpc as i32), "", map)
}
