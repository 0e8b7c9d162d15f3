//! A buffer of the texts, read as a C program reads it.

/// The size of a pointer.
pub(crate) const POINTER: usize = size_of::<usize>();

/// A buffer as C sees it: pointers are followed only while they lead into it.
pub(crate) struct Memory<'a>(pub(crate) &'a [u8]);

impl Memory<'_> {
    fn word(&self, place: usize) -> usize {
        usize::from_ne_bytes(self.0[place..place + POINTER].try_into().expect("inside of the buffer"))
    }

    /// A number of two bytes.
    pub(crate) fn short(&self, place: usize) -> i16 {
        i16::from_ne_bytes(self.0[place..place + 2].try_into().expect("inside of the buffer"))
    }

    /// The place that a pointer leads to.
    pub(crate) fn target(&self, place: usize) -> Option<usize> {
        let pointer = self.word(place);
        (pointer != 0).then(|| {
            let offset = pointer.checked_sub(self.0.as_ptr() as usize).expect("into the buffer");
            assert!(offset < self.0.len(), "a pointer leads out of the buffer");
            offset
        })
    }

    /// The text that a pointer leads to.
    pub(crate) fn text(&self, pointer_at: usize) -> String {
        let start = self.target(pointer_at).expect("a text");
        let length = self.0[start..].iter().position(|&byte| byte == 0).expect("the text ends in the buffer");
        String::from_utf8(self.0[start..start + length].to_vec()).expect("ASCII")
    }

    /// The places of the pointers in the list that a pointer leads to.
    pub(crate) fn list(&self, pointer_at: usize) -> Vec<usize> {
        let start = self.target(pointer_at).expect("a list");
        assert_eq!(start % POINTER, 0, "arrays of pointers are aligned");
        (0..).map(|index| start + index * POINTER).take_while(|&place| self.target(place).is_some()).collect()
    }

    /// The texts that the pointers of a list lead to.
    pub(crate) fn texts(&self, pointer_at: usize) -> Vec<String> {
        self.list(pointer_at).into_iter().map(|place| self.text(place)).collect()
    }
}
