//! Promise 1 for what was taken and is not dispatched yet, under random schedules.
//!
//! Messages are taken in hand and dispatched later, in any order; procedures do at random what the schedule
//! does, so several are in hand at several depths while operations, groups and windows are stopped.

use std::collections::HashSet;
use std::time::Duration;

use msgpump::dispatcher::Dispatch;
use msgpump::{
    Budget, Dispatcher, GroupId, HostQuery, InHand, Message, OperationId, ProtocolQuery, StreamSettings, Timer,
    WindowId, items,
};

use super::random::{Choose, Random};
use super::stage;

/// How deep procedures go on with the schedule inside themselves.
const DEPTH_MAX: usize = 4;

struct Program {
    random: Random,
    seed: u64,
    depth: usize,
    windows: Vec<WindowId>,
    groups: Vec<GroupId>,
    started: Vec<(OperationId, WindowId, Option<GroupId>)>,
    /// What is stopped: nothing of it may be handled any more.
    cancelled: HashSet<OperationId>,
    destroyed: HashSet<WindowId>,
    /// Taken and not dispatched, with what was known of them then.
    in_hand: Vec<(InHand<u64>, WindowId, Option<OperationId>)>,
    silenced: u64,
    handled: u64,
}

type Programs = Dispatcher<u64, Program>;

impl Program {
    fn is_stopped(&self, window: WindowId, operation: Option<OperationId>) -> bool {
        self.destroyed.contains(&window) || operation.is_some_and(|operation| self.cancelled.contains(&operation))
    }

    fn stop(&mut self, is_meant: impl Fn(OperationId, WindowId, Option<GroupId>) -> bool) {
        let meant = self.started.iter().filter(|&&(id, window, group)| is_meant(id, window, group));
        self.cancelled.extend(meant.map(|&(id, ..)| id));
    }
}

fn handle(dispatcher: &mut Programs, program: &mut Program, message: Message<u64>) {
    let is_stopped = program.is_stopped(message.window, message.operation);
    assert!(!is_stopped, "seed {}: {:?} is handled after its end", program.seed, message.payload.kind());
    program.handled += 1;
    if program.depth < DEPTH_MAX && program.random.below(2) == 0 {
        program.depth += 1;
        for _ in 0..program.random.below(8) {
            step(dispatcher, program);
        }
        program.depth -= 1;
    }
}

fn step(dispatcher: &mut Programs, program: &mut Program) {
    let (window, group) = (program.random.pick(&program.windows), program.random.pick(&program.groups));
    let (window, group) = (window.expect("the root window stays"), group.filter(|_| program.random.below(2) == 0));
    match program.random.below(14) {
        0 if program.windows.len() < 6 => {
            program.windows.push(dispatcher.open_window(handle));
            program.groups.push(dispatcher.pump().open_group());
        }
        // A full queue refuses it, which is as well.
        0 | 1 => drop(dispatcher.pump().post(window, 1)),
        2..=4 => start(dispatcher, program, window, group),
        5 => {
            let Some((id, ..)) = program.random.pick(&program.started) else { return };
            dispatcher.pump().cancel(id);
            program.cancelled.insert(id);
        }
        6 => {
            let Some(group) = group else { return };
            dispatcher.pump().cancel_group(group);
            program.stop(|_, _, of| of == Some(group));
        }
        7 => {
            dispatcher.pump().cancel_window(window);
            program.stop(|_, of, _| of == window);
        }
        8 => {
            if program.windows[0] != window && dispatcher.destroy_window(window).is_some() {
                program.windows.retain(|&open| open != window);
                program.destroyed.insert(window);
            }
        }
        9 => {
            let wait = Duration::from_millis(program.random.below(400) as u64);
            dispatcher.pump().turn(Budget::wait(wait)).expect("the stage works");
        }
        10 | 11 => {
            let Some(message) = dispatcher.next_message() else { return };
            let taken = message.get().expect("it is not silenced yet");
            let (window, operation) = (taken.window, taken.operation);
            assert!(!program.is_stopped(window, operation), "seed {}: taken after its end", program.seed);
            program.in_hand.push((message, window, operation));
        }
        _ => {
            if !program.in_hand.is_empty() {
                let place = program.random.below(program.in_hand.len());
                dispatch(dispatcher, program, place);
            }
        }
    }
}

