//! Opens a store by URL, migrates it, runs transactions and classifies errors.
//!
//! What differs between SQLite, PostgreSQL and MySQL is named here once; a service's queries never
//! ask which engine they run on.

mod error;
mod open;
mod transaction;
mod writer;

pub use error::{Retryable, SqlError};
pub use open::{Access, Db};
pub use transaction::Tx;
