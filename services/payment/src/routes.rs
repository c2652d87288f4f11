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

pub(crate) fn table() -> Routes<App> {
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
