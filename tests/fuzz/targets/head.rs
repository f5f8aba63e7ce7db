//! Everything that a client sends to the sandbox's proxy.
#![no_main]

use valetkey_core::network::Scheme;
use valetkey_egress::fuzzing::{Next, Where};
use valetkey_fuzz::{
    check, forms, memory,
    world::{Bench, the_origin},
};

/// Most that one connection may hold, in bytes, whatever is sent.
const HELD: usize = 2 << 20;

thread_local!(static BENCH: Bench = Bench::new());

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [way, manner, says @ ..] = input else {
        return;
    };
    BENCH.with(|bench| {
        let before = memory::begin();
        let (next, heard, world) = bench.serve(says, *way, *manner, Where::Door);
        assert!(
            memory::most(before) < HELD,
            "{} bytes were held",
            memory::most(before)
        );
        match next {
            Next::Nothing => {}
            Next::LookInto(origin) => assert_eq!(origin, the_origin(Scheme::Https)),
            Next::Tunnel => panic!("nothing passes unseen here"),
        }
        forms::absent_in_answers(&heard);
        let way = *way % valetkey_fuzz::world::WAYS;
        let (said, all) = check::said(says, "http", true);
        check::faithful(&said, all, &world.arrived, way);
    });
});
