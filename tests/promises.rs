//! The pump's promises, each a property that must hold under random schedules.
//!
//! A schedule posts, starts, cancels, destroys, lets time pass and takes messages, on a simulated outside
//! whose name servers lose, delay, forge and fail. Beside the pump a plain model knows what may still be
//! seen. A failure names its seed.

#[path = "promises/in_hand.rs"]
mod in_hand;
#[path = "promises/kinds.rs"]
mod kinds;
#[path = "promises/model.rs"]
mod model;
#[path = "promises/random.rs"]
mod random;

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Peer, Simulation};
use msgpump::{
    Budget, Cancelled, Connect, EventSource, Filter, GroupId, HostQuery, Interest, Message, OperationId, Owner,
    Payload, PostRefusal, Poster, ProtocolQuery, Provider, Pump, ResolverConfig, Rest, ServiceQuery, Settings, Slice,
    Step, StreamSettings, Swept, Timer, WindowId, items,
};

use random::{Choose, Random};

const CAPACITY: usize = 12;

/// How many lookups are asked at a time, each over one socket.
const LOOKUPS_ASKED_MAX: usize = 4;

fn stage(seed: u64, random: &mut Random) -> (Simulation, Pump<u64>) {
    let simulation = Simulation::new(seed);
    let acts = [
        Act::Answer,
        Act::Drop,
        Act::Delay(Duration::from_millis(1500)),
        Act::Duplicate,
        Act::WrongId,
        Act::WrongSource,
        Act::WrongQuestion,
        Act::Truncate,
        Act::Code(2),
        Act::Code(5),
        Act::RefuseEdns,
        Act::Garble,
        Act::Split,
        Act::Refuse,
        Act::Reset,
    ];
    let addresses = [([192, 0, 2, 53], 53).into(), ([192, 0, 2, 54], 53).into()];
    for address in addresses {
        let mut server = NameServer::new()
            .host("a.test", ["192.0.2.1", "2001:db8::1"])
            .host("b.test", ["192.0.2.2"])
            .alias("c.test", "b.test")
            .loss(random.below(40) as u8);
        for _ in 0..random.below(30) {
            server = server.then(acts[random.below(acts.len())]);
        }
        simulation.name_server(address, server);
    }
    simulation.write_file("/etc/hosts", "192.0.2.9 filed.test\n");
    if random.below(4) == 0 {
        simulation.limit_descriptors(1 + random.below(3));
    }
    let config = ResolverConfig::new(addresses)
        .with_timeout(Duration::from_secs(1))
        .with_lookups_in_flight_max(1 + random.below(LOOKUPS_ASKED_MAX));
    let settings = Settings::default().queue_capacity(CAPACITY).resolver(config).expect("within the limits");
    let pump = simulation.pump(settings);
    (simulation, pump)
}

/// What the model knows of an operation.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Once,
    Repeating,
    Lookup,
}

struct Operation {
    window: WindowId,
    group: Option<GroupId>,
    kind: Kind,
    ticks: u64,
}

/// What may still be seen.
#[derive(Default)]
struct Model {
    windows: Vec<WindowId>,
    groups: Vec<GroupId>,
    live: HashMap<OperationId, Operation>,
    ended: Vec<OperationId>,
    posts: VecDeque<(WindowId, u64)>,
    /// What other threads posted and no turn has taken over.
    inbox: VecDeque<(WindowId, u64)>,
    finals: HashSet<OperationId>,
    started: usize,
    last_number: u64,
}

/// How often a schedule does what, out of the sum of all.
#[derive(Clone, Copy)]
struct Mix {
    posts: usize,
    starts: usize,
    cancels: usize,
    sweeps: usize,
    destroys: usize,
    turns: usize,
    takes: usize,
}

const EVERYTHING: Mix = Mix { posts: 3, starts: 5, cancels: 1, sweeps: 1, destroys: 1, turns: 2, takes: 2 };

impl Model {
    /// A turn takes over what other threads posted, as far as there is room.
    fn turned(&mut self) {
        while self.posts.len() < CAPACITY {
            let Some(post) = self.inbox.pop_front() else { break };
            self.posts.push_back(post);
        }
    }

    fn forget(&mut self, gone: impl Fn(&Operation) -> bool) -> usize {
        let ended: Vec<_> = self.live.iter().filter(|(_, operation)| gone(operation)).map(|(&id, _)| id).collect();
        for id in &ended {
            self.live.remove(id);
            self.ended.push(*id);
        }
        ended.len()
    }

