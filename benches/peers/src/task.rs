//! What one process measures: one peer in one scenario, its clocks and its counters.

use std::cell::OnceCell;
use std::time::Duration;

use crate::foreign::perf::SystemCalls;
use crate::foreign::{allocations, system};
use crate::scenario::{CALLS, Scenario, Server};

/// One measurement. It reports lines that the process which started it reads.
pub struct Task {
    pub operations: usize,
    /// What the scenario says it is: a depth, how many sockets, how many at a time.
    pub shape: [usize; 2],
    /// The name server that there is.
    pub server: Server,
    /// How long what measures a time and not a count may take.
    pub time: Duration,
    /// System calls and allocations are counted, and no time is reported: counting takes some.
    pub is_counting: bool,
    calls: OnceCell<Option<SystemCalls>>,
}

/// Between its making and [`stop`](Stopwatch::stop), what a piece of work costs.
pub struct Stopwatch<'a> {
    task: &'a Task,
    allocations: u64,
    calls: Option<u64>,
    cpu: u64,
    wall: u64,
}

/// What a piece of work has cost. Times are nanoseconds.
#[derive(Clone, Copy)]
pub struct Spent {
    pub wall: u64,
    /// Of all threads.
    pub cpu: u64,
    calls: Option<u64>,
    allocations: u64,
}

impl Task {
    pub fn new(scenario: &Scenario, is_quick: bool, time: Duration, is_counting: bool) -> Task {
        if is_counting {
            allocations::count();
        }
        let operations = scenario.operations[usize::from(is_quick)];
        Task { operations, shape: scenario.shape, server: scenario.server, time, is_counting, calls: OnceCell::new() }
    }

    /// Counts the system calls of threads that are started from here on, where any are counted.
    ///
    /// Programs started before are not counted.
    pub fn count_threads_from_here(&self) {
        self.calls.get_or_init(|| if self.is_counting { SystemCalls::new() } else { None });
    }

    pub fn start(&self) -> Stopwatch<'_> {
        self.count_threads_from_here();
        let mut stopwatch = Stopwatch { task: self, allocations: 0, calls: None, cpu: 0, wall: 0 };
        stopwatch.cpu = system::process_cpu();
        stopwatch.wall = system::now();
        // Last here and first in `stop`, so that nothing of our own is counted but one reading of the counter.
        stopwatch.allocations = allocations::made();
        stopwatch.calls = self.calls_made();
        stopwatch
    }

    fn calls_made(&self) -> Option<u64> {
        Some(self.calls.get()?.as_ref()?.count())
    }

    /// Measures `work` as one piece.
    pub fn measure<R>(&self, work: impl FnOnce() -> R) -> (R, Spent) {
        let stopwatch = self.start();
        let result = work();
        (result, stopwatch.stop())
    }

    /// Reports a figure; times in nanoseconds.
    pub fn report(&self, metric: &str, value: f64) {
        println!("{metric}\t{value}");
    }

    /// Reports what each of `operations` took.
    pub fn report_cost(&self, spent: Spent, operations: usize) {
        let each = |total: u64| total as f64 / operations as f64;
        if self.is_counting {
            if let Some(calls) = spent.calls {
                self.report(CALLS, each(calls));
            }
            self.report("allocations", each(spent.allocations));
        } else {
            self.report("wall", each(spent.wall));
            self.report("cpu", each(spent.cpu));
        }
    }

    /// Reports the time of each of `operations`, under a name of its own: what the CPU took, since nobody sleeps.
    pub fn report_time(&self, metric: &str, spent: Spent, operations: usize) {
        self.report(metric, spent.cpu as f64 / operations as f64);
    }

    /// Reports the median and the 99th percentile of `times`, as `NAME p50` and `NAME p99`.
    pub fn report_percentiles(&self, metric: &str, times: &mut [u64]) {
        times.sort_unstable();
        for (name, part) in [("p50", 50), ("p99", 99)] {
            self.report(&format!("{metric} {name}"), times[(times.len() - 1) * part / 100] as f64);
        }
    }
}

impl Spent {
    /// The same with another wall time, for what was begun elsewhere.
    pub fn since(self, began: u64, finished: u64) -> Spent {
        Spent { wall: finished - began, ..self }
    }
}

impl Stopwatch<'_> {
    pub fn stop(self) -> Spent {
        let calls = self.task.calls_made().zip(self.calls).map(|(now, before)| now - before - 1);
        let allocations = allocations::made() - self.allocations;
        let (wall, cpu) = (system::now() - self.wall, system::process_cpu() - self.cpu);
        Spent { wall, cpu, calls, allocations }
    }
}
