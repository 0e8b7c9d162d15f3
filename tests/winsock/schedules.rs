//! The promise of the layer, under random schedules of all its calls.
//!
//! A schedule starts requests of all kinds, cancels some, posts until the queue is full, destroys windows,
//! cleans up and starts again, blocks, and takes messages in several ways. Beside the layer a plain model
//! knows which messages may still be seen. A failure names its seed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Simulation};
use msgpump::winsock::{Delivery, TaskHandle, Version, Winsock, WinsockSettings, WsaData, htons};
use msgpump::{Budget, Filter, Message, Payload, Pump, ResolverConfig, Rest, Settings, WindowId};

use crate::random::Random;
use crate::support::{Ealready, Einval, Ewouldblock, Notinitialised, zone};

const CAPACITY: usize = 8;
const REQUESTS_MAX: usize = 24;

/// What may still be seen, and what handles are.
#[derive(Default)]
struct Model {
    windows: Vec<WindowId>,
    live: HashMap<TaskHandle, (WindowId, u32)>,
    /// Over, in this epoch.
    over: Vec<TaskHandle>,
    /// Of an earlier epoch.
    past: Vec<TaskHandle>,
    /// Requests whose window was destroyed under them: the code of their cancel depends on what they did then.
    orphans: Vec<TaskHandle>,
    seen: HashSet<TaskHandle>,
    started: bool,
    posts: usize,
    last_message: u32,
}

struct Stage {
    simulation: Simulation,
    pump: Pump<u32>,
    winsock: Winsock<u32>,
    model: Model,
    random: Random,
    seed: u64,
    /// Messages that were taken from the pump and not translated yet.
    in_hand: Vec<Message<u32>>,
}

impl Stage {
    fn new(seed: u64) -> Stage {
        let mut random = Random::new(seed);
        let simulation = Simulation::new(seed);
        let acts = [
            Act::Answer,
            Act::Drop,
            Act::Delay(Duration::from_millis(700)),
            Act::Duplicate,
            Act::WrongId,
            Act::Truncate,
            Act::Code(2),
            Act::Code(5),
            Act::Garble,
            Act::Refuse,
        ];
        let mut server: NameServer = zone().latency(Duration::from_millis(random.below(300) as u64));
        for _ in 0..random.below(40) {
            server = server.then(acts[random.below(acts.len())]);
        }
        let address = ([192, 0, 2, 53], 53).into();
        simulation.name_server(address, server);
        let resolver = ResolverConfig::new([address])
            .with_timeout(Duration::from_secs(1))
            .with_lookups_in_flight_max(1 + random.below(4))
            .with_waiting_max(6);
        let core = Settings::default().queue_capacity(CAPACITY).resolver(resolver).expect("within the limits");
        let pump = simulation.pump(core);
        let winsock = Winsock::with_settings(WinsockSettings::default().requests_max(REQUESTS_MAX));
        let model = Model { windows: vec![pump.root_window()], ..Model::default() };
        Stage { simulation, pump, winsock, model, random, seed, in_hand: Vec::new() }
    }

    fn run(mut self, steps: usize) -> usize {
        for _ in 0..steps {
            match self.random.below(24) {
                0..7 => self.start(),
                7..11 => self.cancel(),
                11..13 => self.post(),
                13 => self.open_or_destroy(),
                14 => self.clean_up_or_start(),
                15 => self.block(),
                16..18 => self.turn(),
                18 => self.take_into_hand(),
                19 => self.translate_hand(),
                _ => self.take(),
            }
        }
        self.finish()
    }

