//! Reading a secret through the broker's keyring adapter, against the `keyring` library alone.
//!
//! In a process of its own, because libraries find the session bus in their environment.

use std::{env, process::Command, time::Duration};

use keyring::Entry;
use valetkey_core::{
    SecretName,
    ports::{SecretKey, SecretStore as _},
};
use valetkey_e2e::{Outcome, World};
use valetkey_keyring::{OsKeyring, StoreKind};
use valetkey_secret::RootSecret;
use zeroize::Zeroizing;

use crate::{
    Measured,
    place::runtime,
    report::Row,
    stats::{Rounds, repeat, repeat_async},
};

const ROUNDS: usize = 40;
const EACH: usize = 50;
const WARM_UP: usize = 2;
const MOST: f64 = 1.1;
const SECRET: &[u8] = b"a refresh token has about as many bytes as this sentence, or more";

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let world = World::new();
    let mut command = Command::new(env::current_exe()?);
    world.surround(&mut command).arg("read-secrets");
    let read = Outcome::of(&mut command, b"");
    let numbers: Vec<&str> = read.stdout.split_whitespace().collect();
    let &[ours, library, ratio, spread] = numbers.as_slice() else {
        return Err(format!("reading secrets failed: {}", read.stderr).into());
    };
    Ok(vec![
        Row::noted("reading a secret: p50", ours.parse()?, "us")
            .ratio_at_most(library.parse()?, ratio.parse()?, MOST)
            .note(format!("against the library alone; ratio {spread}")),
    ])
}

/// The other process: prints both medians, their ratio and its spread.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn read_in_turns() -> Measured<()> {
    let runtime = runtime()?;
    let store = OsKeyring::new(StoreKind::SecretService, "bench", Duration::from_secs(10));
    let key = SecretKey::Named(SecretName::parse("measured")?);
    let secret = RootSecret::new(Zeroizing::new(SECRET.to_vec()));
    runtime.block_on(store.write(&key, secret))?;
    let entry = Entry::new("valetkey", "bench/secret/measured")?;
    if entry.get_secret()? != SECRET {
        return Err("the library does not find what the adapter wrote".into());
    }
    let (mut ours, mut library, mut ratios) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..WARM_UP + ROUNDS {
        let our = runtime.block_on(repeat_async(EACH, async || {
            drop(store.read(&key).await?);
            Ok(())
        }));
        let our = our?.p50();
        let their = repeat(EACH, || {
            drop(Zeroizing::new(entry.get_secret()?));
            Ok(())
        })?;
        if round >= WARM_UP {
            ours.push(our);
            library.push(their.p50());
            ratios.push(our / their.p50());
        }
    }
    println!(
        "{} {} {} {}",
        ours.median(),
        library.median(),
        ratios.median(),
        ratios.spread()
    );
    Ok(())
}
