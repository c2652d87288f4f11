//! What becomes of an order's units: set aside, sold, given back. Pure decisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_events::{OrderFacts, RefusedLine};
use souk_values::{OrderId, ProductId};

use crate::{
    news::News,
    shelf::{Shelf, Telling},
};

/// How far an order's reservation has come. It only moves forward, so events may come in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Units are set aside.
    Held,
    /// Units are sold.
    Sold,
    /// Units were given back.
    Released,
    /// There were too few; nothing was set aside.
    Refused,
    /// The order was cancelled before its placing was heard of; nothing was or will be set aside.
    CancelledBefore,
}

impl State {
    /// Whether units are set aside or sold.
    #[must_use]
    pub fn has_units(self) -> bool {
        matches!(self, Self::Held | Self::Sold)
    }

    /// As stored.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::CancelledBefore => "cancelled_before",
        }
    }

    /// From its stored text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Held, Self::Sold, Self::Released, Self::Refused, Self::CancelledBefore]
            .into_iter()
            .find(|state| state.text() == text)
    }
}

/// What an order wants: each product once, in the order of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which order.
    pub order_id: OrderId,
    /// Its version, as the event told it.
    pub order_version: i64,
    /// How many of what.
    pub lines: BTreeMap<ProductId, i64>,
}

impl From<&OrderFacts> for Wanted {
    fn from(order: &OrderFacts) -> Self {
        let mut lines = BTreeMap::new();
        for item in &order.items {
            *lines.entry(item.product_id).or_insert(0) += i64::from(item.quantity);
        }
        Self { order_id: order.order_id, order_version: order.version, lines }
    }
}

/// One product of a reservation, before and after its units moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// After.
    pub shelf: Shelf,
    /// Units of the order, above zero.
    pub quantity: i64,
    /// Whether a `product.changed` was told.
    pub is_told: bool,
}

/// What is done about an order's wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// All of it is set aside.
    Reserve(Vec<Moved>, Vec<News>),
    /// None of it is; these lines are why.
    Refuse(Vec<RefusedLine>),
}

/// All or nothing. `shelves` are those of the wanted products that exist, locked.
#[must_use]
pub fn decide(wanted: &Wanted, shelves: &[Shelf]) -> Decision {
    let by_id: BTreeMap<ProductId, &Shelf> = shelves.iter().map(|shelf| (shelf.product_id, shelf)).collect();
    let (mut moved, mut news, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (product_id, &quantity) in &wanted.lines {
        let available = by_id.get(product_id).map_or(0, |shelf| shelf.available());
        let taken = by_id
            .get(product_id)
            .filter(|_| (1..=available).contains(&quantity))
            .and_then(|shelf| shelf.moved(-quantity, Telling::WhenFew).ok());
        match taken {
            Some((shelf, told)) => {
                moved.push(Moved { shelf, quantity, is_told: !told.is_empty() });
                news.extend(told);
            }
            None => refused.push(RefusedLine {
                product_id: *product_id,
                requested: u32::try_from(quantity).unwrap_or(u32::MAX),
                available: u32::try_from(available).unwrap_or(u32::MAX),
            }),
        }
    }
    if refused.is_empty() { Decision::Reserve(moved, news) } else { Decision::Refuse(refused) }
}

/// Units go back to their shelves. Products that are gone from the store are left out.
#[must_use]
pub fn give_back(lines: &BTreeMap<ProductId, i64>, shelves: &[Shelf]) -> (Vec<Moved>, Vec<News>) {
    let (mut moved, mut news) = (Vec::new(), Vec::new());
    for shelf in shelves {
        let Some(&quantity) = lines.get(&shelf.product_id) else { continue };
        if let Ok((shelf, told)) = shelf.moved(quantity, Telling::WhenFew) {
            moved.push(Moved { shelf, quantity, is_told: !told.is_empty() });
            news.extend(told);
        }
    }
    (moved, news)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{Currency, Id, Money};

    use super::*;

    fn shelf(id: i64, stock: i64, hidden: bool) -> Shelf {
        Shelf {
            product_id: ProductId::new(id).unwrap(),
            sku: format!("S{id}"),
            name: "Thing".to_owned(),
            price: Money::new(100, Currency::EUR),
            stock,
            low_stock_at: 5,
            hidden,
            revision: 1,
        }
    }

    fn wanted(lines: &[(i64, i64)]) -> Wanted {
        let lines = lines.iter().map(|&(id, quantity)| (ProductId::new(id).unwrap(), quantity)).collect();
        Wanted { order_id: OrderId::new(1).unwrap(), order_version: 1, lines }
    }

    #[test]
    fn what_is_short_hidden_or_unknown_is_named() {
        let shelves = [shelf(1, 10, false), shelf(2, 3, false), shelf(3, 9, true)];
        let Decision::Refuse(lines) = decide(&wanted(&[(1, 10), (2, 4), (3, 1), (4, 2)]), &shelves) else {
            panic!("three lines cannot be had")
        };
        let lines: Vec<_> = lines.iter().map(|line| (line.product_id.get(), line.requested, line.available)).collect();
        assert_eq!(lines, [(2, 4, 3), (3, 1, 0), (4, 2, 0)]);
    }

    proptest! {
        #[test]
        fn all_or_nothing(stocks in prop::collection::vec(0..6_i64, 1..6), asks in prop::collection::vec(1..6_i64, 1..6)) {
            let shelves: Vec<Shelf> = (1..).zip(&stocks).map(|(id, &stock)| shelf(id, stock, false)).collect();
            let lines: Vec<(i64, i64)> = (1..).zip(asks.iter().copied()).collect();
            let can = lines.iter().all(|&(id, ask)| {
                usize::try_from(id - 1).ok().and_then(|index| stocks.get(index)).is_some_and(|&stock| stock >= ask)
            });
            match decide(&wanted(&lines), &shelves) {
                Decision::Reserve(moved, _) => {
                    prop_assert!(can);
                    prop_assert_eq!(moved.len(), lines.len());
                    prop_assert!(moved.iter().all(|moved| moved.shelf.stock >= 0));
                }
                Decision::Refuse(refused) => {
                    prop_assert!(!can);
                    prop_assert!(refused.iter().all(|line| line.available < line.requested));
                }
            }
        }
    }
}
