//! Tokens a second for 32 callers, with the client on the same cores, against empty calls.

use std::time::Duration;

use futures_util::future::try_join_all;
use valetkey_sdk::Agent;

use crate::{
    Measured,
    floors::call::{EmptyCalls, EmptyServer},
    place::{Place, Population, request, runtime},
    report::Row,
    stats::{Rounds, now},
};

const CALLERS: usize = 32;
const ROUNDS: usize = 8;
const TURN: Duration = Duration::from_millis(1500);
const PER_SECOND: f64 = 10_000.0;
const SHARE: f64 = 0.4;

/// Every caller has a session and a connection of its own; one thread drives them all.
pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: CALLERS,
        dead: 0,
        policies: 2,
    };
    let place = Place::with(&runtime, population)?;
    let server = EmptyServer::start(place.world.folder())?;
    let (mut tokens, mut calls, mut shares) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    runtime.block_on(async {
        let agents = place.agents(CALLERS).await?;
        let mut empty = Vec::new();
        for _ in 0..CALLERS {
            empty.push(server.connect().await?);
        }
        // One turn of each to warm up.
        for round in 0..=ROUNDS {
            let token = per_second(&agents, async |agent: &Agent| {
                agent.new_token(&request()).await?;
                Ok(())
            });
            let token = token.await?;
            let call = per_second(&empty, async |empty: &EmptyCalls| empty.call().await).await?;
            if round > 0 {
                tokens.push(token);
                calls.push(call);
                shares.push(token / call);
            }
        }
        Measured::Ok(())
    })?;
    let note = format!("{} tokens/s over {ROUNDS} rounds", tokens.spread());
    Ok(vec![
        Row::at_least(
            "tokens a second, 32 callers on 2 cores",
            tokens.median(),
            "tokens/s",
            PER_SECOND,
        )
        .note(note),
        Row::noted("the same against empty calls", tokens.median(), "tokens/s")
            .ratio_at_least(calls.median(), shares.median(), SHARE)
            .note(format!("ratio {} over {ROUNDS} rounds", shares.spread())),
    ])
}

/// How many calls a second the callers make together, each one call after the other.
async fn per_second<C>(callers: &[C], call: impl AsyncFn(&C) -> Measured<()>) -> Measured<f64> {
    let (begun, call) = (now(), &call);
    let all = callers.iter().map(async |caller| {
        let mut calls = 0_u32;
        while begun.elapsed() < TURN {
            call(caller).await?;
            calls += 1;
        }
        Measured::Ok(calls)
    });
    let calls: u32 = try_join_all(all).await?.into_iter().sum();
    Ok(f64::from(calls) / begun.elapsed().as_secs_f64())
}
