//! The events about a product that its changes lead to.

use souk_bus::Stamper;
use souk_events::{Envelope, EventError, ProductChanged, StockBack, StockLow};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProductEvent {
    Changed(ProductChanged),
    Low(StockLow),
    Back(StockBack),
}

impl ProductEvent {
    pub(crate) fn stamp(&self, stamper: &Stamper) -> Result<Envelope, EventError> {
        match self {
            Self::Changed(event) => stamper.stamp(event),
            Self::Low(event) => stamper.stamp(event),
            Self::Back(event) => stamper.stamp(event),
        }
    }
}
