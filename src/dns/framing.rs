//! DNS messages on a byte stream: each stands behind its length, two bytes (RFC 1035 section 4.2.2, RFC 7766).
//!
//! Floor 1. Pure: no socket. The caller reads and writes in whatever pieces the stream allows. What is
//! inside a frame is not looked at.

/// The longest frame: a length and as many bytes as it can count. Neither direction ever holds more.
pub(crate) const FRAME_BYTES_MAX: usize = LENGTH_BYTES + u16::MAX as usize;

const LENGTH_BYTES: usize = 2;

/// Cuts the bytes of a stream into messages.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: Vec<u8>,
    /// Where the first byte stands that is not part of a frame already handed out.
    start: usize,
}

impl FrameReader {
    /// Takes as many of `bytes` as there is room for, and returns their number.
    ///
    /// A peer that sends more than it was asked for is not hoarded: the rest is taken once the frames here
    /// have been. There is always room for a byte after [`next_frame`](Self::next_frame) has returned `None`.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        self.buffer.drain(..self.start);
        self.start = 0;
        let taken = bytes.len().min(FRAME_BYTES_MAX - self.buffer.len());
        self.make_room(taken);
        self.buffer.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Grows twofold, as vectors do, but not beyond the longest frame.
    fn make_room(&mut self, bytes: usize) {
        let wanted = self.buffer.len() + bytes;
        if wanted > self.buffer.capacity() {
            let capacity = wanted.max(2 * self.buffer.capacity()).min(FRAME_BYTES_MAX);
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
    }

    /// Hands out the next message if all of it is here. Frames of length zero are passed over.
    pub(crate) fn next_frame(&mut self) -> Option<&[u8]> {
        loop {
            let (length, rest) = self.buffer[self.start..].split_first_chunk()?;
            let length = usize::from(u16::from_be_bytes(*length));
            if rest.len() < length {
                return None;
            }
            let body = self.start + LENGTH_BYTES;
            self.start = body + length;
            if length > 0 {
                return Some(&self.buffer[body..self.start]);
            }
        }
    }
}

/// Messages on their way to a stream, each behind its length.
///
/// Length and message are one run of bytes, so that they leave in one write: some servers take a length
/// that arrives alone for the whole of a message (RFC 7766 section 8).
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    buffer: Vec<u8>,
    written: usize,
}

impl FrameWriter {
    /// Puts `message` behind those that wait already.
    ///
    /// # Errors
    ///
    /// More than [`FRAME_BYTES_MAX`] would be waiting. A message no frame can hold is refused the same way.
    pub(crate) fn queue(&mut self, message: &[u8]) -> Result<(), QueueFull> {
        let waiting = self.remaining().len() + LENGTH_BYTES;
        let length = u16::try_from(message.len()).map_err(|_| QueueFull)?;
        if waiting + message.len() > FRAME_BYTES_MAX {
            return Err(QueueFull);
        }
        self.buffer.drain(..self.written);
        self.written = 0;
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(message);
        Ok(())
    }

    /// The bytes that are still to be written; empty when all are.
    pub(crate) fn remaining(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Notes that the stream took the first `count` bytes of [`remaining`](Self::remaining).
    pub(crate) fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.remaining().len(), "a stream cannot take more than it was given");
        self.written = self.buffer.len().min(self.written + count);
    }
}

/// The stream does not keep up: the message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

#[cfg(test)]
mod tests;
