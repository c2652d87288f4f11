//! Carries events between services: nothing that was committed is lost, nothing has its effect twice.
//!
//! A service writes its events into its outbox in the transaction that makes them true; the relay
//! hands them to a [`Transport`]; a [`Consumer`] of another service takes them from its queue, and
//! records each in its inbox in the transaction of the effect.

pub mod inbox;
pub mod outbox;
pub mod rabbit;

mod consumer;
mod dead_letters;
mod error;
mod local;
mod migrations;
mod pace;
mod retrying;
mod stamper;
mod tables;
pub mod trace;
mod transport;

pub use consumer::{Consumer, Failure, Outcome, Received};
pub use dead_letters::{DeadLetter, DeadLetterId};
pub use error::BusError;
pub use local::LocalTransport;
pub use migrations::{outbox_migrations, service_migrations};
pub use outbox::{Claim, Outbox, SqlOutbox, relay};
pub use rabbit::{RabbitConfig, RabbitTransport};
pub use stamper::Stamper;
pub use transport::{Announcement, Delivery, Signal, Subscription, Transport, Verdict};
