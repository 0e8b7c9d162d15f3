use super::*;

fn question(name: &str, record_type: RecordType) -> Question {
    Question { name: DnsName::parse(name).unwrap(), record_type }
}

#[test]
fn queries_byte_by_byte() {
    const OPT_1232: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let cases = [
        (
            0x1234,
            "a.b",
            RecordType::A,
            None,
            b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0",
            b"\x01a\x01b\0\0\x01\0\x01".as_slice(),
        ),
        (0xffff, ".", RecordType::Aaaa, None, b"\xff\xff\x01\0\0\x01\0\0\0\0\0\0", b"\0\0\x1c\0\x01"),
        (0, "Ab.", RecordType::Ptr, Some(1232), b"\0\0\x01\0\0\x01\0\0\0\0\0\x01", b"\x02Ab\0\0\x0c\0\x01"),
    ];
    let mut buffer = b"what was here before".to_vec();
    for (id, name, record_type, payload, header, asked) in cases {
        encode_query(&mut buffer, id, &question(name, record_type), payload);
        let opt = if payload.is_some() { OPT_1232 } else { b"" };
        assert_eq!(buffer, [header, asked, opt].concat(), "{name}");
    }
}

#[test]
fn the_longest_query_is_as_long_as_promised_and_a_warm_buffer_stays() {
    let longest = question(&"a.".repeat(127), RecordType::Aaaa);
    let mut buffer = Vec::new();
    encode_query(&mut buffer, 1, &longest, Some(EDNS_PAYLOAD_BYTES));
    assert_eq!(buffer.len(), 282);
    let (place, capacity) = (buffer.as_ptr(), buffer.capacity());
    for id in 0..100 {
        encode_query(&mut buffer, id, &longest, Some(EDNS_PAYLOAD_BYTES));
    }
    assert_eq!((buffer.as_ptr(), buffer.capacity()), (place, capacity));
}

#[test]
fn a_query_sent_back_as_a_reply_answers_its_own_question() {
    for (name, record_type) in [("a.b.example", RecordType::A), (".", RecordType::Aaaa), ("x", RecordType::Ptr)] {
        for edns in [None, Some(512), Some(EDNS_PAYLOAD_BYTES)] {
            let question = question(name, record_type);
            let mut message = Vec::new();
            encode_query(&mut message, 77, &question, edns);
            assert_eq!(parse_reply(&message, 77, &question), Err(Mismatch::NotAReply));
            message[2] |= 0x80;
            let (aliases, canonical) = (vec![], question.name.clone());
            let nothing = Answer { aliases, canonical, ttl_secs: None, end: ChainEnd::NoData };
            assert_eq!(parse_reply(&message, 77, &question), Ok(Reply::Answer(nothing)), "{question}");
        }
    }
}

#[test]
fn questions_are_shown_for_the_log() {
    assert_eq!(question("www.Example.org.", RecordType::Aaaa).to_string(), "www.Example.org AAAA");
    assert_eq!(question(".", RecordType::Ptr).to_string(), ". PTR");
}
