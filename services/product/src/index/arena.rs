//! Values of many owners in one array: those of one owner lie side by side, and those of neighbours too.
//!
//! A pass over a million products reads memory in order, instead of following a pointer for each group.

use std::ops::Range;

/// Place of an owner's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    pub(super) fn new(start: usize, len: usize) -> Self {
        let short = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: short(start), len: short(len) }
    }

    pub(super) fn range(self) -> Range<usize> {
        let start = wide(self.start);
        start..start.saturating_add(self.len())
    }

    pub(super) fn len(self) -> usize {
        wide(self.len)
    }
}

/// Returns a 32-bit number as an index.
pub(super) fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[derive(Debug)]
pub(super) struct Arena<T> {
    values: Vec<T>,
    /// Number of values that no owner has any more.
    abandoned: usize,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { values: Vec::new(), abandoned: 0 }
    }
}

impl<T: Clone> Arena<T> {
    pub(super) fn get(&self, span: Span) -> &[T] {
        self.values.get(span.range()).unwrap_or_default()
    }

    /// Puts the values of an owner in the place of its `old` ones if they are as many, else behind all others.
    pub(super) fn put(&mut self, old: Span, values: Vec<T>) -> Span {
        if values.len() == old.len()
            && let Some(place) = self.values.get_mut(old.range())
        {
            place.iter_mut().zip(values).for_each(|(old, new)| *old = new);
            return old;
        }
        self.abandon(old);
        let span = Span::new(self.values.len(), values.len());
        self.values.extend(values);
        span
    }

    /// Notes that the owner of `span` is gone.
    pub(super) fn abandon(&mut self, span: Span) {
        self.abandoned += span.len();
    }

    /// Returns true when half of the values have no owner.
    pub(super) fn is_wasteful(&self) -> bool {
        self.abandoned > self.values.len() / 2
    }

    /// Moves the values together, in the order of `spans`, which are those of all owners.
    pub(super) fn tidy<'s>(&mut self, spans: impl Iterator<Item = &'s mut Span>) {
        let mut kept = Vec::with_capacity(self.values.len().saturating_sub(self.abandoned));
        for span in spans {
            let moved = Span::new(kept.len(), span.len());
            kept.extend_from_slice(self.get(*span));
            *span = moved;
        }
        *self = Self { values: kept, abandoned: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_place_or_move_behind_the_others() {
        let mut arena = Arena::default();
        let mut one = arena.put(Span::default(), vec![1, 2]);
        let mut two = arena.put(Span::default(), vec![3]);
        assert_eq!(arena.put(one, vec![4, 5]), one);
        assert!(!arena.is_wasteful());
        one = arena.put(one, vec![6, 7, 8]);
        assert_eq!((arena.get(one), arena.get(two)), ([6, 7, 8].as_slice(), [3].as_slice()));
        one = arena.put(one, vec![9]);
        assert!(arena.is_wasteful());
        arena.tidy([&mut one, &mut two].into_iter());
        assert_eq!((arena.get(one), arena.get(two)), ([9].as_slice(), [3].as_slice()));
        assert_eq!((one.range(), two.range()), (0..1, 1..2));
        assert!(!arena.is_wasteful());
    }
}
