//! Lists in pages: what a caller asks for, and the shape every list answers in.

use serde::Serialize;

/// The largest page a caller may ask for.
pub const MAX_PAGE_SIZE: u32 = 100;

/// Which page of a list: `page` counts from 0, `size` is 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 0.
    pub page: u32,
    /// Rows on a page, 1 to 100.
    pub size: u32,
}

impl PageRequest {
    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.page) * u64::from(self.size)
    }

    /// Rows on this page, as stores count.
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
    /// The rows of this page.
    pub items: Vec<T>,
    /// Which page, from 0.
    pub page: u32,
    /// Rows asked for.
    pub size: u32,
    /// Rows in the whole list.
    pub total: u64,
}

impl<T> Page<T> {
    /// A page as `request` asked for it.
    #[must_use]
    pub fn new(items: Vec<T>, request: PageRequest, total: u64) -> Self {
        Self { items, page: request.page, size: request.size, total }
    }

    /// The same page with each row changed.
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
