//! `POST peerreplication/batch`: changes that clients made at another server, in their order.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use souk_eureka::{InstanceInfo, InstanceStatus};
use souk_kit::Problem;

use crate::{
    app::App,
    error::DiscoveryError,
    registry::{Heartbeat, InstanceKey, Origin, Renewal, StatusUpdate},
    replication::{Action, batch},
    request_body,
};

const MAX_BODY: usize = 16 << 20;
/// Size limit of one item, which may be a whole registration.
const MAX_ITEM: usize = 256 << 10;

pub(crate) async fn handle(State(app): State<App>, request: Request) -> Result<Response, Response> {
    let body = request_body::receive(request, MAX_BODY).await.map_err(respond)?;
    // Taken after the body was received, so that slow senders do not block the others; before it is decompressed,
    // because a small body may expand to a large one.
    let _permit = app.batch_permits.acquire().await.map_err(|error| Problem::internal(&error).into_response())?;
    let body = body.decode().map_err(respond)?;
    let items = batch::read(&body.bytes).map_err(respond)?;
    let replies: Vec<Value> = items.into_iter().map(|item| apply(&app, item)).collect();
    Ok(Json(json!({ "responseList": replies })).into_response())
}

fn respond(error: impl Into<DiscoveryError>) -> Response {
    error.into().into_response()
}

/// Applies one item and returns its reply. An invalid item does not affect the others.
fn apply(app: &App, item: &RawValue) -> Value {
    let reply = |status: StatusCode| json!({"statusCode": status.as_u16()});
    let reply_if_found = |is_found: bool| reply(if is_found { StatusCode::OK } else { StatusCode::NOT_FOUND });
    if item.get().len() > MAX_ITEM {
        return reply(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let item: Value = serde_json::from_str(item.get()).unwrap_or_default();
    let Some(Item { action, app: name, id, status, overridden, last_dirty_at }) = Item::read(&item) else {
        return reply(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let key = InstanceKey { app: &name, id: &id };
    match action {
        Action::Register => reply(register(app, &name, item.get("instanceInfo"))),
        Action::Cancel => reply_if_found(app.registry.cancel(key, Origin::Peer)),
        Action::Heartbeat => match app.registry.renew(key, Heartbeat { last_dirty_at, overridden }, Origin::Peer) {
            Renewal::Renewed(_) => reply(StatusCode::OK),
            Renewal::Outdated(_) | Renewal::Unknown => reply(StatusCode::NOT_FOUND),
            Renewal::Conflict(stored) => {
                json!({"statusCode": StatusCode::CONFLICT.as_u16(), "responseEntity": stored.to_json()})
            }
        },
        Action::StatusUpdate => match status {
            Some(status) => {
                let update = StatusUpdate { status, last_dirty_at };
                reply_if_found(app.registry.set_status(key, update, Origin::Peer))
            }
            None => reply(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Action::DeleteStatusOverride => {
            let update = StatusUpdate { status: status.unwrap_or(InstanceStatus::Unknown), last_dirty_at };
            reply_if_found(app.registry.delete_override(key, update, Origin::Peer))
        }
    }
}

fn register(app: &App, name: &str, info: Option<&Value>) -> StatusCode {
    let Some(info) = info.and_then(|info| InstanceInfo::from_json(info, app.clock.now().millis()).ok()) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    match app.registry.register(info, name, Origin::Peer) {
        Ok(()) => StatusCode::OK,
        Err(error) => error.into_response().status(),
    }
}

/// The fields of an item; the instance of a registration is read separately.
struct Item {
    action: Action,
    app: String,
    id: String,
    status: Option<InstanceStatus>,
    overridden: Option<InstanceStatus>,
    last_dirty_at: Option<i64>,
}

impl Item {
    fn read(item: &Value) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let status = |name: &str| text(name).and_then(|text| text.parse().ok());
        let dirty = item.get("lastDirtyTimestamp");
        Some(Self {
            action: Action::deserialize(item.get("action")?).ok()?,
            app: text("appName")?.to_uppercase(),
            id: text("id")?.to_owned(),
            status: status("status"),
            overridden: status("overriddenStatus"),
            last_dirty_at: dirty.and_then(|at| at.as_i64().or_else(|| at.as_str()?.parse().ok())),
        })
    }
}
