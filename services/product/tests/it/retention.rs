//! Old movements of stock become sums, and every check of the ledger holds as before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use souk_kit::{Service as _, retention::Retention};
use souk_product::{
    Product, ProductConfig, ProductStore,
    audit::{ProductAuditFacts, ProductStock, ReservationFact},
};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, DAY, IdGen, ProductId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, assert_balanced, configuration};

/// Time for which movements are kept by default.
const KEPT: Duration = DAY.saturating_mul(400);

/// Starts a shop whose own job folds nothing.
async fn shop_that_folds_by_hand() -> Shop {
    Shop::open_with(World::new().await, |config| ProductConfig { movements_kept_days: 36_500, ..config }).await
}

async fn ledger(shop: &Shop) -> DatabaseConnection {
    Database::connect(shop.world.store_url("product")).await.unwrap()
}

/// Runs `sql` beside the service.
async fn tamper(shop: &Shop, sql: &str) {
    let ledger = ledger(shop).await;
    assert_ne!(ledger.execute_unprepared(sql).await.unwrap().rows_affected(), 0, "{sql}");
}

/// Counts the movements, and those of them that are sums.
async fn rows(shop: &Shop) -> (i64, i64) {
    let ledger = ledger(shop).await;
    let count = async |condition: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM stock_movement WHERE {condition}");
        let row = ledger.query_one_raw(Statement::from_string(ledger.get_database_backend(), sql)).await;
        row.unwrap().unwrap().try_get::<i64>("", "n").unwrap()
    };
    (count("1 = 1").await, count("cause = 'checkpoint'").await)
}

/// Returns the time of a job's latest run.
async fn claimed_at(shop: &Shop, job: &str) -> Timestamp {
    let ledger = ledger(shop).await;
    let sql = format!("SELECT claimed_at FROM job_run WHERE job = '{job}'");
    let row = ledger.query_one_raw(Statement::from_string(ledger.get_database_backend(), sql)).await.unwrap();
    row.map_or(Timestamp::EPOCH, |row| Timestamp::from_millis(row.try_get("", "claimed_at").unwrap()))
}

/// Returns true if the invariants 1 and 9 of `souk audit` hold.
fn is_sound(stock: &ProductStock) -> bool {
    stock.stock == stock.initial + stock.adjusted - stock.reserved - stock.sold
        && (stock.reserved, stock.sold) == (stock.held_by_orders, stock.sold_to_orders)
}

/// Returns the stock with the sums of its ledger, which are sound, and the reservations.
async fn books(shop: &Shop) -> (Vec<ProductStock>, Vec<ReservationFact>) {
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!(unsound(&facts), []);
    (facts.products, facts.reservations)
}

fn unsound(facts: &ProductAuditFacts) -> Vec<ProductId> {
    facts.products.iter().filter(|stock| !is_sound(stock)).map(|stock| stock.product_id).collect()
}

/// Moves stock of two products in every way; some orders stay open. `first` is the id of the first order.
async fn trade(shop: &Shop, first: i64, kettle: ProductId, pot: ProductId) {
    let key = format!("k{first}");
    let path = format!("/products/{kettle}/stock");
    let admin = shop.client.with_token(shop.world.admin());
    admin.post_keyed(&path, &key, json!({"delta": -3, "reason": "Broken"})).await.expect(200);
    for id in first..first + 8 {
        let order = shop.order(id, &[(kettle, 2), (pot, 1)]);
        shop.deliver(&order.created()).await;
        if id % 4 > 0 {
            shop.deliver(&order.paid()).await;
        }
        if id % 2 > 0 || id % 8 == 0 {
            shop.deliver(&order.cancelled()).await;
        }
    }
    // Paid before it was placed: two movements of one cause.
    shop.deliver(&shop.order(first + 8, &[(kettle, 1)]).paid()).await;
}

#[tokio::test]
async fn old_movements_become_sums_and_the_audit_reads_what_it_read_before() {
    let shop = shop_that_folds_by_hand().await;
    let (kettle, pot) = (shop.product("Kettle", 100, 500).await, shop.product("Pot", 100, 500).await);
    trade(&shop, 1, kettle, pot).await;
    let (old, _) = rows(&shop).await;
    assert_eq!(shop.store.fold_movements(shop.world.clock.now().minus(DAY)).await.unwrap(), 0, "none is old");
    shop.world.clock.advance(KEPT);
    trade(&shop, 21, kettle, pot).await;
    let before = books(&shop).await;
    let (all, _) = rows(&shop).await;

    let bound = shop.world.clock.now().minus(DAY);
    let folded = shop.store.fold_movements(bound).await.unwrap();
    assert_eq!(folded, u64::try_from(old - 2).unwrap(), "what the products began with stays");
    assert_eq!(books(&shop).await, before);
    // Five kinds of the kettle, four of the pot, which no admin corrected.
    assert_eq!(rows(&shop).await, (all - old + 2 + 9, 9));
    assert_eq!(shop.store.fold_movements(bound).await.unwrap(), 0, "sums are not folded");

    // Units that are part of a sum may still move.
    let open = shop.order(4, &[(kettle, 2), (pot, 1)]);
    shop.deliver(&open.cancelled()).await;
    shop.world.clock.advance(KEPT);
    let before = books(&shop).await;
    let bound = shop.world.clock.now().minus(DAY);
    assert_eq!(shop.store.fold_movements(bound).await.unwrap(), u64::try_from(all - old + 2).unwrap());
    assert_eq!(books(&shop).await, before);
    assert_eq!(rows(&shop).await, (2 + 9, 9), "one sum for each kind that a product ever had");
}

