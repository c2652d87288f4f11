//! `POST /orders`: placing an order, once per `Idempotency-Key`.

mod body;
mod placing;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::{
    auth::Customer,
    extract::{KeyedJson, etag},
};
use souk_values::OrderId;

use crate::{
    app::App,
    error::OrderError,
    order::{Order, OrderStatus},
    prefer::PreferWait,
    store::StoredKey,
    view::OrderView,
};
use body::PlaceOrder;

/// Places an order for the given items, or for the caller's cart.
///
/// The current prices of the shop apply. The order is `created` until its stock is reserved; with
/// `Prefer: wait=2` the response waits up to 2 seconds (at most 10) until it is `confirmed`, or `cancelled` as
/// `out_of_stock`. A product may occur in `items` only once.
#[utoipa::path(post, path = "", request_body = PlaceOrder,
    params(
        ("Idempotency-Key" = String, Header, description = "New for each order; 1 to 255 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for confirmation", example = "wait=2"),
    ),
    responses(
        (status = 201, body = OrderView, description = "The placed order; the same key and body return the same order again",
            headers(
                ("Location" = String, description = "Path of the order"),
                ("Preference-Applied" = Option<String>, description = "The granted wait, such as `wait=2`"),
            )),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 409, description = "`order.cart_already_ordered`: a line of the cart belongs to the order named in the \
            member `orderId`, which is not cancelled"),
        (status = 422, description = "`order.cart_empty`, `order.product_unknown`, `order.product_repeated`, \
            `order.too_many_lines`, `order.total_too_large`, `idempotency_key.reused`"),
        (status = 503, description = "`product.unavailable`, `cart.unavailable`: see Retry-After"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    prefer: PreferWait,
    KeyedJson(key, body): KeyedJson<PlaceOrder>,
) -> Result<Response, OrderError> {
    let key = StoredKey::new("POST /orders", &key);
    // Before the cart is read: once the first request is done, the ordered lines are no longer in it.
    let order = match placing::placed_before(&app, caller.user_id, &key).await? {
        Some(order) => order,
        None => placing::place(&app, body.draft(caller.user_id)?, &key).await?,
    };
    let order = match prefer.duration() {
        None => order,
        Some(wait) => match tokio::time::timeout(wait, wait_until_settled(&app, order.order_id)).await {
            Ok(Ok(settled)) => settled.unwrap_or(order),
            // The order exists. An error would make the client order again.
            Ok(Err(error)) => {
                tracing::warn!(order.id = %order.order_id, error = ?error, "a placed order could not be read while waiting");
                order
            }
            Err(_elapsed) => order,
        },
    };
    Ok(created_response(order, prefer))
}

/// Waits until the order is no longer `created`. Returns `None` if the service stops before that.
async fn wait_until_settled(app: &App, order_id: OrderId) -> Result<Option<Order>, OrderError> {
    let mut waiter = app.waiters.subscribe(order_id);
    loop {
        let order = app.store.order(order_id).await?.ok_or(OrderError::NotFound(order_id))?;
        if order.status() != OrderStatus::Created {
            return Ok(Some(order));
        }
        if !waiter.changed().await {
            return Ok(None);
        }
    }
}

fn created_response(order: Order, prefer: PreferWait) -> Response {
    let text = |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    let location = text(format!("/orders/{}", order.order_id));
    let tag = etag(order.version, None);
    let headers = [(header::LOCATION, location), (header::ETAG, tag)];
    let mut response = (StatusCode::CREATED, headers, Json(OrderView::from(order))).into_response();
    if let Some(seconds) = prefer.0 {
        let applied = text(format!("wait={seconds}"));
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
    }
    response
}
