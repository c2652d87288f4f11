//! Creates the index of orders by the words of their recipients' names.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::{NewTable, byte_ordered};

pub(super) fn tables(engine: DbBackend) -> Vec<NewTable> {
    let words = Table::create()
        .table("recipient_word")
        .col(byte_ordered(engine, "word", 40))
        .col(schema::big_integer("order_id"))
        .primary_key(Index::create().col("word").col("order_id"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_recipient_word_order")
                .from("recipient_word", "order_id")
                .to("shop_order", "order_id"),
        )
        .take();
    vec![NewTable::new(words)]
}
