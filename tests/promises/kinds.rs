//! Every kind of operation and every verb at once, under random schedules, against a plain model.

use crate::model::Run;
use crate::random::Random;

const SEEDS: u64 = 300;
const STEPS: usize = 250;

#[test]
fn the_promises_hold_for_every_kind_of_operation_under_random_schedules() {
    for seed in 0..SEEDS {
        let mut run = Run::new(seed, Random::new(seed));
        for _ in 0..STEPS {
            run.step();
            assert!(!run.is_over(), "a seed decides for ever");
        }
        run.finish();
    }
}