#[tokio::test]
async fn admins_see_which_movements_are_sums() {
    let shop = shop_that_folds_by_hand().await;
    let (kettle, pot) = (shop.product("Kettle", 100, 500).await, shop.product("Pot", 100, 500).await);
    trade(&shop, 1, kettle, pot).await;
    let last = shop.world.clock.now();
    shop.world.clock.advance(KEPT);
    shop.deliver(&shop.order(21, &[(kettle, 7)]).created()).await;
    shop.store.fold_movements(shop.world.clock.now().minus(DAY)).await.unwrap();

    let admin = shop.client.with_token(shop.world.admin());
    let moves = admin.get(&format!("/products/{kettle}/movements?size=50")).await.expect(200).json;
    let shown =
        |one: &Value| (one["kind"].as_str().unwrap().to_owned(), one["quantity"].as_i64(), one["isSum"] == true);
    let moves: Vec<_> = moves["items"]
        .as_array()
        .unwrap()
        .iter()
        .inspect(|one| {
            let at: Timestamp = one["at"].as_str().unwrap().parse().unwrap();
            assert!(
                one["isSum"] == false || (at <= last && one["orderId"].is_null() && one["reason"].is_null()),
                "{one}"
            );
        })
        .map(shown)
        .collect();
    assert_eq!(moves[0], ("reserve".to_owned(), Some(7), false));
    let sum = |kind: &str, units: i64| (kind.to_owned(), Some(units), true);
    for sum in [sum("adjustment", -3), sum("reserve", 17), sum("release", 2), sum("sell", 13), sum("return", 8)] {
        assert!(moves.contains(&sum), "{sum:?} is not in {moves:?}");
    }
    assert_eq!(moves.iter().filter(|(kind, ..)| kind == "initial").count(), 1);
}

#[tokio::test]
async fn a_manipulated_movement_is_found_before_and_after_it_became_part_of_a_sum() {
    let shop = shop_that_folds_by_hand().await;
    let (kettle, pot) = (shop.product("Kettle", 100, 500).await, shop.product("Pot", 100, 500).await);
    trade(&shop, 1, kettle, pot).await;
    shop.world.clock.advance(KEPT);
    trade(&shop, 21, kettle, pot).await;
    let bound = shop.world.clock.now().minus(DAY);
    assert!(unsound(&shop.facts().await).is_empty());

    // An old one, on its way into a sum.
    let of_kettle = format!("product_id = {kettle}");
    tamper(&shop, &format!("UPDATE stock_movement SET quantity = quantity + 1 WHERE {of_kettle} AND order_id = 4"))
        .await;
    assert_eq!(unsound(&shop.facts().await), [kettle]);
    shop.store.fold_movements(bound).await.unwrap();
    assert_eq!(unsound(&shop.facts().await), [kettle]);
    let mend = format!(
        "UPDATE stock_movement SET quantity = quantity - 1 WHERE {of_kettle} AND cause = 'checkpoint' AND kind = 'reserve'"
    );
    tamper(&shop, &mend).await;
    assert!(unsound(&shop.facts().await).is_empty());

    // Each sum, and those within the period.
    for kind in ["adjustment", "reserve", "release", "sell", "return"] {
        for cause in ["= 'checkpoint'", "<> 'checkpoint'"] {
            let change = |by: &str| {
                format!(
                    "UPDATE stock_movement SET quantity = quantity {by} WHERE {of_kettle} AND kind = '{kind}' AND cause {cause}"
                )
            };
            tamper(&shop, &change("+ 1")).await;
            assert_eq!(unsound(&shop.facts().await), [kettle], "{kind} {cause}");
            tamper(&shop, &change("- 1")).await;
        }
    }
    tamper(
        &shop,
        &format!("DELETE FROM stock_movement WHERE product_id = {pot} AND cause = 'checkpoint' AND kind = 'sell'"),
    )
    .await;
    assert_eq!(unsound(&shop.facts().await), [pot]);
}

