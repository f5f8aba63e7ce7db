//! A token request, auto tier, durable ledger, one caller: against the sum of what it is made of.

use crate::{
    Measured,
    floors::{call::EmptyServer, commit::Commits, decision::Decisions, signature::Signatures},
    place::{Place, Population, request, runtime},
    report::Row,
    stats::{Rounds, repeat, repeat_async},
};

const ROUNDS: usize = 40;
const EACH: usize = 200;
/// The first rounds fill caches and are not counted.
const WARM_UP: usize = 3;
const MOST: f64 = 1.5;

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
    runtime.block_on(async {
        let agents = place.agents(1).await?;
        let agent = agents.first().ok_or("there is no session")?;
        let empty = server.connect().await?;
        for round in 0..WARM_UP + ROUNDS {
            let token = repeat_async(EACH, async || {
                agent.new_token(&request).await?;
                Ok(())
            });
            let token = token.await?.p50();
            let floor = [
                repeat_async(EACH, async || empty.call().await).await?.p50(),
                repeat(EACH, || commits.commit())?.p50(),
                repeat(EACH, || {
                    signatures.sign();
                    Ok(())
                })?
                .p50(),
                repeat(EACH, || decisions.decide())?.p50(),
            ];
            if round < WARM_UP {
                continue;
            }
            let sum: f64 = floor.iter().sum();
            tokens.push(token);
            floors.push(sum);
            ratios.push(token / sum);
            for (part, value) in parts.iter_mut().zip(floor) {
                part.push(value);
            }
        }
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
    ])
}
