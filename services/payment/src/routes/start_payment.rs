//! `POST /payments`.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::KeyedJson};
use souk_values::{OrderId, Secret};
use utoipa::ToSchema;

use super::payment_view::PaymentView;
use crate::{
    app::App,
    charging,
    error::PaymentError,
    payment::{Payment, RequestKey},
};

/// The longest token of any provider.
const LONGEST_TOKEN: usize = 191;

/// Which order is paid, and with what. The amount is the order's.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"orderId": 246_290_604_621_823_i64, "method": {"type": "card", "token": "tok_visa"}}))]
pub struct StartPayment {
    /// The order.
    #[garde(skip)]
    order_id: OrderId,
    /// With what.
    #[garde(dive)]
    method: Method,
}

/// With what is paid.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Method {
    /// What it is.
    #[serde(rename = "type")]
    #[garde(skip)]
    kind: MethodKind,
    /// The provider's token for the card; 1 to 191 characters.
    #[garde(custom(is_token))]
    #[schema(value_type = String, min_length = 1, max_length = 191)]
    token: Secret,
}

/// The ways to pay.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(title = "PaymentMethodKind")]
pub enum MethodKind {
    /// A card, by its provider's token.
    Card,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the validator calls it")]
fn is_token(token: &Secret, (): &()) -> garde::Result {
    if (1..=LONGEST_TOKEN).contains(&token.expose().len()) {
        Ok(())
    } else {
        Err(garde::Error::new("a token has 1 to 191 characters"))
    }
}

/// Pays an order.
///
/// A declined card is 201 too, with status `failed`: the attempt was made and recorded. `processing`
/// means that the provider's answer is not known yet; it will be, and nobody is charged twice. The
/// same key and body answer the payment as it then is; after a failure a new attempt takes a new key.
#[utoipa::path(
    post,
    path = "",
    params(("Idempotency-Key" = String, Header, description = "A text of your own, new for each attempt")),
    request_body = StartPayment,
    responses(
        (status = 201, body = PaymentView, description = "The attempt, with its outcome"),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 404, description = "`payment.order_not_found`: unknown, or another's"),
        (status = 409, description = "`payment.order_not_payable`, `payment.in_progress`, `payment.already_paid`"),
        (status = 422, description = "`payment.token_unknown`, `idempotency_key.reused`; nothing was stored"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    KeyedJson(key, StartPayment { order_id, method }): KeyedJson<StartPayment>,
) -> Result<(StatusCode, Json<PaymentView>), PaymentError> {
    let key = RequestKey::from(key);
    if let Some(payment) = charging::asked_before(&app, caller.user_id, &key).await? {
        return Ok(created(payment));
    }
    let MethodKind::Card = method.kind;
    if !app.provider.takes(&method.token) {
        return Err(PaymentError::TokenUnknown);
    }
    Ok(created(charging::pay(&app, order_id, caller.user_id, key, method.token).await?))
}

fn created(payment: Payment) -> (StatusCode, Json<PaymentView>) {
    (StatusCode::CREATED, Json(payment.into()))
}
