//! Registration of one instance of this process: registered, renewed, deregistered.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use souk_eureka::{ActionType, DataCenter, InstanceInfo, InstanceStatus, LeaseInfo, Port};
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Pace, RegistrationConfig, address, metrics,
    servers::{self, RegistryRequest, RegistryResponse},
};

/// Time limit for a request in progress before the instance is deregistered: a registration that arrived later would
/// stay.
const IN_PROGRESS_LIMIT: Duration = Duration::from_millis(400);

/// Registration of one instance.
#[derive(Debug)]
pub struct Registration {
    inner: Arc<Inner>,
    service: &'static str,
    address: SocketAddr,
    /// The instance as it is, or may be, in the registry; deregistered at the end.
    instance: Option<InstanceInfo>,
    /// True once a refusal was logged.
    is_refusal_logged: bool,
    /// True once it was checked that other machines can reach the registered address.
    is_reach_checked: bool,
}

/// A failed registration or renewal.
enum Failure {
    /// No registry is reachable, which the fetch loop logs.
    Unreachable(String),
    /// The registry refuses the instance.
    Refused(String),
}

impl Registration {
    pub fn new(inner: Arc<Inner>, service: &'static str, address: SocketAddr) -> Self {
        Self { inner, service, address, instance: None, is_refusal_logged: false, is_reach_checked: false }
    }

    /// Registers and renews until `stop`, then deregisters the instance.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pace = Pace::new(Duration::from_secs(self.inner.config.renewal_interval_seconds));
        let stopped = stop.clone();
        let too_long = async move {
            stopped.cancelled().await;
            // Real time: it delays the end of the process.
            tokio::time::sleep(IN_PROGRESS_LIMIT).await;
        };
        tokio::select! {
            () = self.keep_registered(&mut pace, &stop) => {}
            () = too_long => {}
        }
        self.deregister().await;
    }

    async fn keep_registered(&mut self, pace: &mut Pace, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let outcome = self.renew().await;
            pace.record(outcome.is_ok());
            self.report(outcome);
            let inner = Arc::clone(&self.inner);
            stop.run_until_cancelled(pace.pause(&*inner.clock, &inner.ids)).await;
        }
    }

    fn report(&mut self, outcome: Result<(), Failure>) {
        metrics::registered(self.service, outcome.is_ok());
        match outcome {
            Ok(()) => self.is_refusal_logged = false,
            Err(Failure::Refused(error)) if !self.is_refusal_logged => {
                tracing::warn!(
                    service = self.service,
                    error,
                    "the registry refuses an instance; the registration is retried"
                );
                self.is_refusal_logged = true;
            }
            Err(Failure::Refused(error) | Failure::Unreachable(error)) => {
                tracing::debug!(service = self.service, error, "an instance is not registered");
            }
        }
    }

    /// Renews the lease. Registers an instance that the registry does not know: a new, evicted or moved one, or after a
    /// restart of the registry.
    async fn renew(&mut self) -> Result<(), Failure> {
        let Some(instance) = &self.instance else { return self.register().await };
        // Without a current address, the registered one stays.
        if let Ok(current) = self.describe().await
            && (current.instance_id != instance.instance_id || current.ip_addr != instance.ip_addr)
        {
            tracing::info!(
                service = self.service,
                from = instance.ip_addr,
                to = current.ip_addr,
                "this instance has a new address"
            );
            if current.instance_id != instance.instance_id {
                self.send(&RegistryRequest::new(Method::DELETE, &["apps", &instance.app, &instance.instance_id]))
                    .await?;
            }
            return self.register_as(current).await;
        }
        let dirty = instance.last_dirty_at.to_string();
        // The instance's own status: an override that an operator set is the registry's to keep.
        let query = [("status", instance.status.name()), ("lastDirtyTimestamp", dirty.as_str())];
        let path = ["apps", &instance.app, &instance.instance_id];
        let request = RegistryRequest { query: &query, ..RegistryRequest::new(Method::PUT, &path) };
        let response = self.send(&request).await?;
        if response.status.is_success() {
            return Ok(());
        }
        self.register().await
    }

    async fn register(&mut self) -> Result<(), Failure> {
        let instance = self.describe().await?;
        self.warn_of_loopback().await;
        self.register_as(instance).await
    }

    async fn register_as(&mut self, instance: InstanceInfo) -> Result<(), Failure> {
        let body = json!({"instance": instance.to_json()});
        let path = ["apps", &instance.app];
        let request = RegistryRequest { body: Some(&body), ..RegistryRequest::new(Method::POST, &path) };
        // From here on it may be registered, even if the response is lost.
        let previous = self.instance.replace(instance.clone());
        let response = self.inner.servers.send(&request, servers::answered_registration).await;
        let response = response.map_err(|unreachable| Failure::Unreachable(unreachable.to_string()))?;
        if response.status.is_success() {
            tracing::info!(service = self.service, instance.id = instance.instance_id, "registered");
            return Ok(());
        }
        let reason: String = String::from_utf8_lossy(&response.body).chars().take(300).collect();
        // The previous one may still be registered.
        self.instance = previous;
        Err(Failure::Refused(format!("{}: {reason}", response.status)))
    }

    /// Warns once of a service that listens on loopback only and registers at another machine: no caller can reach it.
    async fn warn_of_loopback(&mut self) {
        if std::mem::replace(&mut self.is_reach_checked, true) {
            return;
        }
        if self.inner.config.host.is_some() || !self.address.ip().is_loopback() {
            return;
        }
        for server in self.inner.servers.addresses() {
            if address::is_local(server).await.is_ok_and(|is_local| !is_local) {
                tracing::warn!(
                    service = self.service,
                    address = %self.address,
                    registry = server.0,
                    "the registry is on another machine, from which this service cannot be reached: it listens on \
                     loopback only. Let it listen on an address of this machine or on 0.0.0.0, or set \
                     SOUK_REGISTRATION__HOST to where others reach it"
                );
                return;
            }
        }
    }

    async fn deregister(&self) {
        let Some(instance) = &self.instance else { return };
        let path = ["apps", &instance.app, &instance.instance_id];
        match self.send(&RegistryRequest::new(Method::DELETE, &path)).await {
            Ok(response) if response.status.is_success() || response.status == StatusCode::NOT_FOUND => {
                tracing::info!(service = self.service, "deregistered");
            }
            Ok(RegistryResponse { status, .. }) => {
                tracing::warn!(service = self.service, %status, "the registry refuses to deregister an instance");
            }
            Err(Failure::Unreachable(error) | Failure::Refused(error)) => {
                tracing::warn!(service = self.service, error, "an instance stays registered until its lease expires");
            }
        }
        metrics::registered(self.service, false);
    }

    async fn send(&self, request: &RegistryRequest<'_>) -> Result<RegistryResponse, Failure> {
        let response = self.inner.servers.send(request, servers::answered).await;
        response.map_err(|unreachable| Failure::Unreachable(unreachable.to_string()))
    }

    /// Returns the instance with its current address, which may have changed.
    async fn describe(&self) -> Result<InstanceInfo, Failure> {
        let config = &self.inner.config;
        let host = match &config.host {
            Some(host) => host.clone(),
            None if !self.address.ip().is_unspecified() => self.address.ip().to_string(),
            None => self.own_address().await?,
        };
        let known = self.instance.as_ref().filter(|known| known.host_name == host);
        let ip = address::resolved(&host, known.map(|known| known.ip_addr.as_str())).await;
        let now = self.inner.clock.now().millis();
        // A moved instance is a newer one; a repeated registration is not.
        let dirty = known.filter(|known| known.ip_addr == ip).map_or(now, |known| known.last_dirty_at);
        Ok(instance(config, (self.service, self.address.port()), (&host, ip), dirty))
    }

    async fn own_address(&self) -> Result<String, Failure> {
        let mut causes = Vec::new();
        for server in self.inner.servers.addresses() {
            match address::local_address_towards(server).await {
                Ok(address) => return Ok(address.to_string()),
                Err(error) => causes.push(format!("{}: {error}", server.0)),
            }
        }
        let advice = "set SOUK_REGISTRATION__HOST to where other machines reach this process";
        Err(Failure::Unreachable(format!(
            "this machine's address cannot be determined ({}); {advice}",
            causes.join("; ")
        )))
    }
}