    /// Every message that is taken is one that may be seen.
    fn take(&mut self, message: Message<u64>, seed: u64) {
        match (message.operation, message.payload) {
            (None, Payload::Posted(number)) => {
                let expected = self.posts.pop_front();
                assert_eq!(expected, Some((message.window, number)), "seed {seed}: posts come in order, each once");
            }
            (None, other) => panic!("seed {seed}: unexpected {other:?}"),
            (Some(id), payload) => {
                let operation = self.live.get_mut(&id);
                let operation = operation.unwrap_or_else(|| panic!("seed {seed}: {id} is over, and {payload:?} came"));
                assert_eq!(operation.window, message.window, "seed {seed}");
                let is_final = match (&payload, operation.kind) {
                    (Payload::Tick(tick), Kind::Once) => {
                        assert_eq!((tick.count, tick.missed), (1, 0), "seed {seed}");
                        true
                    }
                    (Payload::Tick(tick), Kind::Repeating) => {
                        operation.ticks += 1;
                        assert_eq!(tick.count, operation.ticks, "seed {seed}: ticks are counted one by one");
                        false
                    }
                    (Payload::HostPart(_), Kind::Lookup) => false,
                    (Payload::Host(_) | Payload::Service(_) | Payload::Protocol(_), Kind::Lookup) => true,
                    (payload, _) => panic!("seed {seed}: {payload:?} is of another kind than {id}"),
                };
                if is_final {
                    self.live.remove(&id);
                    self.ended.push(id);
                    assert!(self.finals.insert(id), "seed {seed}: {id} ended twice");
                }
            }
        }
    }
}

/// Runs one random schedule to its quiet end, and checks what holds on the way and then.
fn run(seed: u64, mix: Mix) -> Model {
    let mut random = Random::new(seed);
    let (simulation, mut pump) = stage(seed, &mut random);
    let poster = pump.poster();
    let mut model = Model { windows: vec![pump.root_window()], ..Model::default() };
    let steps = ["post", "start", "cancel", "sweep", "destroy", "turn", "take"];
    let weights = [mix.posts, mix.starts, mix.cancels, mix.sweeps, mix.destroys, mix.turns, mix.takes];
    let wheel: Vec<_> = steps.into_iter().zip(weights).flat_map(|(step, weight)| vec![step; weight]).collect();
    for _ in 0..120 {
        if model.windows.len() < 5 && random.below(8) == 0 {
            model.windows.push(pump.open_window());
            model.groups.push(pump.open_group());
        }
        match random.pick(&wheel).expect("something is done") {
            "post" if random.below(3) == 0 => post_from_elsewhere(&poster, &mut model, &mut random, seed),
            "post" => post(&mut pump, &mut model, &mut random, seed),
            "start" => start(&mut pump, &mut model, &mut random, seed),
            "cancel" => cancel(&mut pump, &mut model, &mut random, seed),
            "sweep" => sweep(&mut pump, &mut model, &mut random, seed),
            "destroy" => destroy(&mut pump, &mut model, &mut random, seed),
            "turn" => {
                simulation.advance(Duration::from_millis(random.below(1500) as u64));
                pump.turn(Budget::no_wait()).expect("the stage does not fail");
                model.turned();
            }
            _ => {
                pump.turn(Budget::wait(Duration::from_millis(random.below(400) as u64))).expect("the stage works");
                model.turned();
                for _ in 0..random.below(6) {
                    let Some(message) = pump.next_message() else { break };
                    model.take(message, seed);
                }
            }
        }
        let metrics = pump.metrics();
        assert_eq!(metrics.operations, model.live.len(), "seed {seed}: operations that live");
        assert!(metrics.sockets <= LOOKUPS_ASKED_MAX, "seed {seed}: {} sockets", metrics.sockets);
        let room_of_operations = 3 * metrics.operations;
        assert!(metrics.queued <= CAPACITY + room_of_operations, "seed {seed}: {} messages", metrics.queued);
        for id in &model.ended {
            assert!(!pump.is_live(*id), "seed {seed}: {id} is over");
        }
    }
    finish(&simulation, &mut pump, model, seed)
}

