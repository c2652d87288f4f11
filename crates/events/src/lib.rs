//! All events between services, their envelope, and the queues that receive them.
//!
//! Events are facts in the past tense, versioned by name. `tests/golden/` contains one JSON file for each, which is the
//! contract with consumers in any language.

#![warn(missing_docs)]

mod auth;
mod cart;
mod envelope;
mod order;
mod payload;
mod payment;
mod product;
mod topology;

pub use auth::{PasswordResetRequested, UserChanged, UserEmailChanged, UserPasswordChanged, UserRegistered};
pub use cart::{CartAbandoned, CartCheckedOut, CartExpired, CartLine, WishlistBackInStock, WishlistPriceDropped};
pub use envelope::{Envelope, Event, EventError};
pub use order::{
    CancelReason, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderLine, OrderPaid,
    OrderShipped, PaymentTerms, RefusedLine, ShippingAddress,
};
pub use payload::Payload;
pub use payment::{PaymentFailed, PaymentRefundFailed, PaymentRefunded, PaymentSucceeded};
pub use product::{ProductChanged, StockBack, StockLow, StockRejected, StockReserved};
pub use topology::{OUTBOXES, QUEUES, Queue, dead_letter_names, outbox_of, queue};
