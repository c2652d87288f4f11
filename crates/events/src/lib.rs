//! Every event that crosses a service, the envelope it travels in, and the topology that carries it.
//!
//! Events are facts in the past tense, versioned by name. `tests/golden/` holds one JSON file each:
//! what those files say is the contract with every consumer, in whatever language.

mod auth;
mod cart;
mod envelope;
mod order;
mod payment;
mod product;
mod topology;

pub use auth::{PasswordResetRequested, UserChanged, UserRegistered};
pub use cart::{CartAbandoned, CartCheckedOut, CartExpired, CartLine, WishlistBackInStock, WishlistPriceDropped};
pub use envelope::{Envelope, Event, EventError};
pub use order::{
    CancelReason, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderLine, OrderPaid,
    OrderShipped, PaymentTerms, RefusedLine, ShippingAddress,
};
pub use payment::{PaymentFailed, PaymentRefunded, PaymentSucceeded};
pub use product::{ProductChanged, StockBack, StockLow, StockRejected, StockReserved};
pub use topology::{QUEUES, Queue, queue};
