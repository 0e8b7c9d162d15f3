//! The bytes of an answer, read as a C program reads them.

use msgpump::winsock::{Answer, htons};

use crate::memory::{Memory, POINTER};
use crate::support::Fixture;

fn answer(ask: impl FnOnce(&mut Fixture)) -> Answer {
    let mut fixture = Fixture::new();
    fixture.simulation.write_file("/etc/hosts", "192.0.2.7 filed.test file-alias other-alias\n");
    ask(&mut fixture);
    fixture.one().answer.expect("it has an answer")
}

#[test]
fn t18_a_host_lies_inside_of_the_buffer() {
    for (name, aliases, addresses) in [
        ("filed.test", vec!["file-alias", "other-alias"], vec![[192, 0, 2, 7]]),
        ("mail.test", vec![], vec![[192, 0, 2, 25], [192, 0, 2, 26]]),
    ] {
        let answer = answer(|fixture| {
            fixture.host(name, 1024).expect("it starts");
        });
        // As many guard bytes on each side.
        let mut guarded = vec![0xAA; 16 + 1024 + 16];
        let size = answer.write_to(&mut guarded[16..16 + 1024]).expect("it fits");
        assert!(guarded[..16].iter().chain(&guarded[16 + size..]).all(|&byte| byte == 0xAA), "guard bytes");
        let memory = Memory(&guarded[16..16 + size]);
        assert_eq!(
            (memory.text(0), memory.texts(POINTER)),
            (name.to_owned(), aliases.iter().map(|&alias| alias.to_owned()).collect())
        );
        assert_eq!((memory.short(2 * POINTER), memory.short(2 * POINTER + 2)), (2, 4));
        let list = memory.list(if POINTER == 8 { 24 } else { 12 });
        let mut found: Vec<_> = list
            .into_iter()
            .map(|place| memory.target(place).expect("an address"))
            .map(|place| <[u8; 4]>::try_from(&memory.0[place..place + 4]).expect("four bytes"))
            .collect();
        found.sort_unstable();
        assert_eq!(found, addresses, "in network order");
    }
}

#[test]
fn a_service_as_c_reads_it() {
    let answer = answer(|fixture| {
        fixture.service("http", Some("tcp"), 1024).expect("it starts");
    });
    let mut buffer = vec![0xAA; answer.size()];
    answer.write_to(&mut buffer).expect("it fits");
    let memory = Memory(&buffer);
    let (protocol_at, port_at) = if POINTER == 8 { (16, 24) } else { (12, 8) };
    assert_eq!((memory.text(0), memory.text(protocol_at)), ("http".to_owned(), "tcp".to_owned()));
    assert_eq!(memory.short(port_at) as u16, htons(80));
    assert!(memory.texts(POINTER).contains(&"www".to_owned()));
}

#[test]
fn a_protocol_as_c_reads_it() {
    let answer = answer(|fixture| {
        fixture.number(6, 1024).expect("it starts");
    });
    let mut buffer = vec![0xAA; answer.size()];
    answer.write_to(&mut buffer).expect("it fits");
    let memory = Memory(&buffer);
    assert_eq!((memory.text(0), memory.texts(POINTER)), ("tcp".to_owned(), vec!["TCP".to_owned()]));
    assert_eq!(memory.short(2 * POINTER), 6);
}

#[test]
fn the_size_does_not_depend_on_where_the_buffer_is() {
    let answer = answer(|fixture| {
        fixture.host("filed.test", 1024).expect("it starts");
    });
    let mut memory = vec![0; answer.size() + 16];
    for start in 0..16 {
        assert_eq!(answer.write_to(&mut memory[start..start + answer.size()]), Ok(answer.size()));
        assert!(answer.write_to(&mut memory[start..start + answer.size() - 1]).is_err());
    }
}