fn post(pump: &mut Pump<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    let window = random.pick(&model.windows).expect("the root window stays");
    model.last_number += 1;
    match pump.post(window, model.last_number) {
        Ok(()) => model.posts.push_back((window, model.last_number)),
        Err(error) => {
            assert_eq!((error.payload, error.refusal), (model.last_number, PostRefusal::Full), "seed {seed}");
            assert_eq!(model.posts.len(), CAPACITY, "seed {seed}: refused with room left");
        }
    }
}

fn post_from_elsewhere(poster: &Poster<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    let window = random.pick(&model.windows).expect("the root window stays");
    model.last_number += 1;
    let (poster, number) = (poster.clone(), model.last_number);
    let posted = std::thread::scope(|scope| scope.spawn(move || poster.post(window, number)).join());
    match posted.expect("a post does not panic") {
        Ok(()) => model.inbox.push_back((window, number)),
        Err(error) => {
            assert_eq!((error.payload, error.refusal), (number, PostRefusal::Full), "seed {seed}");
            assert_eq!(model.inbox.len(), CAPACITY, "seed {seed}: refused with room left");
        }
    }
}

fn cancel(pump: &mut Pump<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    let of_live: Vec<_> = model.live.keys().copied().collect();
    let from = if random.below(4) == 0 { &model.ended } else { &of_live };
    let Some(id) = random.pick(from) else { return };
    let was_live = model.live.remove(&id).is_some();
    let (before, purged_before) = (pump.metrics().queued, pump.metrics().purged_messages);
    let cancelled = pump.cancel(id);
    let purged = (pump.metrics().purged_messages - purged_before) as usize;
    assert_eq!(before - pump.metrics().queued, purged, "seed {seed}: what is purged is gone from the queue");
    match cancelled {
        Cancelled::Pending => assert!(was_live, "seed {seed}: {id}"),
        Cancelled::Queued(messages) => assert!(was_live && messages == purged && messages > 0, "seed {seed}: {id}"),
        Cancelled::Over => assert!(!was_live && purged == 0, "seed {seed}: {id}"),
        Cancelled::Unknown => panic!("seed {seed}: {id} was given out by this pump"),
    }
    assert_eq!(pump.cancel(id), Cancelled::Over, "seed {seed}: cancel can be repeated");
    model.ended.push(id);
}

fn sweep(pump: &mut Pump<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    if random.below(3) == 0 {
        let window = random.pick(&model.windows).expect("the root window stays");
        let expected = model.forget(|operation| operation.window == window);
        assert_eq!(pump.cancel_window(window).operations(), expected, "seed {seed}");
    } else if let Some(group) = random.pick(&model.groups) {
        let expected = model.forget(|operation| operation.group == Some(group));
        assert_eq!(pump.cancel_group(group).operations(), expected, "seed {seed}");
    }
}

fn destroy(pump: &mut Pump<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    if model.windows.len() == 1 {
        return;
    }
    let window = model.windows.swap_remove(1 + random.below(model.windows.len() - 1));
    let expected = model.forget(|operation| operation.window == window);
    model.posts.retain(|post| post.0 != window);
    model.inbox.retain(|post| post.0 != window);
    let swept = pump.destroy_window(window).expect("it was open");
    assert_eq!(swept.operations(), expected, "seed {seed}");
    for refused in [pump.post(window, 7), pump.poster().post(window, 7)] {
        let error = refused.expect_err("it is destroyed");
        assert_eq!((error.payload, error.refusal), (7, PostRefusal::NoSuchWindow(window)), "seed {seed}");
    }
}

fn start(pump: &mut Pump<u64>, model: &mut Model, random: &mut Random, seed: u64) {
    let window = random.pick(&model.windows).expect("the root window stays");
    let group = random.pick(&model.groups).filter(|_| random.below(2) == 0);
    let owner = group.map_or(window.into(), |group| window.in_group(group));
    let names = ["a.test", "b.test", "c.test", "nobody.test", "filed.test", "localhost", "192.0.2.77", "bad name"];
    let name = names[random.below(names.len())];
    let delay = Duration::from_millis(random.below(2500) as u64);
    let queued_before = pump.metrics().messages;
    let (id, kind) = match random.below(8) {
        0 => (pump.set_timer(owner, Timer::once(delay)).expect("the owner is open"), Kind::Once),
        1 => {
            let timer = Timer::every(delay + Duration::from_millis(50));
            (pump.set_timer(owner, timer).expect("the owner is open"), Kind::Repeating)
        }
        2 => (pump.lookup_service(owner, ServiceQuery::by_name("https")).expect("the owner is open"), Kind::Lookup),
        3 => (pump.lookup_protocol(owner, ProtocolQuery::by_number(6)).expect("the owner is open"), Kind::Lookup),
        4 => {
            let query = HostQuery::by_address([192, 0, 2, random.below(4) as u8]);
            (pump.lookup_host(owner, query).expect("the line is long"), Kind::Lookup)
        }
        5 => (pump.lookup_host(owner, HostQuery::by_name(name).streamed()).expect("the line is long"), Kind::Lookup),
        _ => (pump.lookup_host(owner, HostQuery::by_name(name)).expect("the line is long"), Kind::Lookup),
    };
    assert_eq!(pump.metrics().messages, queued_before, "seed {seed}: nothing is delivered inside a start");
    model.started += usize::from(kind != Kind::Repeating);
    let earlier = model.live.insert(id, Operation { window, group, kind, ticks: 0 });
    assert!(earlier.is_none() && !model.ended.contains(&id), "seed {seed}: {id} was given out twice");
}