fn instance(
    config: &RegistrationConfig,
    (service, port): (&str, u16),
    (host, ip_addr): (&str, String),
    dirty: i64,
) -> InstanceInfo {
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let in_url = address::host(host).unwrap_or_else(|| host.to_owned());
    let page = |path: &str| Some(format!("http://{in_url}:{port}{path}"));
    let mut metadata: BTreeMap<String, String> = config.metadata.clone();
    metadata.extend(config.zone.clone().map(|zone| ("zone".to_owned(), zone)));
    InstanceInfo {
        instance_id: format!("{host}:{service}:{port}"),
        host_name: host.to_owned(),
        app: service.to_uppercase(),
        app_group_name: None,
        ip_addr,
        sid: None,
        status: InstanceStatus::Up,
        overridden_status: InstanceStatus::Unknown,
        port: Port { number: port, is_enabled: true },
        secure_port: Port { number: 443, is_enabled: false },
        country_id: 1,
        data_center: DataCenter::default(),
        lease: LeaseInfo {
            renewal_interval_secs: seconds(config.renewal_interval_seconds),
            duration_secs: seconds(config.lease_duration_seconds),
            ..LeaseInfo::default()
        },
        metadata,
        home_page_url: page("/"),
        status_page_url: page("/info"),
        health_check_url: page("/health/ready"),
        secure_health_check_url: None,
        vip_address: Some(service.to_owned()),
        secure_vip_address: Some(service.to_owned()),
        is_coordinating_discovery_server: service == "discovery",
        last_updated_at: dirty,
        last_dirty_at: dirty,
        action_type: Some(ActionType::Added),
        asg_name: None,
    }
}

#[cfg(test)]
mod tests;
