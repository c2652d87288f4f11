//! Carries events between services, so that every committed event reaches each of its queues and takes effect there once.
//!
//! A service writes events into its outbox in the transaction that makes them true. The relay publishes them to a
//! [`Transport`]. A [`Consumer`] of another service receives them from its queue, and records each in its inbox in the
//! transaction of the effect.

#![warn(missing_docs)]

pub mod inbox;
pub mod metrics;
pub mod outbox;
pub mod rabbit;
pub mod trace;

mod backoff;
mod consumer;
mod dead_letters;
mod error;
mod handler;
mod local;
mod migrations;
mod newest;
mod redelivery;
mod relay;
mod removals;
mod sql_outbox;
mod stamper;
mod tables;
mod transport;
mod waiting;

pub use consumer::{Consumer, Pause};
pub use dead_letters::{DeadLetter, DeadLetterId};
pub use error::BusError;
pub use handler::{Cause, Failure, Outcome, Received};
pub use local::LocalTransport;
pub use migrations::{outbox_migrations, service_migrations};
pub use outbox::{Claim, Keeper, Outbox, UnreadableEvent};
pub use rabbit::{RabbitConfig, RabbitTransport};
pub use relay::relay;
pub use sql_outbox::SqlOutbox;
pub use stamper::Stamper;
pub use transport::{Announcement, Delivery, Lent, Signal, Subscription, Transport, Verdict};