/// Lets everything end: one final message for each operation, and nothing is left.
fn finish(simulation: &Simulation, pump: &mut Pump<u64>, mut model: Model, seed: u64) -> Model {
    let repeating: Vec<_> =
        model.live.iter().filter(|(_, operation)| operation.kind == Kind::Repeating).map(|(&id, _)| id).collect();
    for id in repeating {
        assert_eq!(pump.cancel(id), Cancelled::Pending, "seed {seed}");
        model.live.remove(&id);
        model.ended.push(id);
    }
    let mut turns = 0;
    loop {
        while let Some(message) = pump.next_message() {
            model.take(message, seed);
        }
        match pump.rest() {
            Rest::Forever => break,
            _ => {
                pump.turn(Budget::wait_forever()).expect("something is due");
                model.turned();
            }
        }
        turns += 1;
        assert!(turns < 5000, "seed {seed}: it never comes to rest, {:?}", pump.metrics());
    }
    assert!(model.live.is_empty(), "seed {seed}: {} operations never ended", model.live.len());
    assert!(model.posts.is_empty() && model.inbox.is_empty(), "seed {seed}: posts were lost");
    let metrics = pump.metrics();
    let left = (metrics.operations, metrics.timers, metrics.sockets, metrics.queued, metrics.lookups_in_line);
    assert_eq!(left, (0, 0, 0, 0, 0), "seed {seed}");
    assert_eq!(simulation.open_sockets(), 0, "seed {seed}: a socket was left open");
    model
}

/// Promise 1. Whatever is taken must be of an operation that the model still knows.
#[test]
fn p01_silence_after_cancel() {
    for seed in 0..400 {
        run(seed, Mix { cancels: 5, ..EVERYTHING });
    }
}

/// Promise 2. Nothing is cancelled here, so every operation ends in exactly one final message.
#[test]
fn p02_exactly_once() {
    for seed in 1000..1300 {
        let model = run(seed, Mix { cancels: 0, sweeps: 0, destroys: 0, ..EVERYTHING });
        assert_eq!(model.finals.len(), model.started, "seed {seed}");
    }
}

/// Promise 3. The queue is full of posts most of the time, and no final message is missing.
#[test]
fn p03_no_lost_completion() {
    for seed in 2000..2200 {
        let mix = Mix { posts: 12, takes: 1, cancels: 0, sweeps: 0, destroys: 0, ..EVERYTHING };
        let model = run(seed, mix);
        assert_eq!(model.finals.len(), model.started, "seed {seed}");
    }
}

/// Promise 4. A start takes nothing and gives nothing: its outcome is seen when it is asked for.
#[test]
fn p04_never_inside_the_start() {
    for seed in 3000..3200 {
        run(seed, Mix { starts: 12, ..EVERYTHING });
    }
}

/// Promise 5. No id is given out twice, and those of what is over stay over.
#[test]
fn p05_ids_never_alias() {
    for seed in 4000..4200 {
        run(seed, Mix { starts: 8, cancels: 6, destroys: 4, ..EVERYTHING });
    }
}

/// Promise 6. A cancel says what it prevented, and takes out of the queue just that.
#[test]
fn p06_cancel_is_exact() {
    for seed in 5000..5300 {
        run(seed, Mix { cancels: 8, takes: 1, ..EVERYTHING });
    }
}

