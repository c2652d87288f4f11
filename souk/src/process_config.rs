//! The sections that concern a process as a whole: `bus`, `serve` and `telemetry`.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_values::Secret;
use url::Url;

/// The reason why a process of `souk serve` needs a broker, and the remedy.
const LOCAL_BUS_REFUSED: &str = "the local bus works only inside 'souk up': set SOUK_BUS__URL to the shop's RabbitMQ, \
                                 such as amqp://user:password@host:5672/%2f";

/// The section `bus`, which names the transport of events.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// `bus.url`: URL of RabbitMQ, `amqp://user:password@host:5672/%2f` or `amqps://…`. Default: empty, the local bus,
    /// which works only inside `souk up`.
    pub url: Secret,
    /// `bus.prefix`: prefix of every exchange and queue, so that several shops can share a broker. Default: empty.
    pub prefix: String,
}

impl BusConfig {
    /// Errors: the URL is neither empty nor RabbitMQ's.
    pub fn is_local(&self) -> Result<bool, ConfigError> {
        match self.url.expose().split_once("://") {
            Some(("amqp" | "amqps", _)) => Ok(false),
            None if self.url.expose().is_empty() => Ok(true),
            _ => Err(ConfigError(vec!["bus.url begins with amqp:// or amqps://".to_owned()])),
        }
    }

    /// Checks that processes can share this bus.
    pub fn must_be_shared(&self) -> Result<(), ConfigError> {
        match self.is_local() {
            Ok(false) => Ok(()),
            Ok(true) => Err(ConfigError(vec![format!("bus.url is not set, and {LOCAL_BUS_REFUSED}")])),
            Err(_) => {
                let sentence = format!("bus.url does not begin with amqp:// or amqps://, and {LOCAL_BUS_REFUSED}");
                Err(ConfigError(vec![sentence]))
            }
        }
    }
}

/// The section `serve`, read by processes of `souk serve`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeConfig {
    /// `serve.host`: IP address that the services of the process listen on. Default: 0.0.0.0.
    pub host: IpAddr,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self { host: IpAddr::V4(Ipv4Addr::UNSPECIFIED) }
    }
}

/// The section `telemetry`, which sets the amount of logging and the destination of traces.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `telemetry.level`: `error`, `warn`, `info`, `debug` or `trace`. Default: `info`.
    level: Level,
    /// `telemetry.otlp-url`: URL of an OpenTelemetry collector that takes OTLP by HTTP, such as `http://collector:4318`.
    /// Default: empty, no traces are exported.
    otlp_url: Secret,
    /// `telemetry.trace-ratio`: share of the traces that are exported, 0 to 1. Default: 1.
    trace_ratio: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { level: Level::default(), otlp_url: Secret::default(), trace_ratio: 1.0 }
    }
}

/// The destination of traces.
#[derive(Debug, Clone)]
pub struct TraceConfig {
    pub collector: Url,
    /// Share of the traces that are exported, 0 to 1.
    pub ratio: f64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl TelemetryConfig {
    /// Returns the destination of traces; `None` when there is none. Errors: an invalid URL, or a ratio beyond 0 to 1.
    pub fn traces(&self) -> Result<Option<TraceConfig>, ConfigError> {
        let mut mistakes = Vec::new();
        let url = self.otlp_url.expose();
        let collector = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if collector.is_none() && !url.is_empty() {
            // Without the URL, which may hold a password.
            mistakes.push("telemetry.otlp-url is not like http://collector:4318".to_owned());
        }
        if !(0.0..=1.0).contains(&self.trace_ratio) {
            mistakes.push("telemetry.trace-ratio is a number from 0 to 1".to_owned());
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes));
        }
        Ok(collector.map(|collector| TraceConfig { collector, ratio: self.trace_ratio }))
    }

    /// Returns the filter of `tracing`. Libraries log one level below souk itself, except for migrations.
    pub fn log_filter(&self) -> &'static str {
        // lapin logs an error at each attempt to reconnect; the bus logs the first.
        match self.level {
            Level::Error => "error,lapin=off",
            Level::Warn => "warn,lapin=off",
            Level::Info => "warn,souk=info,sea_orm_migration=info,lapin=off",
            Level::Debug => "info,souk=debug",
            Level::Trace => "debug,souk=trace",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_have_a_collector_and_a_ratio() {
        let of = |url: &str, trace_ratio: f64| {
            TelemetryConfig { otlp_url: Secret::new(url.to_owned()), trace_ratio, ..TelemetryConfig::default() }
                .traces()
        };
        assert!(TelemetryConfig::default().traces().unwrap().is_none());
        let traces = of("http://collector:4318", 0.25).unwrap().unwrap();
        assert_eq!((traces.collector.as_str(), traces.ratio), ("http://collector:4318/", 0.25));
        let ConfigError(mistakes) = of("collector:4318/secret", 1.5).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(!mistakes.join(" ").contains("secret"), "{mistakes:?}");
        assert!(of("", f64::NAN).is_err());
    }

    #[test]
    fn processes_share_a_broker() {
        let at = |url: &str| BusConfig { url: Secret::new(url.to_owned()), ..BusConfig::default() };
        at("amqp://guest:guest@localhost").must_be_shared().unwrap();
        at("amqps://mq").must_be_shared().unwrap();
        for url in ["", "sqlite:bus.db", "amqp:", "local"] {
            let refused = at(url).must_be_shared().unwrap_err().to_string();
            assert!(refused.contains("only inside 'souk up'") && refused.contains("SOUK_BUS__URL"), "{refused}");
        }
        assert!(at("").is_local().unwrap() && !at("amqp://mq").is_local().unwrap());
        assert!(at("redis://mq").is_local().is_err());
    }
}
