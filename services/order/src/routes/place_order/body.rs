//! Body of `POST /orders`. It has no prices: a price is an unknown field and refused.

use std::collections::HashSet;

use garde::Validate;
use serde::Deserialize;
use souk_events::{PaymentTerms, ShippingAddress};
use souk_kit::text::Line;
use souk_values::{ProductId, UserId};
use utoipa::ToSchema;

use super::placing::MAX_LINES;
use crate::{
    address,
    error::OrderError,
    order::{OrderDraft, WantedLine},
};

/// Order to place: products and quantities, without prices.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "shippingAddress": {
        "name": "Ada Lovelace", "line1": "1 Long Street", "city": "Berlin", "postalCode": "10115", "country": "DE"
    },
    "paymentTerms": "prepaid",
    "items": [{"productId": 1001, "quantity": 2}]
}))]
pub(crate) struct PlaceOrder {
    /// Address to which the order is shipped.
    #[garde(dive)]
    shipping_address: NewShippingAddress,
    /// Time of payment: `prepaid` (the default) or `onDelivery`.
    #[serde(default)]
    #[garde(skip)]
    payment_terms: PaymentTerms,
    /// Products to order, each once, 1 to 100; the active lines of the caller's cart when left out.
    #[serde(default)]
    #[garde(length(min = 1, max = MAX_LINES), dive)]
    items: Option<Vec<WantedItem>>,
}

/// Product to order and its quantity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedItem {
    /// Id of the product, as in the catalogue.
    #[garde(skip)]
    product_id: ProductId,
    /// Number of units, 1 to 99.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: u32,
}

/// Address to which an order is shipped.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewShippingAddress {
    /// Full name of the recipient.
    #[garde(dive)]
    #[schema(inline)]
    name: Line<200>,
    /// First address line: street and house number.
    #[garde(dive)]
    #[schema(inline)]
    line1: Line<200>,
    /// Second address line, such as floor, company or care of; may be left out.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    line2: Option<Line<200>>,
    /// Name of the city or town.
    #[garde(dive)]
    #[schema(inline)]
    city: Line<100>,
    /// Postal code in the format of the country, stored in capital letters; left out where the country has none.
    #[serde(default)]
    #[garde(dive, custom(code_of(&self.country)))]
    #[schema(inline)]
    postal_code: Option<Line<20>>,
    /// Country as ISO 3166-1 alpha-2 code, such as `DE`.
    #[garde(custom(country_code()))]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// Phone number for the carrier; may be left out.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    phone: Option<Line<40>>,
}

fn country_code() -> impl FnOnce(&str, &()) -> garde::Result {
    |code, ()| address::country(code).map(drop).map_err(garde::Error::new)
}

/// Checks nothing when the country is unknown, which its own rule reports.
fn code_of(country: &str) -> impl FnOnce(&Option<Line<20>>, &()) -> garde::Result {
    move |code, ()| match address::country(country) {
        Ok(country) => address::postal_code(&country, code.as_ref().map(AsRef::as_ref)).map_err(garde::Error::new),
        Err(_) => Ok(()),
    }
}

impl PlaceOrder {
    /// Converts the body to a draft of `user_id`, without lines if the cart is to be ordered.
    ///
    /// Errors: a product occurs twice.
    pub(super) fn draft(self, user_id: UserId) -> Result<OrderDraft, OrderError> {
        let mut seen = HashSet::new();
        let line = |item: WantedItem| {
            if !seen.insert(item.product_id) {
                return Err(OrderError::ProductRepeated(item.product_id));
            }
            Ok(WantedLine { product_id: item.product_id, quantity: item.quantity, cart_item_id: None })
        };
        let lines = self.items.unwrap_or_default().into_iter().map(line).collect::<Result<_, _>>()?;
        let NewShippingAddress { name, line1, line2, city, postal_code, country, phone } = self.shipping_address;
        let shipping_address = ShippingAddress {
            name: name.into(),
            line1: line1.into(),
            line2: line2.map(Into::into),
            city: city.into(),
            postal_code: postal_code.map(|code| address::in_capitals(code.as_ref())),
            country,
            phone: phone.map(Into::into),
        };
        Ok(OrderDraft { user_id, lines, shipping_address, payment_terms: self.payment_terms })
    }
}