fn start(dispatcher: &mut Programs, program: &mut Program, window: WindowId, group: Option<GroupId>) {
    let owner = group.map_or(window.into(), |group| window.in_group(group));
    let delay = Duration::from_millis(1 + program.random.below(500) as u64);
    let pump = dispatcher.pump();
    let id = match program.random.below(7) {
        0 => pump.set_timer(owner, Timer::once(delay)).expect("the owner is open"),
        1 => pump.set_timer(owner, Timer::every(delay)).expect("the owner is open"),
        2 => pump.lookup_protocol(owner, ProtocolQuery::by_number(6)).expect("the owner is open"),
        3 => pump.lookup_host(owner, HostQuery::by_name("a.test").streamed()).expect("the line is long"),
        4 => {
            let (work, completer) = pump.start_external(owner).expect("the owner is open");
            completer.complete(7_u32).expect("it is wanted");
            work.id()
        }
        5 => pump.start_stream(owner, items(0..40), StreamSettings::default().batch(8)).expect("it is open").id(),
        _ => pump.lookup_host(owner, HostQuery::by_name("filed.test")).expect("the line is long"),
    };
    program.started.push((id, window, group));
}

fn dispatch(dispatcher: &mut Programs, program: &mut Program, place: usize) {
    let (message, window, operation) = program.in_hand.swap_remove(place);
    let is_stopped = program.is_stopped(window, operation);
    assert_eq!(message.get().is_none(), is_stopped, "seed {}: {operation:?} in {window}", program.seed);
    match dispatcher.dispatch(program, message) {
        Dispatch::Done => assert!(!is_stopped, "seed {}", program.seed),
        Dispatch::Silenced => {
            assert!(is_stopped, "seed {}: {operation:?} in {window} is silenced and lives", program.seed);
            program.silenced += 1;
        }
        Dispatch::Busy(message) => program.in_hand.push((message, window, operation)),
        Dispatch::Unclaimed(message) => panic!("seed {}: nobody handles {message:?}", program.seed),
    }
}

/// Promise 1, for messages in hand.
#[test]
fn p01_silence_after_cancel_also_for_what_is_in_hand() {
    let (mut silenced, mut handled) = (0, 0);
    for seed in 9000..9400 {
        let mut random = Random::new(seed);
        let (_simulation, pump) = stage(seed, &mut random);
        let mut dispatcher = Programs::new(pump);
        let root = dispatcher.pump().root_window();
        dispatcher.set_procedure(root, handle).expect("the root window is open");
        let (cancelled, destroyed) = (HashSet::new(), HashSet::new());
        let (windows, groups, started, in_hand) = (vec![root], Vec::new(), Vec::new(), Vec::new());
        let mut program = Program {
            random,
            seed,
            depth: 0,
            windows,
            groups,
            started,
            cancelled,
            destroyed,
            in_hand,
            silenced: 0,
            handled: 0,
        };
        for _ in 0..200 {
            step(&mut dispatcher, &mut program);
        }
        // What procedures do meanwhile may take more in hand.
        program.depth = DEPTH_MAX;
        while let Some(last) = program.in_hand.len().checked_sub(1) {
            dispatch(&mut dispatcher, &mut program, last);
        }
        assert_eq!(dispatcher.pump().metrics().silenced_messages, program.silenced, "seed {seed}");
        (silenced, handled) = (silenced + program.silenced, handled + program.handled);
    }
    assert!(silenced > 1000 && handled > 1000, "the schedules tried it: {silenced} silenced, {handled} handled");
}
