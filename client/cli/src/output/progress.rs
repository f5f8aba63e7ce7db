//! A line on a terminal that says how long something has been going on.

use std::{
    io::{self, Write as _},
    pin::pin,
    time::Duration,
};

use tokio::time;

use super::clean::clean;

/// Waits for `work`; from the first second on the line is there, and it is gone at the end.
pub(super) async fn show<T>(label: &str, work: impl Future<Output = T>) -> T {
    let label = clean(label);
    let mut work = pin!(work);
    for seconds in 0_u64.. {
        if let Ok(done) = time::timeout(Duration::from_secs(1), &mut work).await {
            if seconds > 0 {
                end();
            }
            return done;
        }
        draw(&format!("{label} {} s", seconds + 1));
    }
    work.await
}

/// Takes the line away.
pub(super) fn end() {
    draw("");
}

/// A terminal that does not take it loses nothing but this line.
fn draw(line: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r\u{1b}[K{line}");
    let _ = stderr.flush();
}
