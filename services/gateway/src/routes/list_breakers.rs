//! `GET /api/admin/breakers`: the circuit breakers of the gateway and of all services.

use std::time::Duration;

use axum::{Json, extract::State};
use futures::future::join_all;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use souk_kit::{
    auth::{Admin, VERIFIER},
    breakers::{self, BreakerView},
};
use utoipa::ToSchema;

use super::own_token;
use crate::{app::App, route::Target};

/// Time limit of one instance.
const LIMIT: Duration = Duration::from_secs(2);

/// All circuit breakers of the shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakerList {
    /// The gateway's own breakers, one for each service and that of its verifier of access tokens, then those of each
    /// instance of each service.
    pub items: Vec<BreakerView>,
    /// Number of this page, always 0.
    pub page: usize,
    /// Number of items on this page: all of them.
    pub size: usize,
    /// Number of items on all pages.
    pub total: usize,
    /// Names of the services whose breakers are not known now, because an instance does not answer or none is known.
    pub missing: Vec<&'static str>,
}

/// The response of a service, as far as it is read.
#[derive(Deserialize)]
struct OfService {
    items: Vec<BreakerView>,
}

/// Lists the circuit breakers of the gateway and of every instance of every service.
#[utoipa::path(get, path = "", responses((status = 200, body = BreakerList, description = "All circuit breakers.")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin, headers: HeaderMap) -> Json<BreakerList> {
    let own = app.breakers.iter().map(|breaker| BreakerView::of("gateway", breaker));
    let mut items: Vec<BreakerView> = own.chain(breakers::of_verifier(&app.peers)).collect();
    let token = own_token(&headers);
    let mut missing = Vec::new();
    let services = app.services.iter().map(|service| breakers_of(&app, service, &token));
    for (service, breakers) in app.services.iter().zip(join_all(services).await) {
        match breakers {
            Some(breakers) => items.extend(breakers),
            None => missing.push(*service),
        }
    }
    let total = items.len();
    Json(BreakerList { items, page: 0, size: total, total, missing })
}

/// Returns the breakers of all instances of `service`; `None` if one of them does not answer, or none is known.
async fn breakers_of(app: &App, service: &str, token: &HeaderMap) -> Option<Vec<BreakerView>> {
    let bases = app.upstreams.directory().bases(service);
    let path = &*format!("/admin/{service}/breakers");
    let answers = join_all(bases.into_iter().map(|base| async move {
        let target = Target::Address(base.clone());
        let items = match app.upstreams.get_with(&target, path, token.clone(), LIMIT).await {
            Ok((StatusCode::OK, body)) => serde_json::from_slice::<OfService>(&body)
                .map(|of_service| of_service.items)
                .map_err(|error| error.to_string()),
            Ok((status, _)) => Err(format!("its response is {status}")),
            Err(error) => Err(error),
        };
        let items = items.inspect_err(|error| {
            tracing::debug!(service = "gateway", peer = service, base, error, "breakers could not be read");
        });
        let of_instance = |breaker: BreakerView| BreakerView { instance: Some(base.clone()), ..breaker };
        // The verifier of a service in the gateway's process is the gateway's own.
        let is_here = app.peers.serves(service);
        let items = items.ok()?.into_iter().filter(|breaker| !is_here || breaker.service != VERIFIER);
        Some(items.map(of_instance).collect::<Vec<_>>())
    }));
    let answers: Vec<Vec<BreakerView>> = answers.await.into_iter().collect::<Option<_>>()?;
    if answers.is_empty() { None } else { Some(answers.into_iter().flatten().collect()) }
}
