//! A body that is held whole, to put a value into it.

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use valetkey_codes::Code;
use valetkey_core::Refusal;

/// The whole body, of at most `limit` bytes. Each frame is copied as it comes: those of one byte cost many times
/// their length where they are kept.
pub(super) async fn read<B>(mut body: B, limit: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Code::RequestTooLarge.into());
    }
    let mut held = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Refusal::new(Code::InvalidRequest).saying("the body did not arrive whole")
        })?;
        let data = frame.into_data().unwrap_or_default();
        if data.len() > limit - held.len() {
            return Err(Code::RequestTooLarge.into());
        }
        held.extend_from_slice(&data);
    }
    Ok(held.into())
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use futures_util::{FutureExt as _, stream};
    use http_body_util::StreamBody;
    use hyper::body::{Bytes, Frame};
    use valetkey_codes::Code;

    use super::read;

    /// A byte that counts while it is there.
    struct Byte(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Byte {
        fn as_ref(&self) -> &[u8] {
            b"z"
        }
    }

    impl Drop for Byte {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_body_in_the_smallest_of_pieces_costs_what_it_is_long() {
        let there = Arc::new(AtomicUsize::new(0));
        let pieces = (0..1000).map(|_| {
            assert_eq!(there.fetch_add(1, Ordering::Relaxed), 0);
            Ok::<_, Infallible>(Frame::data(Bytes::from_owner(Byte(Arc::clone(&there)))))
        });
        let body = StreamBody::new(stream::iter(pieces));
        let read = read(body, 1000).now_or_never().unwrap().unwrap();
        assert_eq!(read, "z".repeat(1000));
    }

    #[test]
    fn a_body_has_a_bound_whatever_it_announces() {
        for (pieces, fits) in [(1, true), (10, true), (11, false)] {
            let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from("z")));
            let body = StreamBody::new(stream::iter(std::iter::repeat_with(piece).take(pieces)));
            let read = read(body, 10).now_or_never().unwrap();
            let code = read.map_err(|refusal| refusal.code()).err();
            assert_eq!(code, (!fits).then_some(Code::RequestTooLarge));
        }
    }
}
