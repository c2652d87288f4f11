//! Failures that only a broker has. These tests run on RabbitMQ, in `make test-engines`.

mod letters;
mod network;
mod publishing;
mod topology;

use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, options::BasicPublishOptions};
use souk_testkit::engine;

/// Returns true if tests run on engines, among them RabbitMQ; prints a line otherwise.
pub fn is_there() -> bool {
    let is = souk_testkit::on_engines();
    if !is {
        println!("RabbitMQ is not among the engines of this run (SOUK_TEST_MODE=engines)");
    }
    is
}

/// Opens a channel independent of the bus.
pub async fn raw() -> (Connection, Channel) {
    let connection = Connection::connect(&engine::rabbitmq(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

/// Publishes a body as a foreign program would.
pub async fn send(exchange: &str, key: &str, body: &[u8]) {
    let (connection, channel) = raw().await;
    let sent = channel.basic_publish(
        exchange.into(),
        key.into(),
        BasicPublishOptions::default(),
        body,
        BasicProperties::default(),
    );
    assert!(sent.await.unwrap().await.unwrap().is_ack());
    connection.close(200, "OK".into()).await.unwrap();
}
