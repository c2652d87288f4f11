//! The environment of an application: the files of a [`Snapshot`](crate::backend::Snapshot), parsed, put in order of
//! precedence, and written in the formats of the protocol.
//!
//! Nothing here does I/O but through a snapshot: bytes in, values out. [`read`] finds and parses the files, [`format`]
//! writes a merged environment as text, [`find_resource`] finds a file that is returned as it is.

mod activation;
mod body;
mod decode;
mod document;
mod error;
mod file_format;
mod files;
mod placeholders;
mod properties;
mod property_sources;
mod resources;
mod scalar;
mod xml;
mod yaml;

pub(crate) mod format;

pub use error::EnvironmentError;
pub use property_sources::Environment;

pub(crate) use body::BodyVersion;
pub(crate) use files::read;
pub(crate) use placeholders::Placeholders;
pub(crate) use property_sources::ValueChange;
pub(crate) use resources::{LocationOrder, find_resource};
