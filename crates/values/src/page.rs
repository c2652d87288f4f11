//! Pagination: the requested page, and the response body that all lists share.

use serde::Serialize;

/// The largest page size that a caller may request.
pub const MAX_PAGE_SIZE: u32 = 100;

/// The requested page of a list; the first page of 20 rows by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Zero-based number of the page.
    pub page: u32,
    /// Rows per page, 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
}

impl PageRequest {
    /// Returns the number of rows before this page.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.page) * u64::from(self.size)
    }

    /// Returns the number of rows per page, as the 64-bit integer that stores take.
    #[must_use]
    pub fn limit(self) -> u64 {
        u64::from(self.size)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { page: 0, size: 20 }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// Entries of this page, at most `size`.
    pub items: Vec<T>,
    /// Zero-based number of this page.
    pub page: u32,
    /// Requested number of entries per page.
    pub size: u32,
    /// Number of entries on all pages together.
    pub total: u64,
}

impl<T> Page<T> {
    /// Returns the page that `request` describes, with `total` entries on all pages.
    #[must_use]
    pub fn new(items: Vec<T>, request: PageRequest, total: u64) -> Self {
        Self { items, page: request.page, size: request.size, total }
    }

    /// Returns the same page with each entry transformed by `change`.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            page: self.page,
            size: self.size,
            total: self.total,
        }
    }
}
