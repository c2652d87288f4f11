//! Why a request is refused: status and stable code in one match.

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

/// What a handler answers when it does not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CartError {
    /// The store's failure or refusal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Product cannot be asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The shop does not sell it.
    #[error("product {0} is not sold")]
    ProductUnknown(ProductId),
    /// Not a guest's token of this shop.
    #[error("the guest token is refused")]
    GuestToken,
    /// Nothing can be said about the guest token now.
    #[error("auth's keys cannot be fetched: {0}")]
    KeysUnavailable(String),
    /// A sum that cannot be made.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl From<Refused> for CartError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid | Refused::Expired => Self::GuestToken,
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
                "guestToken is an access token that this shop gave to a guest.",
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
            let detail = format!("There would be {sum} of this product in the cart; at most {MAX_QUANTITY} fit.");
            (UNPROCESSABLE, "cart.quantity_too_large", detail)
        }
        Refusal::TooManyItems => {
            (UNPROCESSABLE, "cart.too_many_items", format!("A cart holds {MAX_ACTIVE} different products."))
        }
        Refusal::NoSuchItem => {
            (StatusCode::NOT_FOUND, "cart.item_not_found", "There is no such item in the cart.".into())
        }
        Refusal::ItemOrdered => {
            (StatusCode::CONFLICT, "cart.item_ordered", "This item was ordered. Cancel the order to change it.".into())
        }
        Refusal::ItemPurchased => {
            (StatusCode::CONFLICT, "cart.item_purchased", "This item was bought. Add the product anew.".into())
        }
        Refusal::KeyReused => return Idempotency::reused(),
        Refusal::NotWished => {
            (StatusCode::NOT_FOUND, "wishlist.item_not_found", "This product is not on the wishlist.".into())
        }
        Refusal::TooManyWishes => {
            (UNPROCESSABLE, "wishlist.too_many_items", format!("A wishlist holds {MAX_WISHES} products."))
        }
    };
    Problem::new(status, code, detail)
}

impl IntoResponse for CartError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
