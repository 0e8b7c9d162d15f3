use slotmap::SlotMap;

use super::*;
use crate::id::{TagLease, WindowId, WindowKey};
use crate::testing::Random;

fn message(window: WindowId, number: u32) -> Message<u32> {
    Message { window, operation: None, payload: Payload::Posted(number) }
}

fn number(message: &Message<u32>) -> u32 {
    match message.payload {
        Payload::Posted(number) => number,
        _ => unreachable!("only posts are queued here"),
    }
}

/// The queue as a plain list of (owner, number).
#[test]
fn agrees_with_a_plain_list_under_random_schedules() {
    const OWNERS: usize = 5;
    let mut windows: SlotMap<WindowKey, ()> = SlotMap::with_key();
    let window = WindowId::new(TagLease::new().tag(), windows.insert(()));
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut queue = MessageQueue::new();
        let mut chains = [Chain::EMPTY; OWNERS];
        let mut model: Vec<(usize, u32)> = Vec::new();
        for step in 0..300 {
            let owner = random.below(OWNERS as u64) as usize;
            match random.below(8) {
                0..=3 => {
                    queue.push(&mut chains[owner], || message(window, step));
                    model.push((owner, step));
                }
                4 => {
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    let position = queue.first();
                    let taken = position.map(|position| {
                        let owner = expected.expect("the model has one too").0;
                        (owner, number(&queue.remove(position, &mut chains[owner]).expect("it waits")))
                    });
                    assert_eq!(taken, expected, "seed {seed} step {step}");
                }
                5 => {
                    let wanted = random.below(u64::from(step) + 1) as u32;
                    let found = queue.find(|message| number(message) >= wanted);
                    let index = model.iter().position(|&(_, number)| number >= wanted);
                    assert_eq!(found.is_some(), index.is_some(), "seed {seed} step {step}");
                    if let (Some(position), Some(index)) = (found, index) {
                        let expected = model.remove(index);
                        assert_eq!(
                            number(&queue.remove(position, &mut chains[expected.0]).expect("it waits")),
                            expected.1
                        );
                    }
                }
                _ => {
                    let before = model.len();
                    model.retain(|&(of, _)| of != owner);
                    assert_eq!(queue.purge(&mut chains[owner]), before - model.len(), "seed {seed} step {step}");
                    while queue.take_purged().is_some() {}
                }
            }
            assert_eq!(queue.len(), model.len(), "seed {seed} step {step}");
            for (owner, chain) in chains.iter().enumerate() {
                let expected = model.iter().find(|entry| entry.0 == owner).map(|entry| entry.1);
                assert_eq!(queue.first_of(*chain).map(|position| number(queue.message_at(position))), expected);
            }
        }
        let rest: Vec<u32> = model.iter().map(|entry| entry.1).collect();
        let mut left = Vec::new();
        queue.find(|message| {
            left.push(number(message));
            false
        });
        assert_eq!(left, rest, "seed {seed} at the end");
    }
}

#[test]
fn nodes_are_reused() {
    let mut windows: SlotMap<WindowKey, ()> = SlotMap::with_key();
    let window = WindowId::new(TagLease::new().tag(), windows.insert(()));
    let mut queue = MessageQueue::new();
    let mut chain = Chain::EMPTY;
    for round in 0..1000 {
        queue.push(&mut chain, || message(window, round));
        queue.push(&mut chain, || message(window, round));
        let position = queue.first().expect("two wait");
        assert!(queue.remove(position, &mut chain).is_some());
        assert_eq!(queue.purge(&mut chain), 1);
        assert!(queue.take_purged().is_some());
    }
    assert_eq!(queue.nodes.len(), 2);
}
