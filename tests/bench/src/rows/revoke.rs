//! From an admin's order to the first refusal that the agent sees, with 1,000 live sessions.

use std::time::Instant;

use valetkey_sdk::{Agent, Code, wire::admin::revoke_request::Target};

use crate::{
    Measured,
    place::{Place, Population, request, runtime, start_session},
    report::Row,
    stats::{Samples, now},
};

const LIVE: usize = 1000;
const SAMPLES: usize = 500;
/// p99, in milliseconds.
const MOST: f64 = 10.0;

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: LIVE - 1,
        dead: 0,
        policies: 2,
    };
    let place = Place::with(&runtime, population)?;
    let (mut refused, mut reported) = (Samples::default(), Samples::default());
    runtime.block_on(async {
        let control = place.control().await?;
        let developer = control.developer();
        for _ in 0..SAMPLES {
            let (id, socket) = start_session(&developer).await?;
            let agent = Agent::connect(&socket).await?;
            agent.new_token(&request()).await?;
            let begun = now();
            let revoked = async {
                control.revoke("boss", Target::Session(id), "bench").await?;
                Ok(begun.elapsed())
            };
            let (at, report) = tokio::try_join!(first_refusal(&agent), revoked)?;
            refused.push(at.duration_since(begun));
            reported.push(report);
            // Whoever comes back later hears the same.
            if let Ok(again) = Agent::connect(&socket).await
                && again.new_token(&request()).await.is_ok()
            {
                return Err("a revoked session still gets tokens".into());
            }
        }
        Measured::Ok(())
    })?;
    let ms = |us: f64| us / 1000.0;
    let note = format!("{} samples, {LIVE} live sessions", refused.len());
    Ok(vec![
        Row::noted("revoke to refused: p50", ms(refused.p50()), "ms").note(note.clone()),
        Row::below(
            "revoke to refused: p99",
            ms(refused.percentile(99)),
            "ms",
            MOST,
        )
        .note(format!(
            "{note}; worst {:.2} ms; the admin's report: p99 {:.2} ms",
            ms(refused.percentile(100)),
            ms(reported.percentile(99))
        )),
    ])
}

/// Asks without a pause until the answer is no.
async fn first_refusal(agent: &Agent) -> Measured<Instant> {
    loop {
        let Err(error) = agent.new_token(&request()).await else {
            continue;
        };
        return match error.code {
            Code::SessionRevoked | Code::BrokerUnreachable => Ok(now()),
            _ => Err(error.into()),
        };
    }
}
