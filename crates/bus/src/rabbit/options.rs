//! The options of a transport towards the broker.

use super::{address::Address, topology::Names};

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub address: Address,
    pub names: Names,
    /// Name of the connections in the broker's lists.
    pub connection_name: String,
    /// True for an operator's transport, which declares nothing and receives no signals or announcements.
    pub inspects: bool,
    /// Event types whose signals are received: whole, or their beginning up to a dot (`order.`).
    pub signal_types: Vec<&'static str>,
}
