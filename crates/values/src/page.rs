//! Pagination: the requested page, and the response body that all lists share.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The largest page size that a caller may request.
pub const MAX_PAGE_SIZE: u32 = 100;

/// Number of rows up to which a list is counted, and to which its numbered pages reach. Beyond it [`Cursor`]s lead: to count
/// or skip rows, an engine reads each of them.
pub const MAX_COUNTED: u64 = 10_000;

/// The requested page of a list; the first page of 20 rows by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Zero-based number of the page; without effect beside `after`.
    pub page: u32,
    /// Rows per page, 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
    /// The row behind which the page begins.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Returns the request for the page `page`, counted from 0.
    #[must_use]
    pub fn numbered(page: u32, size: u32) -> Self {
        Self { page, size, after: None }
    }

    /// Returns the number of rows before this page that have to be skipped.
    #[must_use]
    pub fn offset(self) -> u64 {
        if self.after.is_some() { 0 } else { u64::from(self.page) * u64::from(self.size) }
    }

    /// Returns the number of rows per page, as the 64-bit integer that stores take.
    #[must_use]
    pub fn limit(self) -> u64 {
        u64::from(self.size)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::numbered(0, 20)
    }
}

/// The place of a row in a list: the values of the columns by which the list is sorted, of which there are at most two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub [i64; 2]);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([first, second]) = self;
        write!(f, "{first}.{second}")
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no [`Cursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is the value of `next` in a page of the same list")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (first, second) = text.split_once('.').ok_or(InvalidCursor)?;
        let number = |digits: &str| digits.parse().map_err(|_| InvalidCursor);
        Ok(Self([number(first)?, number(second)?]))
    }
}

/// The number of entries of a list, which is counted up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Number of entries that were counted.
    pub count: u64,
    /// False if there are more.
    pub is_exact: bool,
}

impl From<u64> for Total {
    fn from(count: u64) -> Self {
        Self { count, is_exact: true }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// Entries of this page, at most `size`.
    pub items: Vec<T>,
    /// Zero-based number of this page; 0 for a page that was requested by `after`.
    pub page: u32,
    /// Requested number of entries per page.
    pub size: u32,
    /// Number of entries on all pages together, at most 10,000.
    pub total: u64,
    /// False if there are more than `total` entries.
    pub total_is_exact: bool,
    /// Value of `after` with which the next page is requested, however far down the list; absent on the last page, and in lists
    /// that have only numbered pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "246290604621824.0")]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Returns the page that `request` describes, of a list that has only numbered pages.
    #[must_use]
    pub fn new(items: Vec<T>, request: PageRequest, total: impl Into<Total>) -> Self {
        let Total { count, is_exact } = total.into();
        let page = if request.after.is_some() { 0 } else { request.page };
        Self { items, page, size: request.size, total: count, total_is_exact: is_exact, next: None }
    }

    /// Returns a list that is one page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        let size = u32::try_from(items.len()).unwrap_or(u32::MAX);
        Self::new(items, PageRequest::numbered(0, size), u64::from(size))
    }

    /// Returns the page that `request` describes. `rows` are those from its beginning on, one more than fit on it if there are
    /// so many; `cursor` returns the place of one.
    #[must_use]
    pub fn of_rows(
        mut rows: Vec<T>,
        request: PageRequest,
        total: impl Into<Total>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let has_next = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| has_next).map(cursor);
        Self { next, ..Self::new(rows, request, total) }
    }

    /// Returns the same page with each entry transformed by `change`.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, page, size, total, total_is_exact, next } = self;
        Page { items: items.into_iter().map(change).collect(), page, size, total, total_is_exact, next }
    }

    /// Returns the same page with each entry transformed by `change`. Errors: the first of `change`.
    pub fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        self.try_map_all(|items| items.into_iter().map(change).collect())
    }

    /// Returns the same page with its entries transformed together. Errors: that of `change`.
    pub fn try_map_all<U, E>(self, change: impl FnOnce(Vec<T>) -> Result<Vec<U>, E>) -> Result<Page<U>, E> {
        let Self { items, page, size, total, total_is_exact, next } = self;
        Ok(Page { items: change(items)?, page, size, total, total_is_exact, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor([1_767_225_600_000, 246_290_604_621_824]);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", ".", "1", "1.", "1.x", "1.2.3", "99999999999999999999.1"] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn the_next_page_begins_behind_the_last_row_of_this_one() {
        let request = PageRequest::numbered(0, 2);
        let page = |rows: &[i64]| Page::of_rows(rows.to_vec(), request, 3, |row| Cursor([*row, 0]));
        assert_eq!((page(&[9, 8, 7]).items, page(&[9, 8, 7]).next), (vec![9, 8], Some(Cursor([8, 0]))));
        assert_eq!((page(&[9, 8]).next, page(&[]).next), (None, None));
    }
}
