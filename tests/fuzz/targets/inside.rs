//! Everything that a client sends inside of a CONNECT that is looked into, behind TLS.
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
        let origin = the_origin(Scheme::Https);
        let h2 = says.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let place = if h2 {
            Where::InsideOverH2(origin)
        } else {
            Where::Inside(origin)
        };
        let before = memory::begin();
        let (next, heard, world) = bench.serve(says, *way, *manner, place);
        assert!(
            memory::most(before) < HELD,
            "{} bytes were held",
            memory::most(before)
        );
        assert_eq!(next, Next::Nothing);
        forms::absent_in_answers(&heard);
        if !h2 {
            let way = *way % valetkey_fuzz::world::WAYS;
            let (said, all) = check::said(says, "https", false);
            check::faithful(&said, all, &world.arrived, way);
        }
    });
});
