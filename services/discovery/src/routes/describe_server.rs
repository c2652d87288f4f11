//! `GET status`: what the server tells of itself.

use axum::{extract::State, response::Response};
use serde_json::json;
use souk_eureka::{InstanceInfo, StatusInfo};
use souk_kit::Problem;

use crate::{app::App, negotiation::Wanted};

pub async fn handle(State(app): State<App>, wanted: Wanted) -> Result<Response, Problem> {
    let minutes = app.clock.now().since(app.started_at).as_secs() / 60;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    let days = match days {
        0 => String::new(),
        1 => "1 day ".to_owned(),
        _ => format!("{days} days "),
    };
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let stat = |name: &str, value: String| (name.to_owned(), value);
    let peers = app.replicas.lines();
    let urls = |is_wanted: &dyn Fn(Option<bool>) -> bool| {
        let wanted = peers.iter().filter(|peer| is_wanted(peer.is_reachable)).map(|peer| peer.url.as_str());
        wanted.collect::<Vec<_>>().join(",")
    };
    let status = StatusInfo {
        general_stats: vec![
            stat("server-uptime", format!("{days}{hours:02}:{:02}", minutes % 60)),
            stat("num-of-cpus", processors.to_string()),
            stat("environment", "souk".to_owned()),
        ],
        application_stats: vec![
            stat("registered-replicas", urls(&|_| true)),
            stat("available-replicas", urls(&|answers| answers == Some(true))),
            stat("unavailable-replicas", urls(&|answers| answers != Some(true))),
        ],
        instance: itself(&app).map_err(|error| Problem::internal(&error))?,
    };
    Ok(wanted.answer(wanted.status(&status)))
}

fn itself(app: &App) -> Result<InstanceInfo, souk_eureka::Malformed> {
    let host = app.config.hostname.split(':').next().filter(|host| !host.is_empty()).unwrap_or("localhost");
    let described = json!({
        "instanceId": format!("{host}:discovery"), "hostName": host, "app": "DISCOVERY", "ipAddr": host,
        "vipAddress": "discovery", "isCoordinatingDiscoveryServer": true, "dataCenterInfo": {"name": "MyOwn"},
    });
    InstanceInfo::from_json(&described, app.started_at.millis())
}
