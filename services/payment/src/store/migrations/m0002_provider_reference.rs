//! Creates the table of the references that the provider assigns to payments.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let references = Table::create()
        .table("provider_reference")
        .col(schema::big_integer("payment_id").primary_key())
        .col(schema::string_len("reference", 255))
        .col(schema::big_integer("noted_at"))
        .take();
    vec![NewTable::new(references)]
}
