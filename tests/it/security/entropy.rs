//! How unpredictable ids and ports are: of real questions, over loopback.

use std::collections::HashMap;

use msgpump::{Family, HostQuery};

use crate::support::wire::Reply;
use crate::support::{NameServer, asking, outcome, pump, start};

/// What a forger must guess of one question.
#[derive(Clone, Copy)]
struct Seen {
    id: u16,
    port: u16,
}

/// Asks this many questions and notes what they went out with.
fn questions(count: usize) -> Vec<Seen> {
    /// At a time: so many sockets are open, and their ports taken.
    const BURST: usize = 200;
    let server = NameServer::answering(|query| Reply::to(query).a(&query.name, [192, 0, 2, 1]));
    let mut pump = pump(asking([&server]));
    let mut asked = 0;
    while asked < count {
        let lookups: Vec<_> = (asked..count.min(asked + BURST))
            .map(|number| start(&mut pump, HostQuery::by_name(format!("{number}.example")).family(Family::V4)))
            .collect();
        asked += lookups.len();
        for lookup in lookups {
            outcome(&mut pump, lookup).expect("it is answered");
        }
    }
    let seen = server.queries().iter().map(|query| Seen { id: query.id, port: query.from.port() }).collect();
    assert_eq!(server.asked(), count);
    seen
}

/// What is counted of one series of numbers.
struct Spread {
    count: f64,
    distinct: usize,
    /// Pairs of equal numbers.
    collisions: f64,
    most_common: f64,
    least: u64,
    most: u64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = u64>) -> Spread {
        let mut counts = HashMap::<u64, u64>::new();
        numbers.for_each(|number| *counts.entry(number).or_default() += 1);
        let pairs = |&n: &u64| (n * n.saturating_sub(1)) as f64 / 2.0;
        Spread {
            count: counts.values().sum::<u64>() as f64,
            distinct: counts.len(),
            collisions: counts.values().map(pairs).sum(),
            most_common: counts.values().copied().max().unwrap_or(0) as f64,
            least: counts.keys().copied().min().unwrap_or(0),
            most: counts.keys().copied().max().unwrap_or(0),
        }
    }

    fn pairs(&self) -> f64 {
        self.count * (self.count - 1.0) / 2.0
    }

    /// Of order two: how many bits a source of equally likely numbers has that repeats as often.
    fn collision_entropy_bits(&self) -> f64 {
        (self.pairs() / self.collisions.max(1.0)).log2()
    }

    /// The most common value's estimate of NIST SP 800-90B section 6.3.1, at 99 % confidence. It can tell no more
    /// bits than the sample is long.
    fn min_entropy_bits(&self) -> f64 {
        let likely = self.most_common / self.count;
        let bound = likely + 2.576 * (likely * (1.0 - likely) / (self.count - 1.0)).sqrt();
        -bound.min(1.0).log2()
    }
}

/// Pearson's test against equally likely values, as deviations from what is expected: an honest source is within
/// three but for once in some hundred times, and within six always.
fn chi_square_deviations(numbers: impl Iterator<Item = usize>, values: usize) -> f64 {
    let mut counts = vec![0u64; values];
    numbers.for_each(|number| counts[number] += 1);
    let expected = counts.iter().sum::<u64>() as f64 / values as f64;
    let square: f64 = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    let freedom = (values - 1) as f64;
    (square - freedom) / (2.0 * freedom).sqrt()
}

/// Correlation of each number with the one before.
fn serial_correlation(numbers: &[f64]) -> f64 {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    let together: f64 = numbers.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    together / variance
}

fn judge(seen: &[Seen]) {
    let ids = Spread::of(seen.iter().map(|seen| seen.id.into()));
    let ports = Spread::of(seen.iter().map(|seen| seen.port.into()));
    let both = Spread::of(seen.iter().map(|seen| u64::from(seen.id) << 16 | u64::from(seen.port)));
    // The system takes ports of a range of its own; what is seen of it is nearly all of it.
    let port_range = (ports.most - ports.least + 1) as f64;
    let sizes = [65_536.0, port_range, 65_536.0 * port_range];
    println!("{} questions", seen.len());
    println!("           distinct  expected  equal pairs  expected  collision entropy  of  min-entropy estimate");
    for (what, spread, size) in [("ids", &ids, sizes[0]), ("ports", &ports, sizes[1]), ("both", &both, sizes[2])] {
        let expected = size * (1.0 - (-spread.count / size).exp());
        let collisions = spread.pairs() / size;
        println!(
            "{what:<10} {:>8}  {expected:>8.0}  {:>11}  {collisions:>8.0}  {:>12.2} bits  {:.2}  {:.2} bits",
            spread.distinct,
            spread.collisions,
            spread.collision_entropy_bits(),
            size.log2(),
            spread.min_entropy_bits()
        );
        assert!((spread.distinct as f64 - expected).abs() < 0.02 * expected, "{what}: {} distinct", spread.distinct);
        // Repeats are rare enough for this to be a count of small numbers: six deviations.
        assert!(spread.collisions < collisions + 6.0 * collisions.sqrt() + 6.0, "{what}: {} pairs", spread.collisions);
    }
    let bytes = [
        ("first byte of the id", chi_square_deviations(seen.iter().map(|seen| usize::from(seen.id >> 8)), 256)),
        ("second byte of the id", chi_square_deviations(seen.iter().map(|seen| usize::from(seen.id & 255)), 256)),
        ("second byte of the port", chi_square_deviations(seen.iter().map(|seen| usize::from(seen.port & 255)), 256)),
    ];
    for (what, deviations) in bytes {
        println!("chi-square of the {what}: {deviations:+.2} deviations");
    }
    for (what, deviations) in &bytes[..2] {
        assert!(deviations.abs() < 6.0, "{what}: {deviations}");
    }
    let series = [
        ("ids", seen.iter().map(|seen| seen.id.into()).collect::<Vec<f64>>()),
        ("ports", seen.iter().map(|seen| seen.port.into()).collect()),
    ];
    for (what, numbers) in series {
        let correlation = serial_correlation(&numbers);
        println!("serial correlation of the {what}: {correlation:+.4}");
        assert!(correlation.abs() < 6.0 / (numbers.len() as f64).sqrt(), "{what}: {correlation}");
    }
    // Some systems have 16,384, Linux has 28,232.
    assert!(port_range > 16_000.0, "ports are of {port_range}");
}

#[test]
fn ids_and_ports_cannot_be_predicted() {
    // Under Wine each call goes by way of another process.
    judge(&questions(if cfg!(windows) { 1_000 } else { 10_000 }));
}

/// Prints the figures of the page.
#[test]
#[ignore = "takes long: run by its name in the release profile"]
fn ids_and_ports_of_100_000_queries() {
    judge(&questions(100_000));
}
