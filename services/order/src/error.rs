//! Errors of the order service, with their HTTP status and stable code.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{CallError, Problem, extract::Idempotency};
use souk_sql::SqlError;
use souk_values::{Id, MoneyError, OrderId, ProductId};

use crate::order::{OrderStatus, PlaceError, transition::Refusal};

#[derive(Debug)]
pub(crate) enum OrderError {
    /// No order has this id, or it belongs to another user.
    NotFound(OrderId),
    CartEmpty,
    /// The cart has more lines than an order may have.
    TooManyLines,
    /// A line of the cart belongs to this order already.
    CartAlreadyOrdered(OrderId),
    /// A product occurs twice in `items`.
    ProductRepeated(ProductId),
    ProductUnknown(ProductId),
    /// The total exceeds the range of an amount.
    TotalTooLarge,
    NotCancellable(OrderStatus),
    NotShippable(OrderStatus),
    NotDeliverable(OrderStatus),
    /// The `Idempotency-Key` was used with another body before.
    KeyReused,
    /// A customer filtered the list by another user, or searched in it.
    OtherUsersOrders,
    /// A parameter of the query is invalid; the sentence says how.
    Query(String),
    Peer(CallError),
    Store(SqlError),
    /// A bug; the text is logged and not shown to the caller.
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

impl From<PlaceError> for OrderError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::UnknownProduct(product) => Self::ProductUnknown(product),
            PlaceError::Total(MoneyError::TooLarge) => Self::TotalTooLarge,
            PlaceError::Total(error) => Self::Defect(format!("a quote cannot be summed: {error}")),
        }
    }
}

impl OrderError {
    pub(crate) fn refused(refusal: Refusal, status: OrderStatus) -> Self {
        match refusal {
            Refusal::NotCancellable => Self::NotCancellable(status),
            Refusal::NotShippable => Self::NotShippable(status),
            Refusal::NotDeliverable => Self::NotDeliverable(status),
            Refusal::NothingToDo | Refusal::AmountMismatch => {
                Self::Defect(format!("a request was refused with {refusal:?}"))
            }
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let conflict = StatusCode::CONFLICT;
        let not_allowed = StatusCode::UNPROCESSABLE_ENTITY;
        let (status, code, detail) = match error {
            OrderError::NotFound(order) => {
                (StatusCode::NOT_FOUND, "order.not_found", format!("There is no order {order}."))
            }
            OrderError::CartEmpty => (
                not_allowed,
                "order.cart_empty",
                "The cart is empty. Add products to it, or send the items in the body.".to_owned(),
            ),
            OrderError::TooManyLines => (
                not_allowed,
                "order.too_many_lines",
                "The cart has more than 100 lines, the most an order may have. Order them in several parts.".to_owned(),
            ),
            OrderError::ProductRepeated(product) => (
                not_allowed,
                "order.product_repeated",
                format!("Product {product} occurs twice in the items. Send it once, with the sum of its quantities."),
            ),
            OrderError::ProductUnknown(product) => (
                not_allowed,
                "order.product_unknown",
                format!("The shop does not sell product {product}. Remove it and try again."),
            ),
            OrderError::TotalTooLarge => (
                not_allowed,
                "order.total_too_large",
                "The total is larger than the shop can process. Order smaller quantities.".to_owned(),
            ),
            OrderError::CartAlreadyOrdered(order) => {
                let detail = format!(
                    "The cart, or a part of it, is already ordered with order {order}. To order the same products once \
                     more, remove them from the cart and add them again."
                );
                return Self::new(conflict, "order.cart_already_ordered", detail).with_member("orderId", order.get());
            }
            OrderError::NotCancellable(status) => {
                (conflict, "order.not_cancellable", format!("The order is {status} and can no longer be cancelled."))
            }
            OrderError::NotShippable(status) => {
                (conflict, "order.not_shippable", format!("The order is {status} and cannot be shipped."))
            }
            OrderError::NotDeliverable(status) => {
                (conflict, "order.not_deliverable", format!("The order is {status} and cannot be delivered."))
            }
            OrderError::OtherUsersOrders => (
                StatusCode::FORBIDDEN,
                "auth.forbidden",
                "Only admins may search, or list the orders of another user. Leave out q and userId to list your own."
                    .to_owned(),
            ),
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
