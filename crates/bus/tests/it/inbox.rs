//! The inbox of a consumer.

use souk_bus::inbox;
use souk_sql::SqlError;
use souk_values::{Clock, Timestamp};

use crate::Bench;

#[tokio::test]
async fn the_inbox_detects_duplicates_of_committed_events_only() {
    let bench = Bench::local().await;
    let id = bench.reserved(1).id;
    let now = bench.clock.now();
    let record = |then: Result<(), SqlError>| {
        bench.db.write((id, then), move |tx, (id, then)| {
            Box::pin(async move {
                let is_first = inbox::record(tx, "order.stock", *id, now).await?;
                then.clone().map(|()| is_first)
            })
        })
    };
    assert!(record(Err(SqlError::Constraint("the effect failed".into()))).await.is_err());
    assert!(record(Ok(())).await.unwrap(), "what was rolled back was not received");
    assert!(!record(Ok(())).await.unwrap(), "a duplicate is known");
    assert_eq!(inbox::purge_old(&bench.db, now).await.unwrap(), 0);
    let later = Timestamp::from_millis(now.millis()).plus(inbox::RETENTION * 2);
    assert_eq!(inbox::purge_old(&bench.db, later).await.unwrap(), 1);
}