/// Inserts movements of `product` that are two years old: one of a cause of its own, then `pairs` causes of two each, so that the
/// batches of a thousand end between two of one cause.
async fn insert_old(shop: &Shop, product: ProductId, pairs: u64) {
    let ledger = ledger(shop).await;
    let began = shop.world.clock.now().minus(DAY * 730);
    let row = |number: u64, kind: &str| {
        let at = began.plus(Duration::from_secs(number));
        format!("({product}, '{}', '{kind}', {}, NULL, {})", IdGen::uuid_before(at), number % 7, at.millis())
    };
    let mut all = vec![row(0, "sell")];
    all.extend((1..=pairs).flat_map(|number| [row(number, "reserve"), row(number, "sell")]));
    for part in all.chunks(500) {
        let sql = format!(
            "INSERT INTO stock_movement (product_id, cause, kind, quantity, order_id, created_at) VALUES {}",
            part.join(",")
        );
        ledger.execute_unprepared(&sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_runs_add_each_of_many_movements_once() {
    let shop = shop_that_folds_by_hand().await;
    let products = [shop.product("Kettle", 100, 5).await, shop.product("Pot", 100, 5).await];
    for product in products {
        insert_old(&shop, product, 1_600).await;
    }
    let before = shop.facts().await;
    let mut stores = vec![shop.store.clone(); 4];
    if souk_testkit::on_engines() {
        let url = shop.world.store_url("product");
        let (ids, clock) = (shop.world.deps.ids.clone(), shop.world.deps.clock.clone());
        stores.push(ProductStore::open(&url, ids, clock, Currency::EUR).await.unwrap());
    }
    let bound = shop.world.clock.now().minus(KEPT);
    let runs = stores.into_iter().map(|store| tokio::spawn(async move { store.fold_movements(bound).await.unwrap() }));
    let folded: u64 = join_all(runs).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(folded, 2 * 3_201);
    assert_eq!(shop.facts().await.products, before.products);
    assert_eq!(rows(&shop).await, (2 + 4, 4));
}

#[tokio::test]
async fn the_job_folds_after_the_configured_days_and_counts_what_it_did() {
    let shop = Shop::open_with(World::new().await, |config| ProductConfig { movements_kept_days: 31, ..config }).await;
    let (kettle, pot) = (shop.product("Kettle", 100, 500).await, shop.product("Pot", 100, 500).await);
    trade(&shop, 1, kettle, pot).await;
    let (old, _) = rows(&shop).await;
    let month_later = shop.world.clock.now().plus(DAY * 29);
    shop.world.clock.advance(DAY * 29);
    eventually("the job ran", || async {
        shop.world.clock.advance(Duration::from_secs(3_600));
        claimed_at(&shop, "fold_movements").await >= month_later
    })
    .await;
    // Time in which a run that folds too early would do so.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rows(&shop).await, (old, 0));
    // One move would not do: a task that has just read the time sleeps on from a later one.
    eventually("the movements are sums", || async {
        shop.world.clock.advance(DAY);
        rows(&shop).await == (2 + 9, 9)
    })
    .await;
    assert!(unsound(&shop.facts().await).is_empty());
    let metrics = shop.client.get("/metrics").await.text;
    let deleted = "retention_deleted_total{service=\"product\",job=\"fold_movements\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(deleted)).unwrap();
    assert!(line.parse::<u64>().unwrap() >= u64::try_from(old - 2).unwrap(), "{line}");
    for job in ["purge_inbox", "trim_bought_together"] {
        assert!(metrics.contains(&format!("retention_deleted_total{{service=\"product\",job=\"{job}\"}}")), "{job}");
    }
}

#[tokio::test]
async fn movements_are_kept_for_longer_than_events_are_redelivered() {
    let world = World::new().await;
    for days in [0, 30] {
        let wrong = ProductConfig { movements_kept_days: days, ..configuration(&world) };
        let error = Product::build(wrong, &world.deps).await.unwrap_err().to_string();
        assert!(error.contains("product.movements-kept-days must be at least 31"), "{error}");
    }
    let most = ProductConfig { movements_kept_days: u32::MAX, ..configuration(&world) };
    let parts = Product::build(most, &world.deps).await.unwrap();
    let service = world.serve(parts).await;
    let series = "retention_ran_at_seconds{service=\"product\",job=\"fold_movements\"}";
    eventually("the job runs", || async { service.client.get("/metrics").await.text.contains(series) }).await;
}

/// Two replicas with the same store have the same tasks.
#[tokio::test]
async fn a_job_runs_once_in_each_period_over_all_replicas() {
    let shop = Shop::open().await;
    let clock: Arc<dyn Clock> = shop.world.clock.clone();
    let runs = Arc::new(AtomicU64::new(0));
    let ended = CancellationToken::new();
    for _ in 0..3 {
        let db = Db::open(&shop.world.store_url("product"), Access::ReadWrite).await.unwrap();
        let retention = Retention::new("product", &db, &clock);
        let task = retention.job("test_job", DAY, &runs, |runs, _| async move {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok::<_, SqlError>(0)
        });
        tokio::spawn(task.run(ended.clone()));
    }
    for period in 1..=4 {
        eventually("one of them ran the job", || async { runs.load(Ordering::SeqCst) >= period }).await;
        // Time in which the others would run it too.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(runs.load(Ordering::SeqCst), period);
        shop.world.clock.advance(DAY + Duration::from_secs(1));
    }
    ended.cancel();
}
