//! Adds the links of known products, and the prices at which wishes were made.

use sea_orm::DbBackend;
use sea_orm_migration::schema::{big_integer_null, text_null};
use souk_sql::TableChange;

pub(super) fn products(_: DbBackend) -> TableChange {
    TableChange::new("known_product").column(text_null("slug")).column(text_null("image_url"))
}

pub(super) fn wishes(_: DbBackend) -> TableChange {
    TableChange::new("wish").column(big_integer_null("price_minor"))
}
