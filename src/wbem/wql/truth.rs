//! True, false and unknown.
//!
//! Floor 5. Pure.

/// What is known of a condition on an object.
///
/// A comparison with a value that is NULL is unknown, as in SQL, of which WQL is a subset. NOT leaves the
/// unknown unknown; AND and OR give it back where the other side does not decide. Only what is true
/// selects an object: with NULL in `A`, neither `A = 1` nor `A <> 1` nor `NOT A = 1` does.
///
/// | AND     | true    | unknown | false   |   | OR      | true | unknown | false   |
/// |---------|---------|---------|---------|---|---------|------|---------|---------|
/// | true    | true    | unknown | false   |   | true    | true | true    | true    |
/// | unknown | unknown | unknown | false   |   | unknown | true | unknown | unknown |
/// | false   | false   | false   | false   |   | false   | true | unknown | false   |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not hold.
    False,
    /// A value is missing.
    Unknown,
    /// It holds.
    True,
}

impl Truth {
    /// Whether the object is selected.
    pub fn is_true(self) -> bool {
        self == Truth::True
    }

    /// What is known of the whole of an AND.
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// What is known of the whole of an OR.
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{False, True, Unknown};

    #[test]
    fn the_tables() {
        for (left, right, and, or) in [
            (True, True, True, True),
            (True, Unknown, Unknown, True),
            (True, False, False, True),
            (Unknown, Unknown, Unknown, Unknown),
            (Unknown, False, False, Unknown),
            (False, False, False, False),
        ] {
            assert_eq!((left.and(right), right.and(left)), (and, and), "{left:?} {right:?}");
            assert_eq!((left.or(right), right.or(left)), (or, or), "{left:?} {right:?}");
            assert_eq!(!left.and(right), (!left).or(!right), "{left:?} {right:?}");
        }
        assert_eq!([!True, !Unknown, !False], [False, Unknown, True]);
        assert_eq!([True, Unknown, False].map(|truth| truth.is_true()), [true, false, false]);
    }
}
