//! Shows window procedures: a download that goes on while a modal dialog asks whether to stop it.

use std::time::Duration;

use msgpump::dispatcher::Ended;
use msgpump::{Dispatcher, Message, OperationId, Payload, Pump, Timer, WindowId};

/// What this program posts to itself.
#[derive(Clone, Copy)]
enum Key {
    Escape,
    Yes,
    No,
}

/// What every procedure is handed.
#[derive(Default)]
struct App {
    beat: Option<OperationId>,
    percent: u32,
    wants_to_stop: bool,
}

type Programs = Dispatcher<Key, App>;

/// The window of the download: its procedure never waits for anything.
fn download(dispatcher: &mut Programs, app: &mut App, message: Message<Key>) {
    let Payload::Tick(_) = message.payload else { return };
    app.percent += 5;
    println!("{} %", app.percent);
    if app.percent == 100 {
        dispatcher.pump().quit(0);
    }
}

/// The window of the keyboard: Escape asks, and waits for the answer in a loop of its own.
fn keyboard(dispatcher: &mut Programs, app: &mut App, message: Message<Key>) {
    let Payload::Posted(Key::Escape) = message.payload else { return };
    if ask(dispatcher, app) == Ok(Ended::Over) && app.wants_to_stop {
        if let Some(beat) = app.beat {
            println!("stopped at {} %, the beat was {}", app.percent, dispatcher.pump().cancel(beat));
        }
        dispatcher.pump().quit(1);
    }
}

/// Shows a dialog and returns when it is closed, or when the program ends.
fn ask(dispatcher: &mut Programs, app: &mut App) -> Result<Ended, String> {
    println!("Stop the download? (y/n)");
    let dialog = dispatcher.open_window(|dispatcher, app: &mut App, message| {
        let Payload::Posted(key) = message.payload else { return };
        app.wants_to_stop = matches!(key, Key::Yes);
        println!("{}", if app.wants_to_stop { "Yes." } else { "No, go on." });
        dispatcher.destroy_window(message.window);
    });
    let answer = if app.percent < 50 { Key::No } else { Key::Yes };
    type_in(dispatcher, dialog, answer, Duration::from_millis(60));
    dispatcher.run_until(app, |dispatcher, _| !dispatcher.pump().has_window(dialog)).map_err(|error| error.to_string())
}

/// Plays the user, on a thread of its own: a key is pressed after a while.
fn type_in(dispatcher: &mut Programs, window: WindowId, key: Key, delay: Duration) {
    let poster = dispatcher.pump().poster();
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        // It is refused if the window is closed by then.
        poster.post(window, key).is_ok()
    });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut dispatcher = Programs::new(Pump::new()?);
    let screen = dispatcher.open_window(download);
    let keys = dispatcher.open_window(keyboard);
    let beat = dispatcher.pump().set_timer(screen, Timer::every(Duration::from_millis(20)))?;
    let mut app = App { beat: Some(beat), ..App::default() };
    type_in(&mut dispatcher, keys, Key::Escape, Duration::from_millis(50));
    type_in(&mut dispatcher, keys, Key::Escape, Duration::from_millis(230));
    dispatcher.report_slow(Duration::from_millis(16), |slow| eprintln!("{slow}"));
    let code = dispatcher.run(&mut app)?;
    println!("the program ended with {code} at {} %", app.percent);
    Ok(())
}
