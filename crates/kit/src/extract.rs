//! Extractors that parse a request at the edge, once: bodies, path, query, paging, keys, preconditions.

mod body;
mod conditions;
mod idempotency;
mod paged;
mod parts;
mod terms;

pub use body::{MAX_BODY, NoFields, ValidJson};
pub use conditions::{IfMatch, etag, is_same_tag};
pub use idempotency::{Idempotency, KeyedJson, MaybeKeyedJson};
pub use paged::{Days, NoFilter, Numbered, Paged};
pub use parts::{Path, Query};
pub use terms::{listed_ids, search_terms};
