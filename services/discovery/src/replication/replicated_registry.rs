//! The registry with its replication: changes that clients make are queued for all peers.

use std::sync::Arc;

use souk_eureka::InstanceInfo;
use souk_values::{Clock, Timestamp};

use super::{
    peer::PeerNode,
    peer_nodes::PeerNodes,
    task::{Action, ReplicationTask},
};
use crate::{
    admission,
    error::DiscoveryError,
    registry::{Heartbeat, InstanceKey, Origin, Registry, Renewal, SharedRegistry, StatusUpdate},
};

/// The registry and its peers. Cloning shares both.
///
/// Every change is applied and queued under the registry's lock, so that peers receive the changes of an instance in
/// the order in which they happened.
#[derive(Debug, Clone)]
pub(crate) struct ReplicatedRegistry {
    registry: Arc<SharedRegistry>,
    peers: PeerNodes,
    clock: Arc<dyn Clock>,
}

impl ReplicatedRegistry {
    pub fn new(registry: Arc<SharedRegistry>, peers: PeerNodes, clock: Arc<dyn Clock>) -> Self {
        Self { registry, peers, clock }
    }

    pub fn peers(&self) -> &PeerNodes {
        &self.peers
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `act` on the registry under its lock: reads, and changes that are not replicated.
    pub fn with<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        self.registry.with(act)
    }

    /// Checks an instance of `app` and registers it.
    pub fn register(&self, info: InstanceInfo, app: &str, origin: Origin) -> Result<(), DiscoveryError> {
        admission::check(&info, app)?;
        let now = self.clock.now();
        self.with(|registry| {
            let info = registry.register(info, origin, now)?;
            self.replicate(Action::Register, &info, origin, now);
            Ok(())
        })
    }

    pub fn renew(&self, key: InstanceKey<'_>, heartbeat: Heartbeat, origin: Origin) -> Renewal {
        let now = self.clock.now();
        self.with(|registry| {
            let renewal = registry.renew(key, heartbeat, origin, now);
            if let Renewal::Renewed(info) | Renewal::Outdated(info) = &renewal {
                self.replicate(Action::Heartbeat, info, origin, now);
            }
            renewal
        })
    }

    /// Removes an instance. Returns false if it does not exist.
    pub fn cancel(&self, key: InstanceKey<'_>, origin: Origin) -> bool {
        let now = self.clock.now();
        self.with(|registry| {
            let existed = registry.cancel(key, now);
            if existed && origin == Origin::Client {
                self.peers.queue(&ReplicationTask::cancel(key, now));
            }
            existed
        })
    }

    /// Overrides the status of an instance. Returns false if it does not exist.
    pub fn set_status(&self, key: InstanceKey<'_>, update: StatusUpdate, origin: Origin) -> bool {
        let now = self.clock.now();
        self.with(|registry| {
            let info = registry.set_status(key, update, now);
            info.map(|info| self.replicate(Action::StatusUpdate, &info, origin, now)).is_some()
        })
    }

    /// Removes the override of an instance. Returns false if the instance does not exist.
    pub fn delete_override(&self, key: InstanceKey<'_>, update: StatusUpdate, origin: Origin) -> bool {
        let now = self.clock.now();
        self.with(|registry| {
            let info = registry.delete_override(key, update, now);
            info.map(|info| self.replicate(Action::DeleteStatusOverride, &info, origin, now)).is_some()
        })
    }

    /// Adds entries to the metadata of an instance and registers the result. Returns `None` if the instance does not
    /// exist.
    pub fn merge_metadata(
        &self,
        key: InstanceKey<'_>,
        entries: Vec<(String, String)>,
    ) -> Option<Result<(), DiscoveryError>> {
        let now = self.clock.now();
        self.with(|registry| {
            let mut info = registry.instance(key, now)?;
            info.metadata.extend(entries);
            let merged = admission::check_size(&info).map_err(DiscoveryError::from).and_then(|()| {
                let info = registry.register(info, Origin::Client, now)?;
                self.replicate(Action::Register, &info, Origin::Client, now);
                Ok(())
            });
            Some(merged)
        })
    }

