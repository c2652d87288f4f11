//! Units in stock and sold, which orders change while lists are made.

use std::sync::atomic::{AtomicI64, Ordering};

/// Units of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units {
    pub stock: i64,
    pub sold: i64,
}

/// Units that change while others read them.
#[derive(Debug)]
pub(super) struct SharedUnits {
    stock: AtomicI64,
    sold: AtomicI64,
}

impl SharedUnits {
    pub(super) fn new(units: Units) -> Self {
        Self { stock: AtomicI64::new(units.stock), sold: AtomicI64::new(units.sold) }
    }

    pub(super) fn get(&self) -> Units {
        Units { stock: self.stock.load(Ordering::Relaxed), sold: self.sold.load(Ordering::Relaxed) }
    }

    /// Sets the units, and returns those before.
    pub(super) fn replace(&self, units: Units) -> Units {
        Units {
            stock: self.stock.swap(units.stock, Ordering::Relaxed),
            sold: self.sold.swap(units.sold, Ordering::Relaxed),
        }
    }
}

impl Clone for SharedUnits {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}
