//! Placing an order: wanted products at the prices that the shop quotes.

use souk_events::{OrderLine, PaymentTerms, ShippingAddress};
use souk_peers::product::QuotedItem;
use souk_values::{Currency, Money, MoneyError, OrderId, OrderItemId, ProductId, Timestamp, UserId};

use super::Order;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedLine {
    pub(crate) product_id: ProductId,
    /// Number of units, 1 to 99.
    pub(crate) quantity: u32,
    /// Line of the cart that this comes from, if any.
    pub(crate) cart_item_id: Option<String>,
}

/// An order before it is priced.
#[derive(Debug, Clone)]
pub(crate) struct OrderDraft {
    pub(crate) user_id: UserId,
    /// At least one line by the time the order is placed.
    pub(crate) lines: Vec<WantedLine>,
    pub(crate) shipping_address: ShippingAddress,
    pub(crate) payment_terms: PaymentTerms,
}

/// Ids for a new order and its lines, one for each line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderIds<'a> {
    pub(crate) order: OrderId,
    pub(crate) items: &'a [OrderItemId],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceError {
    UnknownProduct(ProductId),
    /// The total is too large, or a price is in another currency.
    Total(MoneyError),
}

impl Order {
    /// Prices `draft` with `quote`.
    ///
    /// Errors: a product is missing from the quote; the total is too large or not in `currency`.
    pub(crate) fn place(
        ids: OrderIds<'_>,
        draft: &OrderDraft,
        quote: &[QuotedItem],
        currency: Currency,
        now: Timestamp,
    ) -> Result<Self, PlaceError> {
        let line = |(wanted, order_item_id): (&WantedLine, &OrderItemId)| {
            let quoted = quote.iter().find(|quoted| quoted.product_id == wanted.product_id);
            let quoted = quoted.ok_or(PlaceError::UnknownProduct(wanted.product_id))?;
            Ok(OrderLine {
                order_item_id: *order_item_id,
                product_id: wanted.product_id,
                name: quoted.name.clone(),
                quantity: wanted.quantity,
                price: quoted.price,
                cart_item_id: wanted.cart_item_id.clone(),
            })
        };
        let lines = draft.lines.iter().zip(ids.items).map(line).collect::<Result<Vec<_>, _>>()?;
        let total =
            lines.iter().try_fold(Money::zero(currency), |sum, line| sum.plus(line.price.times(line.quantity)?));
        Ok(Self {
            order_id: ids.order,
            user_id: draft.user_id,
            order_date: now,
            total_amount: total.map_err(PlaceError::Total)?,
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
