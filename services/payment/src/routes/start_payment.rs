//! `POST /payments`.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::KeyedJson, text::check_line};
use souk_values::{OrderId, Secret};
use utoipa::ToSchema;

use super::payment_view::PaymentView;
use crate::{
    app::App,
    charging,
    error::PaymentError,
    payment::{Payment, RequestKey},
};

/// The longest token of any provider, in characters.
const MAX_TOKEN: usize = 191;

/// An attempt to pay an order. Its amount is the order's.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"orderId": 246_290_604_621_823_i64, "method": {"type": "card", "token": "tok_visa"}}))]
pub(crate) struct StartPayment {
    /// Id of the caller's order that is paid.
    #[garde(skip)]
    order_id: OrderId,
    /// Means of payment, such as a card.
    #[garde(dive)]
    method: Method,
}

/// A means of payment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Method {
    /// Kind of the method; only `card` so far.
    #[serde(rename = "type")]
    #[garde(skip)]
    kind: MethodKind,
    /// Token that the provider issued for the card, 1 to 191 characters, such as `tok_visa`.
    #[garde(custom(is_token))]
    #[schema(value_type = String, min_length = 1, max_length = 191)]
    token: Secret,
}

/// Kind of a means of payment.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(title = "PaymentMethodKind")]
pub(crate) enum MethodKind {
    Card,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the validator calls it")]
fn is_token(token: &Secret, (): &()) -> garde::Result {
    check_line(token.expose(), MAX_TOKEN)
}

/// Pays an order.
///
/// A declined card is 201 too, with status `failed`: the attempt was made and recorded. `processing` means that the
/// provider's outcome is not known yet; it will be, and the customer is not charged twice. The same key and body return
/// the payment in its current state; after a failure, a new attempt takes a new key.
#[utoipa::path(
    post,
    path = "",
    params(("Idempotency-Key" = String, Header, description = "Text of your own, new for each attempt, such as a UUID")),
    request_body = StartPayment,
    responses(
        (status = 201, body = PaymentView, description = "The attempt, with its outcome"),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 404, description = "`payment.order_not_found`: unknown, or of another customer"),
        (status = 409, description = "`payment.order_not_payable`, `payment.in_progress`, `payment.already_paid`"),
        (status = 422, description = "`payment.token_unknown`, `idempotency_key.reused`; nothing was stored"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    KeyedJson(key, StartPayment { order_id, method }): KeyedJson<StartPayment>,
) -> Result<(StatusCode, Json<PaymentView>), PaymentError> {
    let key = RequestKey::from(key);
    if let Some(payment) = charging::find_replay(&app, caller.user_id, &key).await? {
        return Ok(created(payment));
    }
    let MethodKind::Card = method.kind;
    if !app.providers.current().accepts(&method.token) {
        return Err(PaymentError::TokenUnknown);
    }
    Ok(created(charging::pay(&app, order_id, caller.user_id, key, method.token).await?))
}

fn created(payment: Payment) -> (StatusCode, Json<PaymentView>) {
    (StatusCode::CREATED, Json(payment.into()))
}
