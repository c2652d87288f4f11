//! One instance of this process in the registry: registered, renewed, taken out.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use souk_eureka::{ActionType, DataCenter, InstanceInfo, InstanceStatus, LeaseInfo, Port};
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Pace, RegistrationConfig, address, metrics,
    servers::{self, Answer, Request},
};

/// How long what is under way is waited for before the instance is taken out: a registration that arrived later would
/// stay.
const UNDER_WAY: Duration = Duration::from_millis(400);

/// An instance that is to be registered.
#[derive(Debug)]
pub struct Registration {
    inner: Arc<Inner>,
    service: &'static str,
    address: SocketAddr,
    /// As it stands in the registry, or may: it is to be taken out in the end.
    instance: Option<InstanceInfo>,
    /// Whether a refusal was told already.
    has_told: bool,
    /// Whether it was looked at that others can reach what is announced.
    has_checked_reach: bool,
}

/// Why a registration does not stand.
enum Failure {
    /// Nobody answers; whoever fetches the registry tells it.
    Away(String),
    /// The registry answers, and does not want it.
    Refused(String),
}

impl Registration {
    /// Of `service`, listening on `address`.
    pub fn new(inner: Arc<Inner>, service: &'static str, address: SocketAddr) -> Self {
        Self { inner, service, address, instance: None, has_told: false, has_checked_reach: false }
    }

    /// Registers and renews until `leave`, and then takes the instance out.
    pub async fn run(mut self, leave: CancellationToken) {
        let mut pace = Pace::new(Duration::from_secs(self.inner.config.renewal_interval_seconds));
        let ended = leave.clone();
        let too_long = async move {
            ended.cancelled().await;
            // Real time: somebody waits for the process to end.
            tokio::time::sleep(UNDER_WAY).await;
        };
        tokio::select! {
            () = self.keep(&mut pace, &leave) => {}
            () = too_long => {}
        }
        self.take_out().await;
    }

    async fn keep(&mut self, pace: &mut Pace, leave: &CancellationToken) {
        while !leave.is_cancelled() {
            let outcome = self.renew().await;
            pace.note(outcome.is_ok());
            self.tell(outcome);
            let inner = Arc::clone(&self.inner);
            leave.run_until_cancelled(pace.pause(&*inner.clock, &inner.ids)).await;
        }
    }

    fn tell(&mut self, outcome: Result<(), Failure>) {
        metrics::registered(self.service, outcome.is_ok());
        match outcome {
            Ok(()) => self.has_told = false,
            Err(Failure::Refused(error)) if !self.has_told => {
                tracing::warn!(service = self.service, error, "the registry refuses an instance; it is tried again");
                self.has_told = true;
            }
            Err(Failure::Refused(error) | Failure::Away(error)) => {
                tracing::debug!(service = self.service, error, "an instance is not registered");
            }
        }
    }

    /// Renews; registers what the registry does not know, be it new, evicted, moved, or the registry started anew.
    async fn renew(&mut self) -> Result<(), Failure> {
        let Some(instance) = &self.instance else { return self.register().await };
        // Who cannot tell where it is now stays where it was.
        if let Ok(now) = self.describe().await
            && (now.instance_id != instance.instance_id || now.ip_addr != instance.ip_addr)
        {
            tracing::info!(service = self.service, from = instance.ip_addr, to = now.ip_addr, "this instance moved");
            if now.instance_id != instance.instance_id {
                self.ask(&Request::new(Method::DELETE, &["apps", &instance.app, &instance.instance_id])).await?;
            }
            return self.register_as(now).await;
        }
        let dirty = instance.last_dirty_at.to_string();
        // The status that the instance itself has: what a person set over it is the registry's to remember.
        let query = [("status", instance.status.name()), ("lastDirtyTimestamp", dirty.as_str())];
        let path = ["apps", &instance.app, &instance.instance_id];
        let request = Request { query: &query, ..Request::new(Method::PUT, &path) };
        let answer = self.ask(&request).await?;
        if answer.status.is_success() {
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
        let request = Request { body: Some(&body), ..Request::new(Method::POST, &path) };
        // From here on it may be there, whatever becomes of the answer.
        let before = self.instance.replace(instance.clone());
        let answer = self.inner.servers.ask(&request, servers::judged_registration).await;
        let answer = answer.map_err(|away| Failure::Away(away.to_string()))?;
        if answer.status.is_success() {
            tracing::info!(service = self.service, instance.id = instance.instance_id, "registered");
            return Ok(());
        }
        let said: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
        // What stood before may still stand.
        self.instance = before;
        Err(Failure::Refused(format!("{}: {said}", answer.status)))
    }

    /// Once: who listens on loopback only and tells a registry elsewhere is called by nobody.
    async fn warn_of_loopback(&mut self) {
        if std::mem::replace(&mut self.has_checked_reach, true) {
            return;
        }
        if self.inner.config.host.is_some() || !self.address.ip().is_loopback() {
            return;
        }
        for place in self.inner.servers.places() {
            if address::is_here(place).await.is_ok_and(|is_here| !is_here) {
                tracing::warn!(
                    service = self.service,
                    address = %self.address,
                    registry = place.0,
                    "the registry is on another machine, and from there nobody reaches this service: it listens on \
                     loopback only. Let it listen on an address of this machine or on 0.0.0.0, or set \
                     SOUK_REGISTRATION__HOST to where others reach it"
                );
                return;
            }
        }
    }

    async fn take_out(&self) {
        let Some(instance) = &self.instance else { return };
        let path = ["apps", &instance.app, &instance.instance_id];
        match self.ask(&Request::new(Method::DELETE, &path)).await {
            Ok(answer) if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND => {
                tracing::info!(service = self.service, "taken out of the registry");
            }
            Ok(Answer { status, .. }) => {
                tracing::warn!(service = self.service, %status, "the registry does not take an instance out");
            }
            Err(Failure::Away(error) | Failure::Refused(error)) => {
                tracing::warn!(service = self.service, error, "an instance stays registered until its lease runs out");
            }
        }
        metrics::registered(self.service, false);
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let answer = self.inner.servers.ask(request, servers::judged).await;
        answer.map_err(|away| Failure::Away(away.to_string()))
    }

    /// The instance as it is now: this machine's address may have changed.
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
        // One that moved is newer; one that only registers again is the same.
        let dirty = known.filter(|known| known.ip_addr == ip).map_or(now, |known| known.last_dirty_at);
        Ok(instance(config, (self.service, self.address.port()), (&host, ip), dirty))
    }

    async fn own_address(&self) -> Result<String, Failure> {
        let mut causes = Vec::new();
        for place in self.inner.servers.places() {
            match address::on_the_way_to(place).await {
                Ok(address) => return Ok(address.to_string()),
                Err(error) => causes.push(format!("{}: {error}", place.0)),
            }
        }
        let advice = "SOUK_REGISTRATION__HOST can say where others reach this process";
        Err(Failure::Away(format!("the own address is not found ({}); {advice}", causes.join("; "))))
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
