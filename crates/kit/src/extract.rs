//! What a request says, read at the edge once: bodies, path, query, paging, keys, preconditions.

mod body;
mod conditions;
mod idempotency;
mod parts;

pub use body::{MAX_BODY, NoFields, ValidJson};
pub use conditions::{IfMatch, etag};
pub use idempotency::{Idempotency, KeyedJson, MaybeKeyedJson};
pub use parts::{Paging, Path, Query};
