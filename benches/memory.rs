//! What a message, a timer and an operation take in memory.
//!
//! Apart from the benches that take times: the allocator that counts would add to them.

use std::time::Duration;

use allocation_counter::measure;
use msgpump::{ProtocolQuery, Pump, Settings, Timer};

/// How many of each are made: a little less than the powers of two in which tables grow, so that little of
/// what is counted is room for more.
const HELD: usize = 16_000;

fn main() {
    let settings = Settings::default().queue_capacity(HELD);
    let mut pump = Pump::with_settings(settings).expect("there are descriptors left");
    let (window, poster) = (pump.root_window(), pump.poster());
    let post = |_| poster.post(window, [0_u64; 4]).expect("there is room");
    print("post of another thread, with 32 bytes of payload", post);
    let post = |_| pump.post(window, [0_u64; 4]).expect("there is room");
    print("queued message, with 32 bytes of payload", post);
    let look_up = |_| _ = pump.lookup_protocol(window, ProtocolQuery::by_number(6)).expect("the window is open");
    print("finished lookup of a protocol, with its message and its answer", look_up);
    let distant = Duration::from_secs(3600);
    for (name, timer) in [("timer, once", Timer::once(distant)), ("timer, repeating", Timer::every(distant))] {
        let mut pump = Pump::<()>::new().expect("there are descriptors left");
        let window = pump.root_window();
        print(name, |_| _ = pump.set_timer(window, timer).expect("the window is open"));
    }
}

/// Prints how much memory is allocated for each thing that `make` leaves behind.
fn print(name: &str, make: impl FnMut(usize)) {
    let bytes = measure(|| (0..HELD).for_each(make)).bytes_current;
    println!("{:>5.0} bytes  {name}", bytes as f64 / HELD as f64);
}
