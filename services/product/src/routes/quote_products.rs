//! `POST /internal/products/quote`.

use std::collections::{BTreeSet, HashMap};

use axum::{Json, extract::State};
use garde::{Error, Path, Report, Validate};
use serde::Deserialize;
use souk_kit::{auth::PeerService, extract::ValidJson};
use souk_peers::product::{Quote, QuoteRequest};
use souk_values::ProductId;

use crate::{App, error::ProductError};

/// Products in one request at most.
const MAX_ITEMS: usize = 200;
/// Units of one product at most.
const MAX_QUANTITY: u32 = 99;

/// A [`QuoteRequest`] that keeps its rules.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Asked(QuoteRequest);

impl Validate for Asked {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let items = &self.0.items;
        let mut refuse = |message: &str| report.append(parent().join("items"), Error::new(message));
        if items.len() > MAX_ITEMS {
            refuse("at most 200");
        }
        if items.iter().any(|item| !(1..=MAX_QUANTITY).contains(&item.quantity)) {
            refuse("quantity is 1 to 99");
        }
        if items.iter().map(|item| item.product_id).collect::<BTreeSet<_>>().len() < items.len() {
            refuse("a product is asked for once");
        }
    }
}

/// Says what products cost now. Those that the shop does not sell are missing from the answer.
#[utoipa::path(post, path = "", request_body = QuoteRequest, responses((status = 200, body = Quote)))]
pub async fn handle(
    State(app): State<App>,
    _: PeerService,
    ValidJson(Asked(asked)): ValidJson<Asked>,
) -> Result<Json<Quote>, ProductError> {
    let ids: Vec<ProductId> = asked.items.iter().map(|item| item.product_id).collect();
    let quoted = app.store.quoted(&ids).await?;
    let mut by_id: HashMap<ProductId, _> = quoted.into_iter().map(|item| (item.product_id, item)).collect();
    Ok(Json(Quote { items: ids.iter().filter_map(|id| by_id.remove(id)).collect() }))
}
