//! `POST peerreplication/batch`: what clients did at another server, in the order in which they did it.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json, value::RawValue};
use souk_eureka::{InstanceInfo, InstanceStatus};
use souk_kit::Problem;

use crate::{
    app::App,
    registry::{Origin, Renewal},
    replication::{Action, batch},
    request_body,
};

const LIMIT: usize = 16 << 20;
/// One item: an instance that may register, in any clothes.
const MOST_ITEM: usize = 256 << 10;

pub async fn handle(State(app): State<App>, request: Request) -> Result<Response, Response> {
    let body = request_body::receive(request, LIMIT).await.map_err(IntoResponse::into_response)?;
    // Small bodies may stand for large ones, so only a few are read at a time. Waiting for a slow sender is not reading.
    let _one_of_few = app.reading.acquire().await.map_err(|error| Problem::internal(&error).into_response())?;
    let body = body.open().map_err(IntoResponse::into_response)?;
    let items = batch::read(&body.bytes).map_err(|error| (StatusCode::BAD_REQUEST, error.0).into_response())?;
    let replies: Vec<Value> = items.into_iter().map(|item| apply(&app, item)).collect();
    Ok(Json(json!({ "responseList": replies })).into_response())
}

/// Does one item; what is wrong with it is its own reply.
fn apply(app: &App, item: &RawValue) -> Value {
    let reply = |status: StatusCode| json!({"statusCode": status.as_u16()});
    let done = |was_there: bool| reply(if was_there { StatusCode::OK } else { StatusCode::NOT_FOUND });
    if item.get().len() > MOST_ITEM {
        return reply(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let item: Value = serde_json::from_str(item.get()).unwrap_or_default();
    let Some(Item { action, app: name, id, status, overridden, last_dirty_at }) = Item::read(&item) else {
        return reply(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let instance = (name.as_str(), id.as_str());
    match action {
        Action::Register => reply(register(app, &name, item.get("instanceInfo"))),
        Action::Cancel => done(app.cancel(instance, Origin::Peer)),
        Action::Heartbeat => match app.renew(instance, (last_dirty_at, overridden), Origin::Peer) {
            Renewal::Renewed(_) => reply(StatusCode::OK),
            Renewal::Outdated(_) | Renewal::Unknown => reply(StatusCode::NOT_FOUND),
            Renewal::Conflict(stored) => {
                json!({"statusCode": StatusCode::CONFLICT.as_u16(), "responseEntity": stored.to_json()})
            }
        },
        Action::StatusUpdate => match status {
            Some(status) => done(app.set_status(instance, status, last_dirty_at, Origin::Peer)),
            None => reply(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Action::DeleteStatusOverride => {
            let status = status.unwrap_or(InstanceStatus::Unknown);
            done(app.delete_override(instance, status, last_dirty_at, Origin::Peer))
        }
    }
}

fn register(app: &App, name: &str, info: Option<&Value>) -> StatusCode {
    let Some(info) = info.and_then(|info| InstanceInfo::from_json(info, app.clock.now().millis()).ok()) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    match app.admit(info, name, Origin::Peer) {
        Ok(()) => StatusCode::OK,
        Err(error) => error.into_response().status(),
    }
}

/// One item of a batch.
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
            action: Action::named(text("action")?)?,
            app: text("appName")?.to_uppercase(),
            id: text("id")?.to_owned(),
            status: status("status"),
            overridden: status("overriddenStatus"),
            last_dirty_at: dirty.and_then(|at| at.as_i64().or_else(|| at.as_str()?.parse().ok())),
        })
    }
}
