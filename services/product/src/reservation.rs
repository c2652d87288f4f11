//! The reservation of an order's units: held, sold, released. Pure decisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_events::{OrderFacts, RefusedLine};
use souk_values::{OrderId, ProductId};

use crate::{
    event::ProductEvent,
    stock::{OutOfRange, PublishPolicy, StockItem},
};

/// State of an order's reservation. It only moves forward, so the order of events does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    Held,
    Sold,
    /// Units were given back.
    Released,
    /// Stock was insufficient; no units were reserved.
    Refused,
    /// The order's cancellation arrived before its placement: no units were or will be reserved.
    CancelledBefore,
}

impl ReservationState {
    pub(crate) const ALL: [Self; 5] = [Self::Held, Self::Sold, Self::Released, Self::Refused, Self::CancelledBefore];

    /// True while the order has units, reserved or sold.
    #[must_use]
    pub fn has_units(self) -> bool {
        matches!(self, Self::Held | Self::Sold)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::CancelledBefore => "cancelled_before",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The units that an order needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservationRequest {
    pub order_id: OrderId,
    pub order_version: i64,
    /// Units of each product. Sorted, because products are locked in the order of their ids.
    pub lines: BTreeMap<ProductId, i64>,
}

impl From<&OrderFacts> for ReservationRequest {
    fn from(order: &OrderFacts) -> Self {
        let mut lines = BTreeMap::new();
        for item in &order.items {
            let units: &mut i64 = lines.entry(item.product_id).or_insert(0);
            // More than any stock, so that the line is refused.
            *units = units.saturating_add(i64::from(item.quantity));
        }
        Self { order_id: order.order_id, order_version: order.version, lines }
    }
}

/// A move of units between stock and an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StockMove {
    /// The product after the move.
    pub item: StockItem,
    /// Units of the order, positive in both directions.
    pub quantity: i64,
    /// True when the move publishes a `product.changed`.
    pub is_published: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Reserve(Vec<StockMove>, Vec<ProductEvent>),
    /// No line is reserved; these are the ones with insufficient stock.
    Refuse(Vec<RefusedLine>),
}

/// Decides on a reservation, all or nothing. `items` are locked products, among them those of the request that exist.
pub(crate) fn decide(request: &ReservationRequest, items: &BTreeMap<ProductId, StockItem>) -> Decision {
    let mut moves = Vec::new();
    let mut events = Vec::new();
    let mut refused = Vec::new();
    for (product_id, &quantity) in &request.lines {
        let available = items.get(product_id).map_or(0, StockItem::available);
        let taken = items
            .get(product_id)
            .filter(|_| (1..=available).contains(&quantity))
            .and_then(|item| item.moved(-quantity, PublishPolicy::WhenLow).ok());
        match taken {
            Some((item, published)) => {
                moves.push(StockMove { item, quantity, is_published: !published.is_empty() });
                events.extend(published);
            }
            None => refused.push(RefusedLine {
                product_id: *product_id,
                requested: u32::try_from(quantity).unwrap_or(u32::MAX),
                available: u32::try_from(available).unwrap_or(u32::MAX),
            }),
        }
    }
    if refused.is_empty() { Decision::Reserve(moves, events) } else { Decision::Refuse(refused) }
}

/// A product whose stock is too high to take the units of an order back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StockFull {
    pub product_id: ProductId,
    /// Stock without the order's units.
    pub stock: i64,
}

/// Gives the units of an order back, all or none. A product that is no longer in `items` is left out.
///
/// Errors: the stock of a product would exceed its maximum.
pub(crate) fn release(
    lines: &BTreeMap<ProductId, i64>,
    items: &BTreeMap<ProductId, StockItem>,
) -> Result<(Vec<StockMove>, Vec<ProductEvent>), StockFull> {
    let mut moves = Vec::new();
    let mut events = Vec::new();
    for (product_id, &quantity) in lines {
        let Some(item) = items.get(product_id) else { continue };
        let (item, published) = item
            .moved(quantity, PublishPolicy::WhenLow)
            .map_err(|OutOfRange| StockFull { product_id: item.product_id, stock: item.stock })?;
        moves.push(StockMove { item, quantity, is_published: !published.is_empty() });
        events.extend(published);
    }
    Ok((moves, events))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{Currency, Id, Money};

    use super::*;
    use crate::stock::MAX_STOCK;

    fn item(id: i64, stock: i64, hidden: bool) -> StockItem {
        StockItem {
            product_id: ProductId::new(id).unwrap(),
            sku: format!("S{id}"),
            slug: "k".to_owned(),
            image_url: None,
            name: "Thing".to_owned(),
            price: Money::new(100, Currency::EUR),
            stock,
            low_stock_at: 5,
            hidden,
            revision: 1,
        }
    }

    fn items<const N: usize>(items: [StockItem; N]) -> BTreeMap<ProductId, StockItem> {
        items.into_iter().map(|item| (item.product_id, item)).collect()
    }

    fn request(lines: &[(i64, i64)]) -> ReservationRequest {
        let lines = lines.iter().map(|&(id, quantity)| (ProductId::new(id).unwrap(), quantity)).collect();
        ReservationRequest { order_id: OrderId::new(1).unwrap(), order_version: 1, lines }
    }

    #[test]
    fn insufficient_hidden_and_unknown_products_are_refused() {
        let items = items([item(1, 10, false), item(2, 3, false), item(3, 9, true)]);
        let Decision::Refuse(lines) = decide(&request(&[(1, 10), (2, 4), (3, 1), (4, 2)]), &items) else {
            panic!("three lines cannot be reserved")
        };
        let lines: Vec<_> = lines.iter().map(|line| (line.product_id.get(), line.requested, line.available)).collect();
        assert_eq!(lines, [(2, 4, 3), (3, 1, 0), (4, 2, 0)]);
    }

    #[test]
    fn released_units_are_never_dropped() {
        let lines = request(&[(1, 2), (2, 3)]).lines;
        let (moves, _) = release(&lines, &items([item(1, 7, false), item(2, MAX_STOCK - 3, false)])).unwrap();
        assert_eq!(
            moves.iter().map(|moved| (moved.item.stock, moved.quantity)).collect::<Vec<_>>(),
            [(9, 2), (MAX_STOCK, 3)]
        );
        let full = release(&lines, &items([item(1, 7, false), item(2, MAX_STOCK - 2, false)])).unwrap_err();
        assert_eq!((full.product_id.get(), full.stock), (2, MAX_STOCK - 2));
    }

    proptest! {
        #[test]
        fn all_or_nothing(stocks in prop::collection::vec(0..6_i64, 1..6), quantities in prop::collection::vec(1..6_i64, 1..6)) {
            let items = (1..).zip(&stocks).map(|(id, &stock)| item(id, stock, false)).map(|item| (item.product_id, item)).collect();
            let lines: Vec<(i64, i64)> = (1..).zip(quantities.iter().copied()).collect();
            let is_possible = lines.iter().all(|&(id, quantity)| {
                usize::try_from(id - 1).ok().and_then(|index| stocks.get(index)).is_some_and(|&stock| stock >= quantity)
            });
            match decide(&request(&lines), &items) {
                Decision::Reserve(moves, _) => {
                    prop_assert!(is_possible);
                    prop_assert_eq!(moves.len(), lines.len());
                    prop_assert!(moves.iter().all(|moved| moved.item.stock >= 0));
                }
                Decision::Refuse(refused) => {
                    prop_assert!(!is_possible);
                    prop_assert!(refused.iter().all(|line| line.available < line.requested));
                }
            }
        }
    }
}