    fn start(&mut self) {
        let window = self.random.pick(&self.model.windows).expect("the root window stays");
        self.model.last_message += 1;
        let message = self.model.last_message;
        let buflen = [None, Some(0), Some(40), Some(1024)][self.random.below(4)];
        let names = ["www.test", "mail.test", "alias.test", "nobody.test", "v6.test", "", "1.2.3.4", "bad name"];
        let name = names[self.random.below(names.len())];
        let (pump, winsock) = (&mut self.pump, &mut self.winsock);
        let queued_before = pump.metrics().messages;
        let started = match self.random.below(9) {
            0 => winsock.wsa_async_get_serv_by_name(pump, window, message, "http", None, buflen),
            1 => winsock.wsa_async_get_serv_by_port(pump, window, message, htons(23), "tcp", buflen),
            2 => winsock.wsa_async_get_proto_by_name(pump, window, message, "udp", buflen),
            3 => winsock.wsa_async_get_proto_by_number(pump, window, message, 253, buflen),
            4 => winsock.wsa_async_get_host_by_addr(pump, window, message, &[192, 0, 2, 1], 2, buflen),
            5 => winsock.wsa_async_get_host_by_addr(pump, window, message, &[192], 2, buflen),
            _ => winsock.wsa_async_get_host_by_name(pump, window, message, name, buflen),
        };
        assert_eq!(pump.metrics().messages, queued_before, "seed {}: nothing is delivered inside a start", self.seed);
        match started {
            Ok(task) => {
                assert!(self.model.started, "seed {}", self.seed);
                let is_new = !self.model.over.contains(&task) && !self.model.past.contains(&task);
                assert!(task.raw() != 0 && is_new, "seed {}: {task} again", self.seed);
                assert!(self.model.live.insert(task, (window, message)).is_none(), "seed {}: {task}", self.seed);
            }
            Err(error) if !self.model.started => assert_eq!(error, Notinitialised, "seed {}", self.seed),
            Err(error) => assert_eq!(error, Ewouldblock, "seed {}", self.seed),
        }
    }

    fn cancel(&mut self) {
        let live: Vec<_> = self.model.live.keys().copied().collect();
        let from = match self.random.below(6) {
            0 => &self.model.over,
            1 => &self.model.past,
            2 => &self.model.orphans,
            _ => &live,
        };
        let Some(task) = self.random.pick(from) else { return };
        let result = self.winsock.wsa_cancel_async_request(&mut self.pump, task);
        let seed = self.seed;
        if !self.model.started {
            assert_eq!(result, Err(Notinitialised), "seed {seed}");
        } else if self.model.live.remove(&task).is_some() {
            assert!(result.is_ok() || result == Err(Ealready), "seed {seed}: {task} {result:?}");
            self.model.over.push(task);
        } else if let Some(place) = self.model.orphans.iter().position(|&orphan| orphan == task) {
            assert!(result.is_ok() || result == Err(Ealready), "seed {seed}: {task} {result:?}");
            self.model.orphans.swap_remove(place);
            self.model.over.push(task);
        } else if self.model.over.contains(&task) {
            assert_eq!(result, Err(Ealready), "seed {seed}: {task}");
        } else {
            assert_eq!(result, Err(Einval), "seed {seed}: {task}");
        }
    }

    fn post(&mut self) {
        let window = self.random.pick(&self.model.windows).expect("the root window stays");
        for number in 0..self.random.below(2 * CAPACITY) {
            self.model.posts += usize::from(self.pump.post(window, number as u32).is_ok());
        }
    }

    fn open_or_destroy(&mut self) {
        if self.model.windows.len() < 4 || self.random.below(2) == 0 {
            return self.model.windows.push(self.pump.open_window());
        }
        let window = self.model.windows.swap_remove(1 + self.random.below(self.model.windows.len() - 1));
        let destroyed = match self.random.below(2) {
            0 => self.winsock.destroy_window(&mut self.pump, window),
            _ => self.pump.destroy_window(window),
        };
        assert!(destroyed.is_some(), "seed {}", self.seed);
        let of_window = |&task: &TaskHandle| self.model.live[&task].0 == window;
        let gone: Vec<_> = self.model.live.keys().copied().filter(of_window).collect();
        for task in gone {
            self.model.live.remove(&task);
            self.model.orphans.push(task);
        }
    }

