//! What an approval costs: a token by a remembered answer beside one at once, asked in turns; and what
//! whoever answers waits for when 200 questions are open.

use std::time::Duration;

use valetkey_sdk::{
    Agent, Code, Developer, TokenRequest,
    wire::developer::{AnswerApprovalRequest, answer_approval_request::Answer},
};

use crate::{
    Measured,
    place::{Place, Population, request, runtime},
    report::Row,
    stats::{Rounds, Samples, repeat_async, timed_async},
};

const ROUNDS: usize = 40;
const EACH: usize = 100;
const WARM_UP: usize = 3;
/// What noise leaves of nothing measurable.
const MOST: f64 = 1.1;
const OPEN: u64 = 200;
const LOOKS: usize = 200;
/// p99, in milliseconds: a view that is drawn ten times a second has a hundred.
const LOOK: f64 = 10.0;

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: 2,
        dead: 0,
        policies: 0,
    };
    let place = Place::with(&runtime, population)?;
    runtime.block_on(async {
        let developer = place.control().await?.developer();
        let agents = place.agents(2).await?;
        let [one, other] = agents.as_slice() else {
            return Err("there are not two sessions".into());
        };
        let mut rows = vec![remembered(&developer, one).await?];
        rows.extend(crowded(&developer, other).await?);
        Ok(rows)
    })
}

/// What a person has to grant.
fn asking() -> TokenRequest {
    TokenRequest::new("demo-api").scope("api:delete")
}

async fn ask(agent: &Agent, request: &TokenRequest) -> Measured<()> {
    match agent.new_token(request).await {
        Err(error) if error.code == Code::ApprovalPending => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("nobody was asked".into()),
    }
}

async fn remembered(developer: &Developer, agent: &Agent) -> Measured<Row> {
    ask(agent, &asking()).await?;
    for question in developer.approvals("default").await? {
        let answer = AnswerApprovalRequest {
            account: "default".to_owned(),
            id: question.id,
            digest: question.digest,
            answer: Some(Answer::Session(true)),
        };
        developer.answer_approval(answer).await?;
    }
    let (at_once, remembered) = (request(), asking());
    let (mut tokens, mut floors, mut ratios) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..WARM_UP + ROUNDS {
        let (mut token, mut floor): (Samples, Samples) = Default::default();
        for _ in 0..EACH {
            token.push(timed_async(async || token_by(agent, &remembered).await).await?);
            floor.push(timed_async(async || token_by(agent, &at_once).await).await?);
        }
        if round >= WARM_UP {
            tokens.push(token.p50());
            floors.push(floor.p50());
            ratios.push(token.p50() / floor.p50());
        }
    }
    Ok(
        Row::noted("token by a remembered approval: p50", tokens.median(), "us")
            .ratio_at_most(floors.median(), ratios.median(), MOST)
            .note(format!("against one at once; ratio {}", ratios.spread())),
    )
}

async fn token_by(agent: &Agent, request: &TokenRequest) -> Measured<()> {
    agent.new_token(request).await?;
    Ok(())
}

async fn crowded(developer: &Developer, agent: &Agent) -> Measured<Vec<Row>> {
    let mut rows = Vec::new();
    let mut asked = 0;
    for open in [1, OPEN] {
        while asked < open {
            asked += 1;
            // Each lives a second longer than the one before, which would cover it otherwise.
            ask(agent, &asking().lifetime(Duration::from_secs(asked))).await?;
        }
        let looks = repeat_async(LOOKS, async || {
            developer.approvals("default").await?;
            Ok(())
        });
        let p99 = looks.await?.percentile(99) / 1000.0;
        let name = format!("all approvals, {open} open: p99");
        rows.push(Row::below(name, p99, "ms", LOOK));
    }
    Ok(rows)
}
