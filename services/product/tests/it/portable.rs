//! That what product sends to MySQL is looked at: every test of it fails when a statement is not valid on
//! both MySQL and MariaDB.

use souk_testkit::{on_engines, statements_seen};

use crate::shop::Shop;

#[tokio::test]
async fn every_statement_to_mysql_is_looked_at() {
    if !on_engines() {
        println!("product is on SQLite in this run");
        return;
    }
    let before = statements_seen();
    let shop = Shop::open().await;
    shop.product("Kettle", 1_900, 3).await;
    assert!(statements_seen() > before + 10, "{} after {before}", statements_seen());
}
