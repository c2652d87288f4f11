//! Backends: where configuration files come from. Git repositories, folders, or files compiled into the binary.

mod embedded;
mod error;
mod file;
mod folder;
mod git;
mod interface;
mod layered;
mod native;
mod pattern;
mod query;
mod snapshot;

pub use embedded::EmbeddedBackend;
pub use error::BackendError;
pub use file::File;
pub use git::{GitBackend, GitConfig, RepositoryConfig};
pub use interface::Backend;
pub use layered::LayeredBackend;
pub use native::{NativeBackend, NativeConfig};
pub use query::Query;
pub use snapshot::{Location, Snapshot};

pub(crate) use file::check_path;

#[cfg(test)]
mod tests;
