//! A token request, auto tier, durable ledger, one caller: against the sum of what it is made of.
//!
//! Everything takes turns one by one. A floor in a tight loop of its own would be up to four times
//! lower: its processor never sleeps, its caches and its disk stay warm, and no request is like that.

use valetkey_sdk::{Agent, TokenRequest};

use crate::{
    Measured,
    floors::{call::EmptyServer, commit::Commits, decision::Decisions, signature::Signatures},
    place::{Place, Population, request, runtime},
    report::Row,
    stats::{Rounds, Samples, repeat, repeat_async, timed, timed_async},
};

const ROUNDS: usize = 40;
const EACH: usize = 200;
/// The first rounds fill caches and are not counted.
const WARM_UP: usize = 3;
const MOST: f64 = 1.5;
/// Times that a floor is measured in a loop of its own.
const HOT: usize = 2000;

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: 1,
        dead: 0,
        policies: 2,
    };
    let place = Place::with(&runtime, population)?;
    let server = EmptyServer::start(place.world.folder())?;
    let mut commits = Commits::new(&place.world.state())?;
    let (signatures, decisions) = (Signatures::new()?, Decisions::new()?);
    let request = request();

    let mut parts: [Rounds; 4] = Default::default();
    let (mut tokens, mut floors, mut ratios) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    let mut hot = 0.0;
    runtime.block_on(async {
        let agents = place.agents(1).await?;
        let agent = agents.first().ok_or("there is no session")?;
        let empty = server.connect().await?;
        for round in 0..WARM_UP + ROUNDS {
            let (mut token, mut floor): (Samples, [Samples; 4]) = Default::default();
            // In turns one by one, so that processors and disk are as warm for a floor as for us.
            for _ in 0..EACH {
                token.push(timed_async(async || drop_token(agent, &request).await).await?);
                let [call, commit, signature, decision] = &mut floor;
                call.push(timed_async(async || empty.call().await).await?);
                commit.push(timed(|| commits.commit())?);
                signature.push(timed(|| signatures.sign())?);
                decision.push(timed(|| decisions.decide())?);
            }
            if round < WARM_UP {
                continue;
            }
            let sum: f64 = floor.iter().map(Samples::p50).sum();
            tokens.push(token.p50());
            floors.push(sum);
            ratios.push(token.p50() / sum);
            for (part, samples) in parts.iter_mut().zip(&floor) {
                part.push(samples.p50());
            }
        }
        hot = repeat_async(HOT, async || empty.call().await).await?.p50()
            + repeat(HOT, || commits.commit())?.p50()
            + repeat(HOT, || signatures.sign())?.p50()
            + repeat(HOT, || decisions.decide())?.p50();
        Measured::Ok(())
    })?;
    let [call, commit, sign, decision] = parts.map(|part| part.median());
    Ok(vec![
        Row::noted("token request, one caller: p50", tokens.median(), "us")
            .ratio_at_most(floors.median(), ratios.median(), MOST)
            .note(format!(
                "floor: call {call:.1} + commit {commit:.1} + sign {sign:.1} + decision {decision:.1}; \
                 ratio {} over {ROUNDS} rounds",
                ratios.spread()
            )),
        Row::noted("its floors, each in a tight loop: sum of p50", hot, "us"),
    ])
}

async fn drop_token(agent: &Agent, request: &TokenRequest) -> Measured<()> {
    agent.new_token(request).await?;
    Ok(())
}
