//! Exchanges and queues on the broker that are missing or differ.

use lapin::{
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use souk_bus::{BusError, RabbitTransport, Transport};
use souk_testkit::{engine, eventually};

use crate::{
    Bench,
    bench::{config, secret},
    rabbit::{is_there, raw},
};

#[tokio::test]
async fn a_differing_queue_is_reported_and_blocks_publishing_until_it_is_deleted() {
    if !is_there() {
        return;
    }
    let prefix = format!("{}.", engine::unique_name());
    let clock = souk_values::ShiftedClock::new(std::time::Duration::ZERO);
    let name = format!("{prefix}product.orders");
    let (connection, channel) = raw().await;
    // As another version might declare it: a classic queue without dead letters.
    channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();

    let bus = RabbitTransport::open(config(&engine::rabbitmq(), &prefix), clock.clone()).await.unwrap();
    eventually("the drift is reported", || async { matches!(bus.ping().await, Err(BusError::Drift(_))) }).await;
    let report = bus.ping().await.unwrap_err().to_string();
    assert!(report.contains(&name) && report.contains("inequivalent") && report.contains("delete it"), "{report}");
    assert!(!report.contains("order.stock"), "only differences are reported: {report}");
    let refused = bus.publish(&[]).await;
    assert!(matches!(refused, Err(BusError::Drift(_))), "{refused:?}");

    let operator = RabbitTransport::inspect(&secret(&engine::rabbitmq()), &prefix, clock).await.unwrap();
    let differences = operator.check_topology().await.unwrap();
    let differing: Vec<_> = differences.iter().filter(|difference| difference.found.is_some()).collect();
    assert_eq!(differing.len(), 1, "{differences:?}");
    assert_eq!(differing[0].object, format!("queue {name}"));

    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("it is declared", || async { bus.ping().await.is_ok() }).await;
    assert_eq!(operator.check_topology().await.unwrap(), []);
    bus.remove_everything().await.unwrap();
    connection.close(200, "OK".into()).await.unwrap();
}

#[tokio::test]
async fn inspecting_changes_nothing() {
    if !is_there() {
        return;
    }
    let prefix = format!("{}.", engine::unique_name());
    let clock = souk_values::ShiftedClock::new(std::time::Duration::ZERO);
    let operator = RabbitTransport::inspect(&secret(&engine::rabbitmq()), &prefix, clock).await.unwrap();
    for _ in 0..2 {
        let missing = operator.check_topology().await.unwrap();
        assert_eq!(missing.len(), 40, "8 exchanges and 32 queues: {missing:?}");
        assert!(missing.iter().all(|difference| difference.found.is_none()), "{missing:?}");
    }
    let refused = operator.queue_depths().await.unwrap_err().to_string();
    assert!(refused.contains("product.orders"), "{refused}");
    assert!(operator.dead_letters(None).await.unwrap_err().to_string().contains("product.orders.dead"));
}

#[tokio::test]
async fn queues_deleted_under_a_running_shop_are_declared_again() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let (connection, channel) = raw().await;
            for queue in &bench.topology().queues {
                channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
            }
            // An event type without signals: else the queue of signals would take it, and it would be routed.
            let envelope = bench.expired(1);
            let confirmed = bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
            assert!(confirmed.is_empty(), "it is returned");
            eventually("it is confirmed", || async {
                bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap() == [envelope.id]
            })
            .await;
            connection.close(200, "OK".into()).await.unwrap();
        })
        .await;
}

#[tokio::test]
async fn a_deleted_exchange_is_declared_again() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let (connection, channel) = raw().await;
            let envelope = bench.reserved(1);
            for exchange in &bench.topology().exchanges {
                let options = lapin::options::ExchangeDeleteOptions::default();
                channel.exchange_delete(exchange.name.as_str().into(), options).await.unwrap();
            }
            assert!(bench.bus.publish(std::slice::from_ref(&envelope)).await.is_err());
            eventually("it is confirmed", || async {
                bench
                    .bus
                    .publish(std::slice::from_ref(&envelope))
                    .await
                    .is_ok_and(|confirmed| confirmed == [envelope.id])
            })
            .await;
            connection.close(200, "OK".into()).await.unwrap();
        })
        .await;
}

#[tokio::test]
async fn a_shop_without_a_prefix_is_never_removed() {
    if !is_there() {
        return;
    }
    let clock = souk_values::ShiftedClock::new(std::time::Duration::ZERO);
    let operator = RabbitTransport::inspect(&secret(&engine::rabbitmq()), "", clock).await.unwrap();
    assert!(matches!(operator.remove_everything().await, Err(BusError::Configuration(_))));
}
