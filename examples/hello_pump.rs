//! Shows the whole of a program with a pump: post, timer, quit.

use std::time::Duration;

use msgpump::{Payload, Pump, Timer};

/// What this program posts to itself.
enum App {
    Greeting(&'static str),
    Bye,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut pump = Pump::<App>::new()?;
    let window = pump.open_window();

    pump.post(window, App::Greeting("hello from this thread"))?;
    let poster = pump.poster();
    std::thread::spawn(move || poster.post(window, App::Greeting("hello from another thread")));

    let beat = pump.set_timer(window, Timer::every(Duration::from_millis(200)))?;
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Posted(App::Greeting(text)) => println!("{text}"),
            Payload::Posted(App::Bye) => pump.quit(0),
            Payload::Tick(tick) => {
                println!("tick {}", tick.count);
                if tick.count == 3 {
                    println!("the timer was {}", pump.cancel(beat));
                    pump.post(window, App::Bye)?;
                }
            }
            _ => {}
        }
    }
    std::process::exit(pump.quit_code().unwrap_or(0));
}
