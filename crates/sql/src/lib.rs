//! Opens a store by URL, migrates it, runs transactions and classifies errors.
//!
//! What differs between SQLite, PostgreSQL and MySQL is named here once; a service's queries never
//! ask which engine they run on.

mod error;
mod migrating;
mod open;
mod options;
mod pool;
mod schema;
mod statements;
mod transaction;
mod writer;

pub use error::{Retryable, SqlError};
pub use migrating::{migrate, pending};
pub use open::{Access, Db};
pub use pool::{Connections, Reader};
pub use schema::{create_table, long_text};
pub use statements::{insert_unless_there, lock, lock_skipping};
pub use transaction::Tx;
