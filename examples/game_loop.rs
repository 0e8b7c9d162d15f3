//! Shows a game's loop at 60 frames a second, with lookups, timers and work on threads beside it.
//!
//! The messages that come between two frames are handled then, for as long as there is time; what is left
//! waits for the next gap. At the end: how late the frames were. `--seconds N`, or Ctrl-C, ends it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::{Budget, ExternalId, HostQuery, Message, Payload, Pump, Timer, WindowId};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The upper ends of the histogram's rows.
const LATE_MICROS: [u128; 9] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 16_667, u128::MAX];

/// What other threads post.
enum App {
    Key,
    CtrlC,
}

#[derive(Default)]
struct World {
    level: Option<ExternalId<Vec<u8>>>,
    keys: u32,
    enemies: u64,
    hosts: u32,
    levels: u32,
    screen: Vec<u32>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("game_loop: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut seconds = 3.0;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("seconds") => seconds = arguments.value()?.parse().map_err(|error| format!("--seconds: {error}"))?,
            Long("help") => {
                println!("game_loop [--seconds SECONDS]: 60 frames a second for so long, 3 by default");
                return Ok(());
            }
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    let mut pump = Pump::<App>::new()?;
    let window = pump.open_window();
    let ctrl_c = pump.poster();
    ctrlc::set_handler(move || drop(ctrl_c.post(window, App::CtrlC)))?;
    let keyboard = pump.poster();
    std::thread::spawn(move || {
        // A player who leans on the keyboard: 200 keys at a time, until the game is over.
        while (0..200).all(|_| keyboard.post(window, App::Key).is_ok()) {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    pump.set_timer(window, Timer::every(Duration::from_millis(30)))?;
    let mut world = World { screen: vec![0; 160 * 90], ..World::default() };
    load_level(&mut pump, window, &mut world)?;

    let started = Instant::now();
    let length = Duration::try_from_secs_f64(seconds).map_err(|error| format!("--seconds {seconds}: {error}"))?;
    let end = started.checked_add(length).ok_or_else(|| format!("--seconds {seconds}: no clock goes so far"))?;
    let (mut frame_due, mut frames, mut skipped) = (started + FRAME, 0, 0);
    let mut lateness = [0; LATE_MICROS.len()];
    while pump.quit_code().is_none() && frame_due < end {
        // Until the frame is due: handle what there is, or sleep in the pump.
        while Instant::now() < frame_due && pump.quit_code().is_none() {
            match pump.next_message() {
                Some(message) => handle(&mut pump, window, &mut world, message)?,
                None => _ = pump.turn(Budget::wait_until(frame_due).messages(64).time(Duration::from_millis(2)))?,
            }
        }
        let late = frame_due.elapsed().as_micros();
        lateness[LATE_MICROS.iter().position(|&limit| late < limit).unwrap_or(0)] += 1;
        draw(&mut world, frames);
        frames += 1;
        frame_due += FRAME;
        while frame_due < Instant::now() {
            (frame_due, skipped) = (frame_due + FRAME, skipped + 1);
        }
    }
    let World { keys, enemies, hosts, levels, .. } = world;
    println!("{frames} frames in {:.2?}, {skipped} skipped; beside them", started.elapsed());
    println!("{keys} keys, {enemies} enemies, {hosts} lookups, {levels} levels, in {:?} turns", pump.metrics().turns);
    println!("frames by how late they began:");
    for (limit, count) in LATE_MICROS.into_iter().zip(lateness) {
        let name = if limit == u128::MAX { "more".to_owned() } else { format!("< {:.2} ms", limit as f64 / 1e3) };
        println!("{name:>10} {count:>5} {}", "#".repeat(count * 50 / frames.max(1)));
    }
    Ok(())
}

fn handle(
    pump: &mut Pump<App>,
    window: WindowId,
    world: &mut World,
    message: Message<App>,
) -> Result<(), Box<dyn std::error::Error>> {
    match message.payload {
        Payload::Posted(App::Key) => world.keys += 1,
        Payload::Posted(App::CtrlC) => pump.quit(0),
        Payload::Tick(tick) => {
            world.enemies += 1 + tick.missed;
            pump.lookup_host(window, HostQuery::by_name("score.localhost"))?;
        }
        Payload::Host(result) => world.hosts += u32::from(result.is_ok()),
        Payload::External(mut end) => {
            if let Some(Ok(level)) = world.level.and_then(|id| end.of(id)) {
                world.levels += u32::from(!level.is_empty());
                load_level(pump, window, world)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Has a thread make a level, which takes it longer than a frame.
fn load_level(pump: &mut Pump<App>, window: WindowId, world: &mut World) -> Result<(), Box<dyn std::error::Error>> {
    let (level, completer) = pump.start_external(window)?;
    world.level = Some(level);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50)); // the disk is slow
        completer.complete(vec![1; 100_000]).is_ok()
    });
    Ok(())
}

fn draw(world: &mut World, frame: usize) {
    for (place, pixel) in world.screen.iter_mut().enumerate() {
        *pixel = (place * frame) as u32 ^ world.keys;
    }
    std::hint::black_box(&world.screen);
}
