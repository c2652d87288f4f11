//! The internal APIs of the services under `/internal`: requests, responses and clients, one file per called service. The
//! gateway never routes these paths.

#![warn(missing_docs)]

pub mod auth;
pub mod cart;
pub mod order;
pub mod payment;
pub mod product;

pub use auth::AuthPeer;
pub use cart::CartPeer;
pub use order::OrderPeer;
pub use payment::PaymentPeer;
pub use product::ProductPeer;
