//! What a queue's consumer remembers.

use souk_bus::inbox;
use souk_sql::SqlError;
use souk_values::{Clock, Timestamp};

use crate::Bench;

#[tokio::test]
async fn the_inbox_knows_an_event_again_and_only_in_the_transaction_that_commits() {
    let bench = Bench::local().await;
    let id = bench.reserved(1).id;
    let now = bench.clock.now();
    let record = |then: Result<(), SqlError>| {
        bench.db.write((id, then), move |tx, (id, then)| {
            Box::pin(async move {
                let is_first = inbox::first_time(tx, "order.stock", *id, now).await?;
                then.clone().map(|()| is_first)
            })
        })
    };
    assert!(record(Err(SqlError::Constraint("the effect failed".into()))).await.is_err());
    assert!(record(Ok(())).await.unwrap(), "what was rolled back was not received");
    assert!(!record(Ok(())).await.unwrap(), "a duplicate is known");
    assert_eq!(inbox::forget_old(&bench.db, now).await.unwrap(), 0);
    let later = Timestamp::from_millis(now.millis()).plus(inbox::REMEMBERED * 2);
    assert_eq!(inbox::forget_old(&bench.db, later).await.unwrap(), 1);
}
