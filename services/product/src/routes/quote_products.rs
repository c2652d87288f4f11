//! `POST /internal/products/quote`: returns prices and stock to other services.

use std::collections::{BTreeSet, HashMap};

use axum::{Json, extract::State};
use garde::{Error, Path, Report, Validate};
use serde::Deserialize;
use souk_kit::{auth::PeerService, extract::ValidJson};
use souk_peers::product::{Quote, QuoteRequest};
use souk_values::ProductId;

use crate::{app::App, error::ProductError};

/// Maximum number of products in one request.
const MAX_ITEMS: usize = 200;
/// Maximum quantity of one product.
const MAX_QUANTITY: u32 = 99;

/// Adds validation to [`QuoteRequest`], which the crate of the peers only defines.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct ValidQuoteRequest(QuoteRequest);

impl Validate for ValidQuoteRequest {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let items = &self.0.items;
        let mut refuse = |message: &str| report.append(parent().join("items"), Error::new(message));
        if items.len() > MAX_ITEMS {
            refuse("must have at most 200 items");
        }
        if items.iter().any(|item| !(1..=MAX_QUANTITY).contains(&item.quantity)) {
            refuse("every quantity must be 1 to 99");
        }
        if items.iter().map(|item| item.product_id).collect::<BTreeSet<_>>().len() < items.len() {
            refuse("must contain each product at most once");
        }
    }
}

/// Returns the current prices and stock of products, in the order of the request, without those not in the catalogue.
#[utoipa::path(post, path = "", request_body = QuoteRequest, responses((status = 200, body = Quote)))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    ValidJson(ValidQuoteRequest(request)): ValidJson<ValidQuoteRequest>,
) -> Result<Json<Quote>, ProductError> {
    let ids: Vec<ProductId> = request.items.iter().map(|item| item.product_id).collect();
    let quoted = app.store.quoted(&ids).await?;
    let mut by_id: HashMap<ProductId, _> = quoted.into_iter().map(|item| (item.product_id, item)).collect();
    Ok(Json(Quote { items: ids.iter().filter_map(|id| by_id.remove(id)).collect() }))
}
