//! The newest of many dead letters, without holding all of them.

use std::{cmp::Reverse, collections::BTreeMap, collections::HashMap};

use souk_values::{Page, PageRequest, Timestamp};
use uuid::Uuid;

use crate::DeadLetter;

/// A page of the letters that are added, newest first. Holds the letters up to the end of the page, and of the others the id.
#[derive(Debug)]
pub(crate) struct Newest {
    request: PageRequest,
    /// Time at which each letter died.
    died_at: HashMap<Uuid, Timestamp>,
    letters: BTreeMap<(Reverse<Timestamp>, Uuid), DeadLetter>,
}

impl Newest {
    pub fn new(request: PageRequest) -> Self {
        Self { request, died_at: HashMap::new(), letters: BTreeMap::new() }
    }

    /// Adds a letter. A message that was delivered twice may have died twice: it is one letter, with the latest error.
    pub fn add(&mut self, letter: DeadLetter) {
        let (id, at) = (letter.dead_letter_id.0, letter.died_at);
        if let Some(other) = self.died_at.insert(id, at) {
            if other >= at {
                self.died_at.insert(id, other);
                return;
            }
            self.letters.remove(&(Reverse(other), id));
        }
        self.letters.insert((Reverse(at), id), letter);
        let end = self.request.offset().saturating_add(self.request.limit());
        while u64::try_from(self.letters.len()).is_ok_and(|held| held > end) {
            self.letters.pop_last();
        }
    }

    pub fn page(self) -> Page<DeadLetter> {
        let total = u64::try_from(self.died_at.len()).unwrap_or(u64::MAX);
        let offset = usize::try_from(self.request.offset()).unwrap_or(usize::MAX);
        Page::new(self.letters.into_values().skip(offset).collect(), self.request, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeadLetterId;

    fn letter(id: u128, died_at: i64) -> DeadLetter {
        DeadLetter {
            dead_letter_id: DeadLetterId(Uuid::from_u128(id)),
            queue: "cart.orders".to_owned(),
            attempts: 1,
            error: format!("{id} at {died_at}"),
            died_at: Timestamp::from_millis(died_at),
            envelope: None,
            raw: None,
        }
    }

    fn page(page: u32, letters: &[(u128, i64)]) -> (Vec<String>, u64) {
        let mut newest = Newest::new(PageRequest::numbered(page, 2));
        for (id, died_at) in letters {
            newest.add(letter(*id, *died_at));
            assert!(newest.letters.len() <= 2 * (usize::try_from(page).unwrap() + 1));
        }
        let page = newest.page();
        (page.items.into_iter().map(|letter| letter.error).collect(), page.total)
    }

    fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).into()
    }

    #[test]
    fn a_page_has_the_newest_whatever_comes_first() {
        let letters = [(1, 10), (2, 50), (3, 30), (4, 40), (5, 20)];
        assert_eq!(page(0, &letters), (texts(["2 at 50", "4 at 40"]), 5));
        assert_eq!(page(1, &letters), (texts(["3 at 30", "5 at 20"]), 5));
        assert_eq!(page(2, &letters), (texts(["1 at 10"]), 5));
        assert_eq!(page(3, &letters), (Vec::new(), 5));
    }

    #[test]
    fn a_letter_that_died_twice_counts_once_with_its_latest_error() {
        let letters = [(1, 10), (2, 20), (1, 30), (2, 15), (3, 5), (1, 30)];
        assert_eq!(page(0, &letters), (texts(["1 at 30", "2 at 20"]), 3));
        assert_eq!(page(1, &letters), (texts(["3 at 5"]), 3));
    }
}
