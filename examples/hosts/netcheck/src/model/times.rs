//! How long the checks took: their number by powers of two, and percentiles.

use std::time::Duration;

use super::row::Row;

/// From 1/16 of a millisecond to 2^15 milliseconds; what is shorter or longer is in the first and in the last.
pub const FIRST_POWER: i32 = -4;
const BINS: usize = 20;

#[derive(Default)]
pub struct Times {
    /// How many took between 2^(n-1) and 2^n milliseconds, n counted from [`FIRST_POWER`].
    pub answered: [u32; BINS],
    pub failed: [u32; BINS],
    /// Milliseconds within which 50, 90 and 99 of 100 were answered.
    pub percentiles: Option<[f64; 3]>,
}

impl Times {
    pub fn of(rows: &[Row]) -> Times {
        let mut times = Times::default();
        let mut answered = Vec::new();
        for row in rows {
            let Some(time) = row.time else { continue };
            if row.addresses.is_empty() || row.problem.is_some() {
                times.failed[bin(time)] += 1;
            } else {
                times.answered[bin(time)] += 1;
                answered.push(time);
            }
        }
        times.percentiles =
            percentiles(&mut answered, [50, 90, 99]).map(|all| all.map(|time| time.as_secs_f64() * 1e3));
        times
    }
}

fn bin(time: Duration) -> usize {
    let power = (time.as_secs_f64() * 1e3).log2().ceil();
    (power as i32 - FIRST_POWER).clamp(0, BINS as i32 - 1) as usize
}

/// The times within which so many of a hundred are; `None` if there are none.
pub fn percentiles<const N: usize>(times: &mut [Duration], percents: [usize; N]) -> Option<[Duration; N]> {
    times.sort_unstable();
    let last = times.len().checked_sub(1)?;
    Some(percents.map(|percent| times[(times.len() * percent / 100).min(last)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_powers_of_two() {
        let mut row = Row::new(1, "a.test", None);
        row.addresses = ["192.0.2.1".parse().unwrap()].into();
        let rows = [0, 1, 1_500, 3_000, 90_000_000].map(|microseconds| {
            row.time = Some(Duration::from_micros(microseconds));
            row.clone()
        });
        let times = Times::of(&rows);
        assert_eq!(times.answered.iter().sum::<u32>(), 5);
        assert_eq!((times.answered[0], times.answered[5], times.answered[6]), (2, 1, 1)); // up to 2 and up to 4 ms
        assert_eq!(times.answered[BINS - 1], 1);
        assert_eq!(times.percentiles.unwrap()[0], 1.5);
    }

    #[test]
    fn without_times_there_are_no_percentiles() {
        assert_eq!(percentiles(&mut [], [50]), None);
    }
}