    /// Registers an instance that was read from a peer when this registry was at `mark`. Returns false, and changes
    /// nothing, if this registry has a newer version or has removed the instance recently.
    pub(super) fn import(&self, info: InstanceInfo, mark: u64) -> Result<bool, DiscoveryError> {
        admission::check(&info, &info.app)?;
        let now = self.clock.now();
        self.with(|registry| {
            if registry.has_newer(InstanceKey::of(&info), mark) {
                return Ok(false);
            }
            registry.register(info, Origin::Peer, now)?;
            Ok(true)
        })
    }

    /// Adopts a peer's newer version of an instance, unless the instance has been removed meanwhile.
    pub(super) fn adopt(&self, theirs: InstanceInfo) -> Result<(), DiscoveryError> {
        admission::check(&theirs, &theirs.app)?;
        let now = self.clock.now();
        self.with(|registry| {
            let key = InstanceKey::of(&theirs);
            if registry.get(key).is_some() {
                registry.adopt_override(key, theirs.overridden_status, now);
                registry.register(theirs, Origin::Peer, now)?;
            }
            Ok(())
        })
    }

    /// Queues a whole instance for a peer that lacks it, unless the instance has been removed meanwhile.
    pub(super) fn queue_registration(&self, peer: &PeerNode, key: InstanceKey<'_>) {
        let now = self.clock.now();
        self.with(|registry| {
            if let Some(info) = registry.get(key) {
                peer.queue(ReplicationTask::new(Action::Register, info, now));
            }
        });
    }

    /// Queues a client's change for all peers. Called under the registry's lock.
    fn replicate(&self, action: Action, info: &Arc<InstanceInfo>, origin: Origin, now: Timestamp) {
        if origin == Origin::Client {
            self.peers.queue(&ReplicationTask::new(action, Arc::clone(info), now));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use souk_values::{Secret, ShiftedClock};

    use super::*;
    use crate::config::DiscoveryConfig;

    fn instance(dirty: i64) -> InstanceInfo {
        let described = json!({"instanceId": "a", "app": "SHOP", "hostName": "h", "ipAddr": "1.2.3.4",
            "dataCenterInfo": {"name": "MyOwn"}, "lastDirtyTimestamp": dirty});
        InstanceInfo::from_json(&described, 0).unwrap()
    }

    #[test]
    fn an_instance_that_a_client_cancelled_meanwhile_does_not_come_back() {
        souk_kit::install_crypto();
        let peers = vec![Secret::new("http://127.0.0.1:9/eureka".to_owned())];
        let config = DiscoveryConfig { peers, ..DiscoveryConfig::default() };
        let clock = ShiftedClock::new(Duration::ZERO);
        let registry = Arc::new(SharedRegistry::new(Registry::new(config.rules().unwrap(), clock.now())));
        let registry = ReplicatedRegistry::new(registry, PeerNodes::new(&config).unwrap(), clock);
        let key = InstanceKey { app: "SHOP", id: "a" };
        let stored = || registry.with(|registry| registry.get(key)).map(|info| info.last_dirty_at);
        let queued = || registry.peers().summaries()[0].queued;
        let peer = Arc::clone(registry.peers().iter().next().unwrap());
        registry.register(instance(1), "SHOP", Origin::Peer).unwrap();
        registry.adopt(instance(2)).unwrap();
        registry.queue_registration(&peer, key);
        assert_eq!((stored(), queued()), (Some(2), 1));
        assert!(registry.cancel(key, Origin::Peer));
        registry.adopt(instance(3)).unwrap();
        registry.queue_registration(&peer, key);
        assert_eq!((stored(), queued()), (None, 1));
    }
}
