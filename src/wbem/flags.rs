//! The flags of calls.
//!
//! Floor 5. Pure. Names and numbers are those of the enumerations `WBEM_GENERIC_FLAG_TYPE`,
//! `WBEM_QUERY_FLAG_TYPE` and `WBEM_CHANGE_FLAG_TYPE` in the public documentation. Numbers of different
//! enumerations overlap: what a bit means depends on the call.

use std::fmt;
use std::ops::BitOr;

use super::error::{WbemError, WbemStatus};

/// The flags of a call, combined by `|`. [`Flags::NONE`] is right for most calls.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// No flag: the whole subtree, everything at once, no progress.
    pub const NONE: Flags = Flags(0);
    /// `WBEM_FLAG_DEEP`: the whole subtree, which is what is done without a flag.
    pub const DEEP: Flags = Flags(0);
    /// `WBEM_FLAG_CREATE_OR_UPDATE`: the instance may be there or not, as without a flag.
    pub const CREATE_OR_UPDATE: Flags = Flags(0);
    /// `WBEM_FLAG_BIDIRECTIONAL`: the enumerator can go back, as without a flag.
    pub const BIDIRECTIONAL: Flags = Flags(0);
    /// `WBEM_FLAG_SHALLOW`: direct children only.
    pub const SHALLOW: Flags = Flags(1);
    /// `WBEM_FLAG_PROTOTYPE`: no result, but an object that looks like one.
    pub const PROTOTYPE: Flags = Flags(2);
    /// `WBEM_FLAG_UPDATE_ONLY`: the instance must be there.
    pub const UPDATE_ONLY: Flags = Flags(1);
    /// `WBEM_FLAG_CREATE_ONLY`: the instance must not be there.
    pub const CREATE_ONLY: Flags = Flags(2);
    /// `WBEM_FLAG_RETURN_IMMEDIATELY`: the call does not wait for its result.
    pub const RETURN_IMMEDIATELY: Flags = Flags(0x10);
    /// `WBEM_FLAG_FORWARD_ONLY`: the enumerator forgets what it has given.
    pub const FORWARD_ONLY: Flags = Flags(0x20);
    /// `WBEM_FLAG_SEND_STATUS`: the sink is told of progress.
    pub const SEND_STATUS: Flags = Flags(0x80);
    /// `WBEM_FLAG_ENSURE_LOCATABLE`: rows have the keys, whatever the list selects.
    pub const ENSURE_LOCATABLE: Flags = Flags(0x100);
    /// `WBEM_FLAG_DIRECT_READ`: only who provides the class itself is asked for instances, whatever classes there are
    /// above and below it.
    pub const DIRECT_READ: Flags = Flags(0x200);
    /// `WBEM_FLAG_USE_AMENDED_QUALIFIERS`: texts for people are wanted too. Accepted, and without effect.
    pub const USE_AMENDED_QUALIFIERS: Flags = Flags(0x2_0000);
    /// What is recommended for enumerators: [`RETURN_IMMEDIATELY`](Flags::RETURN_IMMEDIATELY) and
    /// [`FORWARD_ONLY`](Flags::FORWARD_ONLY).
    pub const SEMISYNCHRONOUS: Flags = Flags(0x30);

    /// The flags of a number.
    pub const fn from_bits(bits: u32) -> Flags {
        Flags(bits)
    }

    /// The number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` is set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing but what is `allowed` is set.
    pub(super) fn check(self, allowed: Flags, operation: &str) -> Result<(), WbemError> {
        if self.0 & !allowed.0 == 0 {
            return Ok(());
        }
        let surplus = Flags(self.0 & !allowed.0);
        let description = format!("the flags {surplus:?} do not go with it, only {allowed:?} do");
        Err(WbemError::new(WbemStatus::InvalidParameter).operation(operation).description(description))
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_do_not_go_with_a_call_are_refused() {
        let allowed = Flags::SEND_STATUS | Flags::PROTOTYPE;
        assert!(Flags::NONE.check(allowed, "ExecQueryAsync").is_ok());
        assert!(Flags::SEND_STATUS.check(allowed, "ExecQueryAsync").is_ok());
        let error = (Flags::SEND_STATUS | Flags::FORWARD_ONLY).check(allowed, "ExecQueryAsync").unwrap_err();
        assert_eq!(error.status, WbemStatus::InvalidParameter);
        assert!(error.to_string().contains("0x20"), "{error}");
        assert_eq!(Flags::SEMISYNCHRONOUS, Flags::RETURN_IMMEDIATELY | Flags::FORWARD_ONLY);
        assert!(Flags::from_bits(0xa2).contains(Flags::SEND_STATUS) && Flags::from_bits(0xa2).bits() == 0xa2);
    }
}
