//! Creates the table of rights that ended before their access tokens expire.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string_len},
};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let rights = Table::create()
        .table("ended_right")
        .col(string_len("right_key", 32).primary_key())
        .col(big_integer_null("user_id"))
        .col(big_integer("epoch"))
        .col(big_integer("ended_at"))
        .take();
    vec![NewTable::new(rights).index("ix_ended_right_at", &["ended_at"])]
}
