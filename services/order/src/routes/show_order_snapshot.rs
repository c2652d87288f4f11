//! `GET /internal/orders/{orderId}`: an order with its version, for other services.

use axum::{Json, extract::State};
use souk_kit::{auth::PeerService, extract::Path};
use souk_peers::order::OrderSnapshot;
use souk_values::OrderId;

use crate::{app::App, error::OrderError};

/// Returns the whole current order to another service of the shop.
#[utoipa::path(get, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = Object, description = "The order as its events carry it, and its milestones",
            example = json!({
                "order": {
                    "orderId": 246_290_604_621_824_i64, "userId": 246_290_604_600_001_i64,
                    "orderDate": "2026-01-31T12:00:00.000Z", "totalAmount": {"amount": 3998, "currency": "EUR"},
                    "items": [{
                        "orderItemId": 246_290_604_700_001_i64, "productId": 1001, "name": "Linen shirt",
                        "quantity": 2, "price": {"amount": 1999, "currency": "EUR"}
                    }],
                    "shippingAddress": {
                        "name": "Ada Lovelace", "line1": "1 Long Street", "city": "Berlin",
                        "postalCode": "10115", "country": "DE"
                    },
                    "paymentTerms": "prepaid", "payBy": "2026-01-31T12:30:00.250Z", "version": 2
                },
                "isConfirmed": true, "isPaid": false
            })),
        (status = 404, description = "`order.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    Path(order_id): Path<OrderId>,
) -> Result<Json<OrderSnapshot>, OrderError> {
    let order = app.store.order(order_id).await?.ok_or(OrderError::NotFound(order_id))?;
    Ok(Json(OrderSnapshot {
        order: order.facts(),
        is_confirmed: order.confirmed_at.is_some() && order.cancelled_at.is_none(),
        is_paid: order.paid_at.is_some(),
        cancel_reason: order.cancel_reason,
    }))
}
