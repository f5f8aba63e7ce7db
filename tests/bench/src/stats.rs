//! Samples, and what is made of them.

use std::time::{Duration, Instant};

use crate::Measured;

/// Times in microseconds.
#[derive(Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1e6);
    }

    /// The value that `percent` of them are not above; 0 where there are none.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.0, percent)
    }

    pub(crate) fn p50(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// One number per round, of rounds in which everything was measured in turns.
#[derive(Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> f64 {
        percentile(&self.0, 50)
    }

    /// `least..most`, for whoever wants to know how noisy it was.
    pub(crate) fn spread(&self) -> String {
        format!(
            "{:.2}..{:.2}",
            percentile(&self.0, 0),
            percentile(&self.0, 100)
        )
    }
}

fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
    sorted.get(place).copied().unwrap_or_default()
}

/// How long `work` takes.
pub(crate) fn timed(mut work: impl FnMut() -> Measured<()>) -> Measured<Duration> {
    let begun = now();
    work()?;
    Ok(begun.elapsed())
}

/// How long it takes to wait for `work`.
pub(crate) async fn timed_async(mut work: impl AsyncFnMut() -> Measured<()>) -> Measured<Duration> {
    let begun = now();
    work().await?;
    Ok(begun.elapsed())
}

/// How long `work` takes, `times` over.
pub(crate) fn repeat(times: usize, mut work: impl FnMut() -> Measured<()>) -> Measured<Samples> {
    let mut samples = Samples::default();
    for _ in 0..times {
        samples.push(timed(&mut work)?);
    }
    Ok(samples)
}

/// The same for work that waits.
pub(crate) async fn repeat_async(
    times: usize,
    mut work: impl AsyncFnMut() -> Measured<()>,
) -> Measured<Samples> {
    let mut samples = Samples::default();
    for _ in 0..times {
        samples.push(timed_async(&mut work).await?);
    }
    Ok(samples)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stopwatch measures the machine, so it cannot be a clock that tests move"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (percent, value) in [(0, 1.0), (50, 51.0), (99, 100.0), (100, 100.0)] {
            assert!(
                (percentile(&values, percent) - value).abs() < 0.1,
                "{percent}"
            );
        }
        assert!((percentile(&[], 50)).abs() < 0.1);
    }
}
