//! `GET status`: this server, its uptime and its peers.

use axum::{extract::State, response::Response};
use serde_json::json;
use souk_eureka::{InstanceInfo, StatusInfo};
use souk_kit::Problem;

use crate::{app::App, negotiation::Representation};

pub(crate) async fn handle(State(app): State<App>, representation: Representation) -> Result<Response, Problem> {
    let minutes = app.clock.now().since(app.started_at).as_secs() / 60;
    let hours = minutes / 60 % 24;
    let days = match minutes / 1_440 {
        0 => String::new(),
        1 => "1 day ".to_owned(),
        days => format!("{days} days "),
    };
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let stat = |name: &str, value: String| (name.to_owned(), value);
    let peers = app.registry.peers().summaries();
    let urls = |is_included: &dyn Fn(Option<bool>) -> bool| {
        let included = peers.iter().filter(|peer| is_included(peer.is_reachable)).map(|peer| peer.url.as_str());
        included.collect::<Vec<_>>().join(",")
    };
    let status = StatusInfo {
        general_stats: vec![
            stat("server-uptime", format!("{days}{hours:02}:{:02}", minutes % 60)),
            stat("num-of-cpus", processors.to_string()),
            stat("environment", "souk".to_owned()),
        ],
        application_stats: vec![
            stat("registered-replicas", urls(&|_| true)),
            stat("available-replicas", urls(&|is_reachable| is_reachable == Some(true))),
            stat("unavailable-replicas", urls(&|is_reachable| is_reachable != Some(true))),
        ],
        instance: own_instance(&app).map_err(|error| Problem::internal(&error))?,
    };
    Ok(representation.response(representation.status(&status)))
}

fn own_instance(app: &App) -> Result<InstanceInfo, souk_eureka::Malformed> {
    let host = app.config.hostname.split(':').next().filter(|host| !host.is_empty()).unwrap_or("localhost");
    let described = json!({
        "instanceId": format!("{host}:discovery"), "hostName": host, "app": "DISCOVERY", "ipAddr": host,
        "vipAddress": "discovery", "isCoordinatingDiscoveryServer": true, "dataCenterInfo": {"name": "MyOwn"},
    });
    InstanceInfo::from_json(&described, app.started_at.millis())
}
