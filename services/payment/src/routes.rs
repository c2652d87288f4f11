//! The URL table.

mod list_payments;
mod payment_state;
mod payment_view;
mod receive_webhook;
mod refund_payment;
mod show_payment;
mod start_payment;
mod summarize_payments;

use souk_kit::routes::Routes;

use crate::app::App;

fn table() -> Routes<App> {
    souk_kit::routes! { App:
        POST "/payments"                      token  start_payment;
        GET  "/payments"                      token  list_payments;
        GET  "/payments/summary"              token  summarize_payments;
        GET  "/payments/{paymentId}"          token  show_payment;
        POST "/payments/{paymentId}/refund"   token  refund_payment;
        POST "/payments/webhooks/{provider}"  public receive_webhook;
        GET  "/internal/payments/state"       token  payment_state;
    }
}

pub(crate) fn router(app: App) -> axum::Router {
    table().finish("payment", DESCRIPTION).0.with_state(app)
}

pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    table().finish("payment", DESCRIPTION).1
}

const DESCRIPTION: &str = "Charges orders once, and returns what must go back.";
