//! Errors of the service: HTTP status and stable code of each, in one match.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{CallError, Problem, auth::Refused, extract::Idempotency};
use souk_values::{MoneyError, ProductId};

use crate::{
    cart::{MAX_ACTIVE, MAX_QUANTITY, Refusal},
    product::MAX_WISHES,
    store::StoreError,
};

#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call to the product service failed.
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the shop does not sell product {0}")]
    ProductUnknown(ProductId),
    /// Not an access token that this shop issued to a guest.
    #[error("the guest token is invalid")]
    GuestToken,
    /// The guest token cannot be verified now.
    #[error("auth's keys cannot be fetched: {0}")]
    KeysUnavailable(String),
    /// A sum exceeds 64 bits.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl From<Refused> for CartError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid | Refused::Expired | Refused::Ended => Self::GuestToken,
            Refused::KeysUnavailable(cause) => Self::KeysUnavailable(cause),
        }
    }
}

impl From<CartError> for Problem {
    fn from(error: CartError) -> Self {
        match error {
            CartError::Store(StoreError::Engine(error)) => Self::store(&error),
            CartError::Store(error @ StoreError::Event(_)) => Self::internal(&error),
            CartError::Store(StoreError::Refused(refusal)) => refused(&refusal),
            CartError::Call(error) => error.into(),
            CartError::ProductUnknown(product) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "cart.product_unknown",
                format!("The shop does not sell product {product}."),
            ),
            CartError::GuestToken => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "cart.guest_token_invalid",
                "guestToken must be an access token that this shop issued to a guest.",
            ),
            CartError::KeysUnavailable(cause) => Self::unavailable("auth", &cause),
            CartError::Money(error) => Self::internal(&error),
        }
    }
}

fn refused(refusal: &Refusal) -> Problem {
    const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let (status, code, detail) = match refusal {
        Refusal::QuantityTooLarge(sum) => {
            let detail = format!("A cart holds at most {MAX_QUANTITY} units of a product; this would make {sum}.");
            (UNPROCESSABLE, "cart.quantity_too_large", detail)
        }
        Refusal::TooManyItems => {
            let detail =
                format!("The cart is full: it holds at most {MAX_ACTIVE} different products. Remove one first.");
            (UNPROCESSABLE, "cart.too_many_items", detail)
        }
        Refusal::NoSuchItem => {
            (StatusCode::NOT_FOUND, "cart.item_not_found", "The cart has no such item; it may have expired.".into())
        }
        Refusal::ItemOrdered => (
            StatusCode::CONFLICT,
            "cart.item_ordered",
            "This item belongs to an order. To change it, cancel the order.".into(),
        ),
        Refusal::ItemPurchased => (
            StatusCode::CONFLICT,
            "cart.item_purchased",
            "This item was already bought. To buy more of the product, add it to the cart again.".into(),
        ),
        Refusal::KeyReused => return Idempotency::reused(),
        Refusal::NotWished => {
            (StatusCode::NOT_FOUND, "wishlist.item_not_found", "This product is not on the wishlist.".into())
        }
        Refusal::TooManyWishes => {
            let detail = format!("The wishlist is full: it holds at most {MAX_WISHES} products. Remove one first.");
            (UNPROCESSABLE, "wishlist.too_many_items", detail)
        }
    };
    Problem::new(status, code, detail)
}

impl IntoResponse for CartError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
