//! Which properties of a class are meant.
//!
//! Floor 5. Pure.

/// A set of places of a class's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertySet {
    bits: Vec<u64>,
}

impl PropertySet {
    /// Adds a place.
    pub fn insert(&mut self, index: usize) {
        let word = index / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (index % 64);
    }

    /// Adds the places of another set.
    pub fn extend(&mut self, other: &PropertySet) {
        other.iter().for_each(|index| self.insert(index));
    }

    /// Whether the place is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.bits.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// The places in rising order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.bits.len() * 64).filter(|index| self.contains(*index))
    }

    /// Whether there is no place in the set.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl FromIterator<usize> for PropertySet {
    fn from_iter<T: IntoIterator<Item = usize>>(indices: T) -> PropertySet {
        let mut set = PropertySet::default();
        indices.into_iter().for_each(|index| set.insert(index));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_in() {
        let mut set = PropertySet::default();
        assert!(set.is_empty() && !set.contains(0));
        set.insert(130);
        set.insert(0);
        set.extend(&[63, 64, 0].into_iter().collect());
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 130]);
        assert!(!set.contains(129) && !set.contains(100_000) && !set.is_empty());
    }
}
