//! Creates the table of devices from which users have signed in.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string_len},
};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let devices = Table::create()
        .table("known_device")
        .col(string_len("token_hash", 64).primary_key())
        .col(big_integer("user_id"))
        .col(big_integer("expires_at"))
        .take();
    vec![
        NewTable::new(devices)
            .index("ix_known_device_user", &["user_id"])
            .index("ix_known_device_expires", &["expires_at"]),
    ]
}
