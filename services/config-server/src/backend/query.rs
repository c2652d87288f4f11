//! The part of a request that selects files.

/// Applications, profiles and label of a request, decoded and checked.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// Applications, weakest first.
    pub applications: &'q [String],
    /// Profiles, weakest first.
    pub profiles: &'q [String],
    /// Branch, tag or commit; `None` for the backend's default.
    pub label: Option<&'q str>,
}
