//! Every verb of a pump in an order that the fuzzer chooses, against the model of the crate's own tests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgpump_fuzz::Choices;

#[path = "../../promises/model.rs"]
mod model;
#[path = "../../promises/random.rs"]
mod random;

use model::Run;
use random::Choose;

impl Choose for Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        Choices::below(self, limit)
    }

    fn is_over(&self) -> bool {
        Choices::is_over(self)
    }
}

/// As much happens in one run: the model's own looks grow with what has happened.
const STEPS_MAX: usize = 400;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let seed = choices.byte().into();
    let mut run = Run::new(seed, choices);
    for _ in 0..STEPS_MAX {
        if run.is_over() {
            break;
        }
        run.step();
    }
    run.finish();
});