/// Promise 7. Groups and windows sweep their own operations and no others.
#[test]
fn p07_groups_and_windows() {
    for seed in 6000..6300 {
        run(seed, Mix { sweeps: 5, destroys: 3, ..EVERYTHING });
    }
}

/// Promise 11. Messages and sockets stay within their limits, checked after every step.
#[test]
fn p11_bounded() {
    for seed in 7000..7200 {
        run(seed, Mix { posts: 8, starts: 12, takes: 1, turns: 1, ..EVERYTHING });
    }
}

/// Promise 6. A sweep tells what was under way from what had ended, and counts the messages of both.
#[test]
fn p06_a_sweep_says_what_it_prevented() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<u64>(Settings::default());
    let (group, posts) = (pump.open_group(), 5);
    let sweeps: [fn(&mut Pump<u64>, WindowId, GroupId) -> Option<Swept>; 4] = [
        |pump, _, group| Some(pump.cancel_group(group)),
        |pump, window, _| Some(pump.cancel_window(window)),
        |pump, window, _| pump.destroy_window(window),
        |pump, _, group| pump.close_group(group),
    ];
    for (index, sweep) in sweeps.into_iter().enumerate() {
        let window = pump.open_window();
        let owner = window.in_group(group);
        for number in 0..posts {
            pump.post(window, number).expect("there is room");
        }
        pump.set_timer(owner, Timer::once(Duration::from_secs(1))).expect("open");
        // Two batches wait, and more would come.
        pump.start_stream(owner, items(0..), StreamSettings::default().batch(2).credit(2)).expect("open");
        pump.lookup_service(owner, ServiceQuery::by_port(443)).expect("open");
        pump.lookup_protocol(owner, ProtocolQuery::by_number(6)).expect("open");
        pump.lookup_protocol(owner, ProtocolQuery::by_number(17)).expect("open");
        let _ = pump.turn(Budget::no_wait()).expect("the stage does not fail");
        let before = pump.metrics();
        let swept = sweep(&mut pump, window, group).expect("it is open");
        let of_window = if index == 2 { posts as usize } else { 0 };
        assert_eq!((swept.operations(), swept.pending(), swept.messages()), (5, 2, 5 + of_window), "sweep {index}");
        let after = pump.metrics();
        assert_eq!(before.queued - after.queued, swept.messages(), "sweep {index}");
        assert_eq!((after.purged_messages - before.purged_messages) as usize, swept.messages(), "sweep {index}");
    }
}

/// Promise 11. However a post leaves the queue, another one has room.
#[test]
fn p11_room_comes_back_however_a_post_leaves() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<u64>(Settings::default().queue_capacity(CAPACITY));
    let leave: [fn(&mut Pump<u64>, WindowId) -> usize; 6] = [
        |pump, _| usize::from(pump.next_message().is_some()),
        |pump, window| usize::from(pump.next_message_for(Filter::any().window(window)).is_some()),
        |pump, _| usize::from(pump.next_posted(|&number| number >= 3).is_some()),
        |pump, _| usize::from(pump.next_in_hand(&[]).is_some()),
        |pump, window| pump.purge_posts(window, |&number| number % 2 == 0),
        |pump, window| pump.destroy_window(window).map_or(0, Swept::messages),
    ];
    for (index, leave) in leave.into_iter().enumerate() {
        let window = pump.open_window();
        let mut room = CAPACITY;
        // Each round after the first has just the room that the one before has made.
        for round in 0..3 {
            for number in 0..room {
                pump.post(window, number as u64).unwrap_or_else(|error| panic!("way {index}, round {round}: {error}"));
            }
            let refused = pump.post(window, 99).expect_err("the queue is full").refusal;
            assert_eq!(refused, PostRefusal::Full, "way {index}, round {round}");
            room = leave(&mut pump, window);
            assert!(room > 0 && pump.metrics().queued == CAPACITY - room, "way {index}, round {round}");
            if !pump.has_window(window) {
                break;
            }
        }
        pump.destroy_window(window);
    }
}

/// Promise 12. A pump dropped with everything under way leaves nothing behind and waits for nobody.
#[test]
fn p12_dropping_is_bounded() {
    for seed in 8000..8200 {
        let mut random = Random::new(seed);
        let (simulation, mut pump) = stage(seed, &mut random);
        let mut model = Model { windows: vec![pump.root_window()], ..Model::default() };
        for _ in 0..30 {
            start(&mut pump, &mut model, &mut random, seed);
        }
        pump.turn(Budget::wait(Duration::from_millis(random.below(3000) as u64))).expect("the stage works");
        let (elapsed, poster, root) = (simulation.elapsed(), pump.poster(), pump.root_window());
        drop(pump);
        assert_eq!((simulation.open_sockets(), simulation.elapsed()), (0, elapsed), "seed {seed}");
        assert_eq!(poster.post(root, 1).map_err(|error| error.refusal), Err(PostRefusal::PumpGone), "seed {seed}");
    }
}

