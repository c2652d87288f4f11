//! What the order service refuses or fails with: status and stable code in one `match`.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{CallError, Problem, extract::Idempotency};
use souk_sql::SqlError;
use souk_values::{MoneyError, OrderId, ProductId};

use crate::order::{CannotPlace, Status, transition::Refusal};

/// Why a request got no order.
#[derive(Debug)]
pub(crate) enum OrderError {
    /// There is none with this id, or it is another's.
    NotFound(OrderId),
    /// Nothing in the cart to order.
    CartEmpty,
    /// More lines than an order can have.
    TooManyLines,
    /// A product stands in `items` twice.
    ProductRepeated(ProductId),
    /// The shop does not sell it.
    ProductUnknown(ProductId),
    /// The sum does not fit.
    TotalTooLarge,
    /// Its state does not allow it.
    NotCancellable(Status),
    /// Its state does not allow it.
    NotShippable(Status),
    /// Its state does not allow it.
    NotDeliverable(Status),
    /// The key came with another body before.
    KeyReused,
    /// A customer asked for another's orders.
    OthersOrders,
    /// A query that is readable and senseless.
    Query(String),
    /// A peer.
    Peer(CallError),
    /// The store.
    Store(SqlError),
    /// What cannot be.
    Defect(String),
}

impl From<SqlError> for OrderError {
    fn from(error: SqlError) -> Self {
        Self::Store(error)
    }
}

impl From<CallError> for OrderError {
    fn from(error: CallError) -> Self {
        Self::Peer(error)
    }
}

impl From<CannotPlace> for OrderError {
    fn from(error: CannotPlace) -> Self {
        match error {
            CannotPlace::UnknownProduct(product) => Self::ProductUnknown(product),
            CannotPlace::Total(MoneyError::TooLarge) => Self::TotalTooLarge,
            CannotPlace::Total(error) => Self::Defect(format!("a quote cannot be summed: {error}")),
        }
    }
}

impl OrderError {
    /// What a refused act says.
    pub(crate) fn refused(refusal: Refusal, status: Status) -> Self {
        match refusal {
            Refusal::NotCancellable => Self::NotCancellable(status),
            Refusal::NotShippable => Self::NotShippable(status),
            Refusal::NotDeliverable => Self::NotDeliverable(status),
            Refusal::NothingToDo | Refusal::OtherAmount => Self::Defect(format!("a request met {refusal:?}")),
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let (not_found, forbidden) = (StatusCode::NOT_FOUND, StatusCode::FORBIDDEN);
        let (conflict, not_allowed) = (StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, code, detail) = match error {
            OrderError::NotFound(order) => (not_found, "order.not_found", format!("There is no order {order}.")),
            OrderError::CartEmpty => {
                (not_allowed, "order.cart_empty", "The cart is empty; put something into it first.".to_owned())
            }
            OrderError::TooManyLines => {
                (not_allowed, "order.too_many_lines", "An order has at most 100 lines; order in parts.".to_owned())
            }
            OrderError::ProductRepeated(product) => (
                not_allowed,
                "order.product_repeated",
                format!("Product {product} stands in the items twice; add up its quantities."),
            ),
            OrderError::ProductUnknown(product) => {
                (not_allowed, "order.product_unknown", format!("The shop does not sell product {product}."))
            }
            OrderError::TotalTooLarge => {
                (not_allowed, "order.total_too_large", "The total is larger than an order can be.".to_owned())
            }
            OrderError::NotCancellable(status) => {
                (conflict, "order.not_cancellable", format!("The order is {status} and cannot be cancelled."))
            }
            OrderError::NotShippable(status) => {
                (conflict, "order.not_shippable", format!("The order is {status} and cannot be shipped."))
            }
            OrderError::NotDeliverable(status) => {
                (conflict, "order.not_deliverable", format!("The order is {status} and cannot be delivered."))
            }
            OrderError::OthersOrders => {
                (forbidden, "auth.forbidden", "Only an admin may list the orders of others.".to_owned())
            }
            OrderError::Query(detail) => (StatusCode::BAD_REQUEST, "query.invalid", detail),
            OrderError::KeyReused => return Idempotency::reused(),
            OrderError::Peer(error) => return error.into(),
            OrderError::Store(error) => return Self::store(&error),
            OrderError::Defect(cause) => return Self::internal(&cause),
        };
        Self::new(status, code, detail)
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
