//! Days of the calendar, for grouping pictures by when they were made.

/// A day, as the number of days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Day(pub i64);

const SECS_PER_DAY: i64 = 86_400;
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Day {
    /// The day of a moment, given in seconds since 1970 on the same clock.
    pub fn of_secs(secs: i64) -> Self {
        Self(secs.div_euclid(SECS_PER_DAY))
    }

    /// Year, month from 1, day from 1 in the Gregorian calendar.
    pub fn civil(self) -> (i64, u32, u32) {
        // Howard Hinnant's civil_from_days:
        // https://howardhinnant.github.io/date_algorithms.html#civil_from_days
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month as u32, day as u32)
    }

    /// As people say it: *Today*, *Yesterday*, *Monday 16 November*, and with the year if that is
    /// another one.
    pub fn name(self, today: Self) -> String {
        match today.0 - self.0 {
            0 => return "Today".to_owned(),
            1 => return "Yesterday".to_owned(),
            _ => {}
        }
        let (year, month, day) = self.civil();
        let month = MONTHS[month as usize - 1];
        // 1970-01-01 was a Thursday.
        let weekday = WEEKDAYS[(self.0 + 3).rem_euclid(7) as usize];
        if year == today.civil().0 {
            format!("{weekday} {day} {month}")
        } else {
            format!("{day} {month} {year}")
        }
    }
}

/// Day and time of a moment: *16 November 2026, 14:05*.
pub fn moment_name(secs: i64) -> String {
    let (year, month, day) = Day::of_secs(secs).civil();
    let minutes = secs.rem_euclid(SECS_PER_DAY) / 60;
    let month = MONTHS[month as usize - 1];
    format!("{day} {month} {year}, {:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_right_around_leap_days_and_before_1970() {
        let civil = |secs: i64| Day::of_secs(secs).civil();
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(951_782_400), (2000, 2, 29));
        assert_eq!(civil(4_102_444_800), (2100, 1, 1));
    }

    #[test]
    fn days_are_named_from_today() {
        let today = Day::of_secs(1_795_392_000);
        assert_eq!(today.civil(), (2026, 11, 23));
        assert_eq!(today.name(today), "Today");
        assert_eq!(Day(today.0 - 1).name(today), "Yesterday");
        assert_eq!(Day(today.0 - 7).name(today), "Monday 16 November");
        assert_eq!(Day(today.0 - 365).name(today), "23 November 2025");
        assert_eq!(moment_name(1_795_392_000 + 14 * 3600 + 5 * 60), "23 November 2026, 14:05");
    }
}