#[test]
fn silence_after_cancel_in_every_state_of_a_lookup() {
    let server = ([192, 0, 2, 53], 53).into();
    // How long the lookup runs before it is cancelled, and what the server does.
    for act in [Act::Answer, Act::Drop, Act::Truncate, Act::Split, Act::Code(2), Act::Delay(Duration::from_secs(2))] {
        for wait_ms in [0, 1, 2, 3, 500, 1500, 2500, 20_000] {
            let simulation = Simulation::new(1);
            let zone = NameServer::new().host("www.corp.test", ["192.0.2.1", "2001:db8::1"]);
            simulation.name_server(server, zone.always(act));
            let config = ResolverConfig::new([server]).with_search(["corp.test"]).with_ndots(1);
            let mut pump = simulation.pump::<()>(Settings::default().resolver(config).expect("within the limits"));
            let root = pump.root_window();
            let lookup = pump.lookup_host(root, HostQuery::by_name("www").streamed()).expect("the root is open");
            let other = pump.lookup_host(root, HostQuery::by_name("www")).expect("the root is open");
            let end = simulation.now() + Duration::from_millis(wait_ms);
            while simulation.now() < end {
                let _ = pump.turn(Budget::wait_until(end)).expect("the stage does not fail");
                if pump.rest() == Rest::Ready {
                    break;
                }
            }
            let cancelled = pump.cancel(lookup);
            assert!(matches!(cancelled, Cancelled::Pending | Cancelled::Queued(_)), "{act:?} {wait_ms}: {cancelled:?}");
            let message = pump.get_message().expect("the other one ends").expect("nobody quits");
            assert_eq!(message.operation, Some(other), "{act:?} after {wait_ms} ms");
            assert!(pump.next_message().is_none());
            assert_eq!((pump.metrics().sockets, pump.rest()), (0, Rest::Forever), "{act:?} after {wait_ms} ms");
        }
    }
}

#[test]
fn p08_queued_messages_come_in_order_then_quit_then_ticks() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<u32>(Settings::default());
    let (first, second) = (pump.open_window(), pump.open_window());
    let timer = pump.set_timer(first, Timer::once(Duration::ZERO)).expect("open");
    simulation.advance(Duration::from_millis(1));
    let _ = pump.turn(Budget::no_wait()).expect("the stage does not fail");
    pump.post(first, 1).expect("room");
    let lookup = pump.lookup_service(second, ServiceQuery::by_port(443)).expect("open");
    pump.quit(7);
    pump.post(second, 2).expect("room");
    let mut seen = Vec::new();
    while let Some(message) = pump.next_message() {
        seen.push((message.operation, message.payload.kind()));
    }
    use msgpump::Kind::*;
    let expected = [(None, Posted), (Some(lookup), Service), (None, Posted), (None, Quit), (Some(timer), Tick)];
    assert_eq!(seen, expected);
    assert_eq!(pump.get_message().expect("no wait").is_none(), pump.quit_code() == Some(7));
}

#[test]
fn p08_a_flood_of_posts_starves_neither_ticks_nor_lookups_nor_quit() {
    let simulation = Simulation::new(1);
    let server = ([192, 0, 2, 53], 53).into();
    simulation.name_server(server, NameServer::new().host("a.test", ["192.0.2.1"]));
    let config = ResolverConfig::new([server]);
    let mut pump = simulation.pump::<u32>(Settings::default().resolver(config).expect("within the limits"));
    let root = pump.root_window();
    pump.set_timer(root, Timer::once(Duration::from_millis(1))).expect("open");
    pump.lookup_host(root, HostQuery::by_name("a.test")).expect("open");
    pump.post(root, 0).expect("room");
    let (mut posts, mut others) = (0, Vec::new());
    while let Some(message) = pump.get_message().expect("the stage does not fail") {
        match message.payload {
            Payload::Posted(number) => {
                posts += 1;
                simulation.advance(Duration::from_micros(100));
                pump.post(root, number + 1).expect("room");
                if others.len() == 2 {
                    pump.quit(0);
                }
            }
            payload => others.push(payload.kind()),
        }
        assert!(posts < 1000, "starved: {others:?} came");
    }
    assert_eq!(others.len(), 2);
}

