//! A registry to be read by people: its instances in every status.

use std::{sync::Arc, time::Duration};

use souk_eureka::{InstanceInfo, InstanceStatus};
use souk_values::{Clock, Secret, Timestamp};

use super::{address, fetching, servers::Servers};

/// Time limit of a reading, for which a person waits.
const LIMIT: Duration = Duration::from_secs(3);

/// An instance as it is registered, in any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredInstance {
    /// Name of the service in lower case, such as `order`.
    pub service: String,
    /// Id of the instance, unique within the service.
    pub instance_id: String,
    /// Base URL for plain HTTP; `None` if it has no enabled port.
    pub url: Option<String>,
    /// `UP`, `DOWN`, `STARTING`, `OUT_OF_SERVICE` or `UNKNOWN`.
    pub status: &'static str,
    /// Time of the registration; `None` if unknown.
    pub registered_at: Option<Timestamp>,
    /// Time of the latest renewal of the lease; `None` if unknown.
    pub renewed_at: Option<Timestamp>,
}

impl From<&InstanceInfo> for RegisteredInstance {
    fn from(instance: &InstanceInfo) -> Self {
        let time = |millis: i64| (millis > 0).then(|| Timestamp::from_millis(millis));
        // Only an instance that is up has an address to call; people see the others' too.
        let up = InstanceInfo { status: InstanceStatus::Up, ..instance.clone() };
        Self {
            service: instance.app.to_lowercase(),
            instance_id: instance.instance_id.clone(),
            url: address::base(&up),
            status: instance.status.name(),
            registered_at: time(instance.lease.registered_at),
            renewed_at: time(instance.lease.renewed_at),
        }
    }
}

/// Reads a registry. Registers nothing. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Registry {
    servers: Arc<Servers>,
    clock: Arc<dyn Clock>,
}

impl Registry {
    /// Returns a reader of the registries at `urls`, of which the first that answers is read.
    ///
    /// Errors: every invalid URL by its position.
    pub fn new(urls: &Secret, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let servers = Servers::new(urls).map_err(|mistakes| mistakes.join("; "))?;
        Ok(Self { servers: Arc::new(servers), clock })
    }

    /// Returns all instances by service and id.
    ///
    /// Errors: no usable response within 3 s; the sentence holds no password.
    pub async fn instances(&self) -> Result<Vec<RegisteredInstance>, String> {
        // Real time: the limit of a call over the network.
        let reading = tokio::time::timeout(LIMIT, fetching::fetch_all(&self.servers, self.clock.now()));
        let whole = reading.await.map_err(|_| format!("no response within {} s", LIMIT.as_secs()))??;
        let instances = whole.applications.iter().flat_map(|application| &application.instances);
        let mut instances: Vec<RegisteredInstance> = instances.map(RegisteredInstance::from).collect();
        instances.sort_by(|one, other| (&one.service, &one.instance_id).cmp(&(&other.service, &other.instance_id)));
        Ok(instances)
    }
}
