//! What the benches share: work that divan measures, and that is measured again in turns with its floor.
//!
//! A *floor* is the least that the same job could cost with the plain structures it is made of. Floor and
//! work are measured alternately within one run, so that whatever slows the machine slows both, and the
//! ratio says more than either time.

use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;

/// How often floor and work are measured for a ratio.
const ROUNDS: usize = 101;

/// Rounds before those that count.
const WARM_UP_ROUNDS: usize = 10;

/// Something to measure: operations on what was prepared for them.
pub(crate) struct Work<I> {
    operations: usize,
    prepare: Box<dyn FnMut() -> I>,
    run: Box<dyn FnMut(&mut I)>,
}

impl<I: 'static> Work<I> {
    pub(crate) fn new(
        operations: usize,
        prepare: impl FnMut() -> I + 'static,
        run: impl FnMut(&mut I) + 'static,
    ) -> Work<I> {
        Work { operations, prepare: Box::new(prepare), run: Box::new(run) }
    }

    /// Has divan measure it.
    pub(crate) fn bench(self, bencher: Bencher) {
        bencher.counter(ItemsCount::new(self.operations)).with_inputs(self.prepare).bench_local_refs(self.run);
    }

    /// The time of one operation, in nanoseconds.
    fn measure(&mut self) -> f64 {
        let mut input = (self.prepare)();
        let start = Instant::now();
        (self.run)(&mut input);
        start.elapsed().as_nanos() as f64 / self.operations as f64
    }
}

impl Work<()> {
    /// Work that leaves everything as it found it.
    pub(crate) fn steady(operations: usize, mut run: impl FnMut() + 'static) -> Work<()> {
        Work::new(operations, || (), move |()| run())
    }
}

/// Runs divan, and then `ratios`.
pub(crate) fn main(ratios: impl FnOnce()) {
    divan::main();
    println!("\n{:>18}{:>10}{:>12}{:>12}", "ratio", "at most", "ours", "floor");
    ratios();
}

/// Prints how much more `ours` costs than `floor`: the median of the rounds, and the middle half of them.
pub(crate) fn ratio<I: 'static, J: 'static>(
    name: &str,
    at_most: f64,
    floor: impl FnOnce() -> Work<I>,
    ours: impl FnOnce() -> Work<J>,
) {
    if !is_wanted(name) {
        return;
    }
    let (mut floor, mut ours) = (floor(), ours());
    let mut rounds: Vec<_> = (0..WARM_UP_ROUNDS + ROUNDS).map(|_| (floor.measure(), ours.measure())).collect();
    rounds.drain(..WARM_UP_ROUNDS);
    let [low, ratio, high] = quartiles(rounds.iter().map(|(floor, ours)| ours / floor));
    let [_, floor, _] = quartiles(rounds.iter().map(|round| round.0));
    let [_, ours, _] = quartiles(rounds.iter().map(|round| round.1));
    println!("{ratio:5.2} ({low:4.2}-{high:4.2}){at_most:>10.1}{ours:>9.1} ns{floor:>9.1} ns  {name}");
}

/// Whether the command line wants what is called `name`: it names nothing, or a part of this.
fn is_wanted(name: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