#[test]
fn p09_idle_is_free() {
    let mut pump = Pump::<u32>::new().expect("the system gives a queue");
    let root = pump.root_window();
    pump.set_timer(root, Timer::once(Duration::from_secs(3600))).expect("open");
    for _ in 0..1000 {
        assert_eq!(pump.turn(Budget::no_wait()).expect("the system works").taken_over, 0);
    }
    assert_eq!((pump.metrics().turns, pump.metrics().waits), (1000, 0), "no system call for nothing");
    assert!(matches!(pump.rest(), Rest::Until(_)));
}

/// A provider that wants to be asked again after this long, and then no more.
struct AskedAgainAfter(Duration);

impl Provider for AskedAgainAfter {
    type Item = ();
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, ()>) -> Step<()> {
        Step::At(slice.now() + self.0)
    }
}

/// A host sleeps until the soonest deadline of whatever kind, and not longer.
#[test]
fn p09_the_next_deadline_is_the_soonest_of_every_kind() {
    let server: SocketAddr = ([192, 0, 2, 53], 53).into();
    let silent: SocketAddr = ([192, 0, 2, 1], 80).into();
    for rotation in 0..4 {
        let [timer, stream, lookup, connect] = [0, 1, 2, 3].map(|kind| Duration::from_secs(1 + (kind + rotation) % 4));
        let simulation = Simulation::new(1);
        simulation.peer(silent, Peer::new().is_silent());
        simulation.name_server(server, NameServer::new().always(Act::Drop));
        let config = ResolverConfig::new([server]).with_timeout(lookup).with_attempts(1);
        let mut pump = simulation.pump::<()>(Settings::default().resolver(config).expect("within the limits"));
        let root = pump.root_window();
        let mut started = [
            (timer, pump.set_timer(root, Timer::once(timer)).expect("open")),
            (stream, pump.start_stream(root, AskedAgainAfter(stream), StreamSettings::default()).expect("open").id()),
            (lookup, pump.lookup_host(root, HostQuery::by_name("a.test")).expect("open")),
            (connect, pump.connect(root, Connect::from(silent).deadline(connect)).expect("open")),
        ];
        let _ = pump.turn(Budget::no_wait()).expect("the stage does not fail");
        started.sort();
        for (after, operation) in started {
            let soonest = pump.next_deadline().expect("all of them have one");
            assert_eq!(soonest - simulation.now(), after, "rotation {rotation}");
            assert_eq!(pump.rest(), Rest::Until(soonest));
            pump.cancel(operation);
        }
        assert_eq!((pump.next_deadline(), pump.rest()), (None, Rest::Forever));
    }
}

/// A payload whose drop posts to the pump it was purged from.
struct Echo {
    poster: Poster<Echo>,
    window: WindowId,
    echoes: u32,
}

impl Drop for Echo {
    fn drop(&mut self) {
        if self.echoes > 0 {
            let echo = Echo { poster: self.poster.clone(), window: self.window, echoes: self.echoes - 1 };
            if let Err(mut refused) = self.poster.post(self.window, echo) {
                refused.payload.echoes = 0;
            }
        }
    }
}

#[test]
fn p10_a_purged_payload_may_post_from_its_drop() {
    let mut pump = Pump::new().expect("the system gives a queue");
    let (poster, window, other) = (pump.poster(), pump.open_window(), pump.open_window());
    assert!(pump.post(window, Echo { poster, window: other, echoes: 1 }).is_ok());
    assert_eq!(pump.destroy_window(window).map(|swept| swept.messages()), Some(1));
    let _ = pump.turn(Budget::no_wait()).expect("the system works");
    let echo = pump.next_message().expect("the drop posted");
    assert_eq!(echo.window, other);
    drop(pump);
    // The pump is gone: the echo's own drop is refused and nothing happens.
    drop(echo);
}

/// Panics when it is dropped, where it is armed.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 && !std::thread::panicking() {
            panic!("on purpose");
        }
    }
}

impl Provider for Bomb {
    type Item = ();
    type Status = ();

    fn step(&mut self, _: &mut Slice<'_, ()>) -> Step<()> {
        Step::Parked
    }
}

