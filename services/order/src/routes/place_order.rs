//! `POST /orders`.

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
    App,
    error::OrderError,
    order::{Order, Status},
    prefer::PreferWait,
    store::StoredKey,
    view::OrderView,
};
use body::PlaceOrder;

/// Places an order for the given items, or for what is in the caller's cart.
///
/// Prices are the shop's of this moment. The order is `created` until its stock is reserved; with
/// `Prefer: wait=2` the answer waits up to that many seconds (at most 10) for it to be `confirmed` or
/// `cancelled` (`out_of_stock`). A product may stand in `items` once.
#[utoipa::path(post, path = "", request_body = PlaceOrder,
    params(
        ("Idempotency-Key" = String, Header, description = "New for each order; 1 to 255 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for confirmation", example = "wait=2"),
    ),
    responses(
        (status = 201, body = OrderView, description = "Placed; the same key and body answer the same order again",
            headers(
                ("Location" = String, description = "Where the order is"),
                ("Preference-Applied" = Option<String>, description = "The wait that was granted"),
            )),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 422, description = "`order.cart_empty`, `order.product_unknown`, `order.product_repeated`, \
            `order.too_many_lines`, `order.total_too_large`, `idempotency_key.reused`"),
        (status = 503, description = "`product.unavailable`, `cart.unavailable`: see Retry-After"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    prefer: PreferWait,
    KeyedJson(key, body): KeyedJson<PlaceOrder>,
) -> Result<Response, OrderError> {
    let key = StoredKey::new("POST /orders", &key);
    let order = match placing::earlier(&app, caller.user_id, &key).await? {
        Some(order) => order,
        None => placing::place(&app, body.draft(caller.user_id)?, &key).await?,
    };
    let order = match prefer.duration() {
        None => order,
        Some(wait) => match tokio::time::timeout(wait, settled(&app, order.order_id)).await {
            Ok(Ok(settled)) => settled.unwrap_or(order),
            // It is placed, whatever kept us from looking at it again: an error would make a client order twice.
            Ok(Err(error)) => {
                tracing::warn!(order.id = %order.order_id, error = ?error, "a placed order could not be waited for");
                order
            }
            // Still `created` when last looked at.
            Err(_) => order,
        },
    };
    Ok(created(order, prefer))
}

/// The order once it is no longer `created`; `None` when the service stops before that.
async fn settled(app: &App, order_id: OrderId) -> Result<Option<Order>, OrderError> {
    let mut waiting = app.waiters.wait_for(order_id);
    loop {
        let order = app.store.order(order_id).await?.ok_or(OrderError::NotFound(order_id))?;
        if order.status() != Status::Created {
            return Ok(Some(order));
        }
        if !waiting.changed().await {
            return Ok(None);
        }
    }
}

fn created(order: Order, prefer: PreferWait) -> Response {
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
