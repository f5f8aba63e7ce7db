//! Does a request cost more when there is more of everything? Brokers with different populations run
//! side by side and are asked in turns.

use tokio::runtime::Runtime;
use valetkey_sdk::Agent;

use crate::{
    Measured,
    place::{Place, Population, request, runtime},
    report::Row,
    stats::{Rounds, repeat_async},
};

const ROUNDS: usize = 60;
const EACH: usize = 100;
const WARM_UP: usize = 5;
/// Connections that take turns, in sessions that lie far apart.
const AGENTS: usize = 10;
const MOST: f64 = 1.2;

const BASE: Population = Population {
    live: 10,
    dead: 0,
    policies: 10,
};

const OTHERS: &[(&str, Population)] = &[
    ("100 live sessions", Population { live: 100, ..BASE }),
    ("1,000 live sessions", Population { live: 1000, ..BASE }),
    (
        "100,000 dead sessions",
        Population {
            dead: 100_000,
            ..BASE
        },
    ),
    (
        "100 policies",
        Population {
            policies: 100,
            ..BASE
        },
    ),
    (
        "1,000 policies",
        Population {
            policies: 1000,
            ..BASE
        },
    ),
];

struct Contender {
    _place: Place,
    agents: Vec<Agent>,
}

impl Contender {
    fn new(runtime: &Runtime, population: Population) -> Measured<Self> {
        let place = Place::with(runtime, population)?;
        let agents = runtime.block_on(place.agents(AGENTS))?;
        Ok(Self {
            _place: place,
            agents,
        })
    }

    /// p50 of a turn.
    async fn turn(&self) -> Measured<f64> {
        let request = request();
        let mut agents = self.agents.iter().cycle();
        let samples = repeat_async(EACH, async || {
            let agent = agents.next().ok_or("there is no session")?;
            agent.new_token(&request).await?;
            Ok(())
        });
        Ok(samples.await?.p50())
    }
}

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let mut base = Rounds::default();
    let mut values = vec![(Rounds::default(), Rounds::default()); OTHERS.len()];
    let basis = Contender::new(&runtime, BASE)?;
    let mut contenders = Vec::new();
    for (_, population) in OTHERS {
        contenders.push(Contender::new(&runtime, *population)?);
    }
    runtime.block_on(async {
        for round in 0..WARM_UP + ROUNDS {
            for (contender, (value, ratio)) in contenders.iter().zip(&mut values) {
                // Each has the base beside it, so that a busy second hits both.
                let beside = basis.turn().await?;
                let turn = contender.turn().await?;
                if round >= WARM_UP {
                    base.push(beside);
                    value.push(turn);
                    ratio.push(turn / beside);
                }
            }
        }
        Measured::Ok(())
    })?;
    let rows = OTHERS
        .iter()
        .zip(values)
        .map(|((what, _), (value, ratio))| {
            Row::noted(format!("token request with {what}"), value.median(), "us")
                .ratio_at_most(base.median(), ratio.median(), MOST)
                .note(format!(
                    "against 10 live, 10 policies; ratio {}",
                    ratio.spread()
                ))
        });
    Ok(rows.collect())
}
