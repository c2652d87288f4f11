//! Checks that the test kit sees product's statements to MySQL, all of which must be valid on MySQL and MariaDB.

use souk_testkit::{on_engines, statements_seen};

use crate::shop::Shop;

#[tokio::test]
async fn every_statement_to_mysql_is_checked() {
    if !on_engines() {
        println!("skipped: product is on SQLite in this run");
        return;
    }
    let before = statements_seen();
    let shop = Shop::open().await;
    shop.product("Kettle", 1_900, 3).await;
    assert!(statements_seen() > before + 10, "{} after {before}", statements_seen());
}
