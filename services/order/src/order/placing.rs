//! How an order is placed: what somebody wants, at the price that the shop quotes.

use souk_events::{OrderLine, PaymentTerms, ShippingAddress};
use souk_peers::product::QuotedItem;
use souk_values::{Currency, Money, MoneyError, OrderId, OrderItemId, ProductId, Timestamp, UserId};

use super::Order;

/// One product that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLine {
    /// Which.
    pub product_id: ProductId,
    /// 1 to 99.
    pub quantity: u32,
    /// The cart's line, if it comes from the cart.
    pub cart_item_id: Option<String>,
}

/// What somebody wants, before the shop has said what it costs.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who.
    pub user_id: UserId,
    /// What; at least one line.
    pub lines: Vec<WantedLine>,
    /// Where to.
    pub shipping_address: ShippingAddress,
    /// When it will be paid.
    pub payment_terms: PaymentTerms,
}

/// Why an order cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotPlace {
    /// The shop does not sell this.
    UnknownProduct(ProductId),
    /// The total, or its currency.
    Total(MoneyError),
}

impl Order {
    /// The order of `draft` at the prices of `quote`. `item_ids` has an id for each line.
    ///
    /// Errors: a product is missing in the quote; the total is too large or not in `currency`.
    pub fn place(
        order_id: OrderId,
        draft: &Draft,
        (quote, item_ids): (&[QuotedItem], &[OrderItemId]),
        currency: Currency,
        now: Timestamp,
    ) -> Result<Self, CannotPlace> {
        let line = |(wanted, order_item_id): (&WantedLine, &OrderItemId)| {
            let quoted = quote.iter().find(|quoted| quoted.product_id == wanted.product_id);
            let quoted = quoted.ok_or(CannotPlace::UnknownProduct(wanted.product_id))?;
            Ok(OrderLine {
                order_item_id: *order_item_id,
                product_id: wanted.product_id,
                name: quoted.name.clone(),
                quantity: wanted.quantity,
                price: quoted.price,
                cart_item_id: wanted.cart_item_id.clone(),
            })
        };
        let lines = draft.lines.iter().zip(item_ids).map(line).collect::<Result<Vec<_>, _>>()?;
        let total =
            lines.iter().try_fold(Money::zero(currency), |sum, line| sum.plus(line.price.times(line.quantity)?));
        Ok(Self {
            order_id,
            user_id: draft.user_id,
            order_date: now,
            total_amount: total.map_err(CannotPlace::Total)?,
            lines,
            shipping_address: draft.shipping_address.clone(),
            payment_terms: draft.payment_terms,
            pay_by: None,
            payment_id: None,
            cancel_reason: None,
            refused_lines: Vec::new(),
            confirmed_at: None,
            paid_at: None,
            shipped_at: None,
            delivered_at: None,
            cancelled_at: None,
            refunded_at: None,
            version: 1,
        })
    }
}
