//! What a caller says of a new order. There is no price in it: a price is an unknown field.

use std::collections::HashSet;

use garde::Validate;
use serde::Deserialize;
use souk_events::{PaymentTerms, ShippingAddress};
use souk_values::{ProductId, UserId};
use utoipa::ToSchema;

use super::placing::MAX_LINES;
use crate::{
    error::OrderError,
    order::{Draft, WantedLine},
};

/// A new order.
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
    /// Where it goes.
    #[garde(dive)]
    shipping_address: Address,
    /// When it is paid; `prepaid` when left out.
    #[serde(default)]
    #[garde(skip)]
    payment_terms: PaymentTerms,
    /// What is ordered, each product once; the cart's active lines when left out.
    #[serde(default)]
    #[garde(length(min = 1, max = MAX_LINES), dive)]
    items: Option<Vec<Item>>,
}

/// One product and how many.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = WantedItem)]
pub(crate) struct Item {
    /// Which.
    #[garde(skip)]
    product_id: ProductId,
    /// 1 to 99.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: u32,
}

/// Where an order goes.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewShippingAddress)]
pub(crate) struct Address {
    /// Who receives it.
    #[garde(custom(text(200)))]
    #[schema(max_length = 200)]
    name: String,
    /// Street and number.
    #[garde(custom(text(200)))]
    #[schema(max_length = 200)]
    line1: String,
    /// Floor, company, care of.
    #[serde(default)]
    #[garde(inner(custom(text(200))))]
    #[schema(max_length = 200)]
    line2: Option<String>,
    /// Town.
    #[garde(custom(text(100)))]
    #[schema(max_length = 100)]
    city: String,
    /// Postal code.
    #[garde(custom(text(20)))]
    #[schema(max_length = 20)]
    postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[garde(custom(country_code()))]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// For the carrier.
    #[serde(default)]
    #[garde(inner(custom(text(40))))]
    #[schema(max_length = 40)]
    phone: Option<String>,
}

/// Says something, in at most `longest` characters of one line.
fn text(longest: usize) -> impl FnOnce(&str, &()) -> garde::Result {
    move |text, ()| {
        if text.trim().is_empty() {
            Err(garde::Error::new("must not be empty"))
        } else if text.chars().count() > longest {
            Err(garde::Error::new(format!("has at most {longest} characters")))
        } else if text.chars().any(char::is_control) {
            Err(garde::Error::new("is one line without control characters"))
        } else {
            Ok(())
        }
    }
}

fn country_code() -> impl FnOnce(&str, &()) -> garde::Result {
    |code, ()| {
        if code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
            Ok(())
        } else {
            Err(garde::Error::new("is two capital letters, such as DE"))
        }
    }
}

impl PlaceOrder {
    /// What `user_id` wants; without lines when the cart is meant. Errors: a product stands in it twice.
    pub(super) fn draft(self, user_id: UserId) -> Result<Draft, OrderError> {
        let mut seen = HashSet::new();
        let line = |item: Item| {
            if !seen.insert(item.product_id) {
                return Err(OrderError::ProductRepeated(item.product_id));
            }
            Ok(WantedLine { product_id: item.product_id, quantity: item.quantity, cart_item_id: None })
        };
        let lines = self.items.unwrap_or_default().into_iter().map(line).collect::<Result<_, _>>()?;
        let Address { name, line1, line2, city, postal_code, country, phone } = self.shipping_address;
        let shipping_address = ShippingAddress { name, line1, line2, city, postal_code, country, phone };
        Ok(Draft { user_id, lines, shipping_address, payment_terms: self.payment_terms })
    }
}
