//! How AWS writes the time: the basic format of ISO 8601, in UTC.

/// A moment.
pub(super) struct Stamp {
    /// `20150830`
    pub(super) date: String,
    /// `20150830T123600Z`
    pub(super) time: String,
}

impl Stamp {
    /// Of seconds since the Unix epoch.
    pub(super) fn of(unix_seconds: u64) -> Self {
        let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
        let (year, month, day) = civil(days);
        let date = format!("{year:04}{month:02}{day:02}");
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let time = format!("{date}T{hour:02}{minute:02}{:02}Z", second % 60);
        Self { date, time }
    }
}

/// Year, month and day of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `civil_from_days`).
fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    // Years begin in March, so that the day that is not always there comes last.
    let days = days_since_epoch + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn it_is_what_date_says() {
        for (seconds, time) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_709_251_200, "20240301T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (4_107_542_399, "21000228T235959Z"),
        ] {
            assert_eq!(Stamp::of(seconds).time, time);
        }
    }
}