impl EventSource for Bomb {
    fn register(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> std::io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> std::io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &mio::Registry) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn p10_a_panic_in_a_payloads_drop_leaves_the_pump_usable() {
    let mut pump = Pump::new().expect("the system gives a queue");
    let (window, other) = (pump.open_window(), pump.open_window());
    for armed in [false, true, false] {
        assert!(pump.post(window, Bomb(armed)).is_ok());
    }
    assert!(pump.post(other, Bomb(false)).is_ok());
    let destroyed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pump.destroy_window(window)));
    assert!(destroyed.is_err());
    assert!(!pump.has_window(window));
    assert_eq!(pump.next_message().map(|message| message.window), Some(other));
    assert!(pump.next_message().is_none());
    assert_eq!(pump.metrics().queued, 0);
}

/// What is the program's own is dropped when all operations of the sweep are gone.
#[test]
fn p10_a_panic_in_the_drop_of_what_an_operation_held_spares_no_other_one_of_the_sweep() {
    let start: [(&str, fn(&mut Pump<()>, Owner)); 3] = [
        ("result", |pump, owner| {
            let (_, completer) = pump.start_external(owner).expect("open");
            assert!(completer.complete(Bomb(true)).is_ok());
        }),
        ("provider", |pump, owner| {
            assert!(pump.start_stream(owner, Bomb(true), StreamSettings::default()).is_ok());
        }),
        ("source", |pump, owner| assert!(pump.watch(owner, Bomb(true), Interest::READABLE).is_ok())),
    ];
    let sweeps: [(&str, fn(&mut Pump<()>, WindowId, GroupId)); 4] = [
        ("cancel_group", |pump, _, group| _ = pump.cancel_group(group)),
        ("close_group", |pump, _, group| _ = pump.close_group(group)),
        ("cancel_window", |pump, window, _| _ = pump.cancel_window(window)),
        ("destroy_window", |pump, window, _| _ = pump.destroy_window(window)),
    ];
    for (of, start) in start {
        for (verb, sweep) in sweeps {
            let mut pump = Pump::new().expect("the system gives a queue");
            let (window, group) = (pump.open_window(), pump.open_group());
            let owner = window.in_group(group);
            start(&mut pump, owner);
            // A result waits in the queue then, and a provider has parked.
            let _ = pump.turn(Budget::no_wait()).expect("the system works");
            pump.set_timer(owner, Timer::once(Duration::from_secs(3600))).expect("open");
            let swept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sweep(&mut pump, window, group)));
            assert!(swept.is_err(), "{verb}: the drop of the {of} panics");
            let metrics = pump.metrics();
            assert_eq!((metrics.operations, metrics.timers, metrics.sockets), (0, 0, 0), "{verb}, {of}");
        }
    }
}

#[test]
fn ids_of_another_pump_reach_nobody() {
    let mut ours = Pump::<u32>::new().expect("the system gives a queue");
    let mut other = Pump::<u32>::new().expect("the system gives a queue");
    let window = other.open_window();
    let mine = ours.open_window();
    let timer = other.set_timer(window, Timer::once(Duration::from_secs(1))).expect("open");
    ours.set_timer(mine, Timer::once(Duration::from_secs(1))).expect("open");
    assert_eq!(ours.cancel(timer), Cancelled::Unknown);
    assert!(!ours.has_window(window) && !ours.is_live(timer));
    assert!(ours.destroy_window(window).is_none());
    assert_eq!(ours.post(window, 1).map_err(|error| error.refusal), Err(PostRefusal::NoSuchWindow(window)));
    let group = other.open_group();
    assert_eq!(ours.cancel_group(group).operations(), 0);
    assert!(ours.set_timer(mine.in_group(group), Timer::once(Duration::ZERO)).is_err());
    assert_eq!((ours.metrics().timers, other.metrics().timers), (1, 1));
}

#[test]
fn ten_million_starts_and_cancels_leave_nothing() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    let root = pump.root_window();
    let long_lived = pump.set_timer(root, Timer::once(Duration::from_secs(1_000_000))).expect("open");
    let rounds = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };
    for _ in 0..rounds {
        let timer = pump.set_timer(root, Timer::every(Duration::from_secs(1))).expect("open");
        assert_eq!(pump.cancel(timer), Cancelled::Pending);
    }
    assert_eq!((pump.metrics().operations, pump.metrics().timers), (1, 1));
    assert!(pump.is_live(long_lived));
}
