use super::*;

fn framed(messages: &[&[u8]]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        stream.extend((message.len() as u16).to_be_bytes());
        stream.extend(*message);
    }
    stream
}

/// Reads `pieces` as they come and returns the frames.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::default();
    let mut frames = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            let taken = reader.push(piece);
            assert!(taken > 0, "a drained reader always has room");
            assert!(reader.buffer.len() <= FRAME_BYTES_MAX);
            piece = &piece[taken..];
            frames.extend(std::iter::from_fn(|| reader.next_frame().map(<[u8]>::to_vec)));
        }
    }
    frames
}

#[test]
fn frames_come_out_whole_wherever_the_stream_is_split() {
    let messages: [&[u8]; 4] = [b"first", b"", b"2", b"the third one"];
    let expected = [b"first".as_slice(), b"2", b"the third one"];
    let stream = framed(&messages);
    assert_eq!(read([stream.as_slice()]), expected, "all at once");
    assert_eq!(read(stream.chunks(1)), expected, "byte by byte");
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(read(pieces), expected, "split at {first} and {second}");
        }
    }
}

#[test]
fn an_unfinished_frame_is_not_handed_out() {
    let stream = framed(&[b"message"]);
    for cut in 0..stream.len() {
        assert_eq!(read([&stream[..cut]]), Vec::<Vec<u8>>::new(), "cut after {cut}");
    }
}

#[test]
fn frames_of_length_zero_are_passed_over() {
    assert_eq!(read([b"\0\0".as_slice()]), Vec::<Vec<u8>>::new());
    assert_eq!(read([[0; 99_999].as_slice(), b"\0\0\x01x"]), [b"x"]);
}

#[test]
fn the_longest_frames_fit_and_no_more_is_held() {
    let longest = vec![7; usize::from(u16::MAX)];
    let stream = framed(&[&longest, b"next", &longest]);
    for chunk in [1, 2, 1000, FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, stream.len()] {
        assert_eq!(read(stream.chunks(chunk)), [longest.as_slice(), b"next", &longest], "in pieces of {chunk}");
    }

    let mut reader = FrameReader::default();
    assert_eq!(reader.push(&stream), FRAME_BYTES_MAX);
    let rest = &stream[FRAME_BYTES_MAX..];
    assert_eq!(reader.push(rest), 0, "no room before a frame is taken");
    assert_eq!(reader.next_frame(), Some(longest.as_slice()));
    assert_eq!(reader.push(rest), FRAME_BYTES_MAX);
    assert_eq!(reader.next_frame(), Some(b"next".as_slice()));
    assert_eq!(reader.next_frame(), None);
    assert_eq!(reader.push(&rest[FRAME_BYTES_MAX..]), 6);
    assert_eq!(reader.next_frame(), Some(longest.as_slice()));
    assert_eq!(reader.next_frame(), None);
}

#[test]
fn the_buffer_grows_no_longer_than_a_frame() {
    for piece in [1, 100, 33_000, 40_000] {
        let mut reader = FrameReader::default();
        let mut pushed = reader.push(&[0xFF, 0xFF]);
        while pushed < FRAME_BYTES_MAX - 1 {
            pushed += reader.push(&vec![0; piece.min(FRAME_BYTES_MAX - 1 - pushed)]);
            assert!(reader.next_frame().is_none());
            assert!(reader.buffer.capacity() <= FRAME_BYTES_MAX, "{}", reader.buffer.capacity());
        }
        assert_eq!(reader.push(&[0]), 1);
        assert_eq!(reader.next_frame().map(<[u8]>::len), Some(0xFFFF));
    }
}

#[test]
fn what_is_written_is_read_back_over_any_partial_writes() {
    let seed = 20_240_607_u64;
    let mut state = seed;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..500 {
        let (mut writer, mut reader) = (FrameWriter::default(), FrameReader::default());
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        while sent.len() < 20 || !writer.remaining().is_empty() {
            if sent.len() < 20 && random(2) == 0 {
                let message = vec![sent.len() as u8; 1 + random(400)];
                writer.queue(&message).expect("20 short messages fit");
                sent.push(message);
            }
            let count = random(writer.remaining().len() + 1);
            assert_eq!(reader.push(&writer.remaining()[..count]), count);
            writer.advance(count);
            received.extend(std::iter::from_fn(|| reader.next_frame().map(<[u8]>::to_vec)));
        }
        assert_eq!(received, sent, "seed {seed}, round {round}");
    }
}

#[test]
fn a_length_and_its_message_are_one_write() {
    let mut writer = FrameWriter::default();
    assert_eq!(writer.remaining(), b"");
    writer.queue(b"abc").unwrap();
    assert_eq!(writer.remaining(), b"\0\x03abc");
    writer.advance(1);
    writer.queue(b"d").unwrap();
    assert_eq!(writer.remaining(), b"\x03abc\0\x01d");
    writer.advance(7);
    assert_eq!(writer.remaining(), b"");
}

#[test]
fn a_full_writer_refuses_and_keeps_what_it_has() {
    let longest = vec![7; usize::from(u16::MAX)];
    let mut writer = FrameWriter::default();
    assert_eq!(writer.queue(&vec![7; 65_536]), Err(QueueFull), "no frame is that long");
    assert_eq!(writer.queue(&longest), Ok(()));
    assert_eq!(writer.queue(b""), Err(QueueFull));
    writer.advance(2);
    assert_eq!(writer.queue(b"a"), Err(QueueFull));
    assert_eq!(writer.queue(b""), Ok(()));
    assert_eq!(writer.remaining().len(), FRAME_BYTES_MAX);
    writer.advance(FRAME_BYTES_MAX);
    assert_eq!(writer.queue(&longest), Ok(()));
}
