//! What services ask each other under `/internal`: requests, answers and clients, a file for each
//! service that answers. The gateway never routes these paths.

pub mod cart;
pub mod order;
pub mod payment;
pub mod product;

pub use cart::CartPeer;
pub use order::OrderPeer;
pub use payment::PaymentPeer;
pub use product::ProductPeer;
