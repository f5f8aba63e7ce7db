//! Both kinds keep the contract of the port.

use std::sync::Arc;

use serde_json::json;
use valetkey_core::ports::Reviewer;
use valetkey_support::{
    contracts::reviewer::{Behaviour, suite},
    http::Step,
};

use crate::world::{BRIEF, Chat, PATIENT, says, shell};

/// What is said, where something is.
fn words(behaviour: &Behaviour) -> Option<String> {
    match behaviour {
        Behaviour::Opinion(finding, risk, rationale) => Some(
            json!({ "verdict": finding.id(), "risk": risk.id(), "rationale": rationale })
                .to_string(),
        ),
        Behaviour::Nonsense => Some("I think you should approve this.".to_owned()),
        Behaviour::Silence => None,
    }
}

/// Keeps its server.
struct Served(Chat);

impl Reviewer for Served {
    fn name(&self) -> &str {
        self.0.reviewer.name()
    }

    fn review<'a>(
        &'a self,
        case: &'a valetkey_core::ports::ReviewCase<'a>,
    ) -> valetkey_core::ports::Answer<
        'a,
        Result<valetkey_core::Opinion, valetkey_core::ports::ReviewError>,
    > {
        self.0.reviewer.review(case)
    }
}

#[tokio::test]
async fn the_server() {
    suite(async |behaviour| {
        let chat = match words(&behaviour) {
            Some(words) => Chat::with(PATIENT, move |_, _| says(&words)).await,
            None => Chat::with(BRIEF, |_, _| vec![Step::UntilGone]).await,
        };
        Arc::new(Served(chat)) as Arc<dyn Reviewer>
    })
    .await;
}

#[tokio::test]
async fn the_command() {
    suite(async |behaviour| {
        let reviewer = match words(&behaviour) {
            Some(words) => shell(PATIENT, "cat >/dev/null; printf %s \"$0\"", &words),
            None => shell(BRIEF, "sleep 1000", ""),
        };
        Arc::new(reviewer) as Arc<dyn Reviewer>
    })
    .await;
}
