//! Opens a store by its URL, migrates it, runs transactions and classifies errors.
//!
//! The differences between SQLite, PostgreSQL and MySQL are confined to this crate: the queries of a service are the same
//! on every engine.

#![warn(missing_docs)]

mod clustering;
mod db;
mod error;
mod file;
mod frozen;
mod jobs;
mod json;
mod leadership;
mod like;
mod lookup;
mod migrations;
mod options;
mod pages;
mod pool;
mod rows;
mod schema;
mod schema_change;
mod statements;
mod transaction;
mod writer;

pub use clustering::cluster;
pub use db::{Db, HandedOver, migrate, pending_migrations};
pub use error::{Retryable, SqlError};
pub use frozen::{FrozenFile, freeze};
pub use jobs::{DELETION_BATCH, claim_job, delete_in_batches, job_migration};
pub use json::Json;
pub use leadership::Leadership;
pub use like::{beginning_with, containing, from_prefix};
pub use lookup::Lookup;
pub use options::Access;
pub use pages::{count_up_to_limit, newest_page};
pub use pool::{ConnectionCounts, Reader};
pub use rows::{Key, insert_or_ignore, insert_row, row_with, rows_with, update_rows};
pub use schema::{NewTable, byte_ordered, create_tables, long_text, long_text_null};
pub use schema_change::{Fill, TableChange, change_table};
pub use statements::{insert_all_or_ignore, local_day, lock_for_update, lock_skip_locked, nth_key};
pub use transaction::Tx;