    fn clean_up_or_start(&mut self) {
        if !self.model.started || self.random.below(4) == 0 {
            self.winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("1.1 is offered");
            self.model.started = true;
            return;
        }
        if self.random.below(2) == 0 {
            return;
        }
        while self.winsock.wsa_cleanup(&mut self.pump).is_ok() {}
        let model = &mut self.model;
        model.started = false;
        model.past.extend(model.live.drain().map(|(task, _)| task));
        model.past.append(&mut model.over);
        model.past.append(&mut model.orphans);
    }

    fn block(&mut self) {
        let patience = self.random.below(6);
        let mut runs = 0;
        if self.model.started {
            let hook = Box::new(move |winsock: &mut Winsock<u32>, _: &mut Pump<u32>| {
                runs += 1;
                assert!(runs <= patience || winsock.wsa_cancel_blocking_call().is_ok());
                false
            });
            self.winsock.wsa_set_blocking_hook(hook).expect("1.1 has hooks");
        }
        let name = ["www.test", "mail.test", "nobody.test"][self.random.below(3)];
        let result = self.winsock.gethostbyname(&mut self.pump, name);
        assert!(self.model.started || result == Err(Notinitialised), "seed {}", self.seed);
    }

    fn turn(&mut self) {
        self.simulation.advance(Duration::from_millis(self.random.below(500) as u64));
        let wait = Duration::from_millis(self.random.below(300) as u64);
        self.pump.turn(Budget::wait(wait)).expect("the stage does not fail");
    }

    fn take_into_hand(&mut self) {
        let filter = match self.random.pick(&self.model.windows).filter(|_| self.random.below(2) == 0) {
            Some(window) => Filter::any().window(window),
            None => Filter::any(),
        };
        self.in_hand.extend(self.pump.next_message_for(filter));
    }

    fn translate_hand(&mut self) {
        for message in std::mem::take(&mut self.in_hand) {
            if let Some(delivery) = self.winsock.translate(&mut self.pump, message) {
                self.see(delivery);
            }
        }
    }

    fn take(&mut self) {
        self.translate_hand();
        for _ in 0..self.random.below(4) {
            let Some(delivery) = self.winsock.next_message(&mut self.pump) else { break };
            self.see(delivery);
        }
    }

    /// Whatever is seen is one that may be seen.
    fn see(&mut self, delivery: Delivery<u32>) {
        let seed = self.seed;
        match delivery {
            Delivery::Winsock(message) => {
                let task = message.task();
                let expected = self.model.live.remove(&task);
                assert_eq!(expected, Some((message.window, message.message)), "seed {seed}: {task} must not be seen");
                assert!(self.model.seen.insert(task), "seed {seed}: {task} twice");
                self.model.over.push(task);
            }
            Delivery::Other(Message { payload: Payload::Posted(_), .. }) => {}
            Delivery::Other(other) => panic!("seed {seed}: a message of the layer comes as {other:?}"),
        }
    }

    /// Lets everything end: one message for each request whose window lives, and nothing is left.
    fn finish(mut self) -> usize {
        self.translate_hand();
        let mut turns = 0;
        loop {
            while let Some(delivery) = self.winsock.next_message(&mut self.pump) {
                self.see(delivery);
            }
            if self.pump.rest() == Rest::Forever {
                break;
            }
            self.pump.turn(Budget::wait_forever()).expect("something is due");
            turns += 1;
            assert!(turns < 5000, "seed {}: it never comes to rest", self.seed);
        }
        assert!(self.model.live.is_empty(), "seed {}: {} never ended", self.seed, self.model.live.len());
        let metrics = self.pump.metrics();
        assert_eq!((metrics.operations, metrics.queued, self.simulation.open_sockets()), (0, 0, 0));
        self.model.seen.len()
    }
}

#[test]
fn no_message_of_a_cancelled_request_is_ever_seen() {
    let seen: usize = (0..500).map(|seed| Stage::new(seed).run(150)).sum();
    assert!(seen > 3000, "the schedules deliver too: {seen}");
}
