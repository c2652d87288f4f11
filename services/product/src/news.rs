//! What product tells of its products.

use souk_bus::Stamper;
use souk_events::{Envelope, EventError, ProductChanged, StockBack, StockLow};

/// One event about a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Made, edited, hidden, or its stock moved where that matters.
    Changed(ProductChanged),
    /// Few are left.
    Low(StockLow),
    /// It can be bought again.
    Back(StockBack),
}

impl News {
    /// In its envelope.
    pub fn stamp(&self, stamper: &Stamper) -> Result<Envelope, EventError> {
        match self {
            Self::Changed(event) => stamper.stamp(event),
            Self::Low(event) => stamper.stamp(event),
            Self::Back(event) => stamper.stamp(event),
        }
    }
}
