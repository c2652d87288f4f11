//! What every handler shares, and the acts that change the registry and are told to other servers.

use std::{sync::Arc, time::Duration};

use souk_eureka::{InstanceInfo, InstanceStatus};
use souk_kit::{Deps, StartError};
use souk_values::{Clock, IdGen, Timestamp};
use tokio::sync::Semaphore;

use crate::{
    DiscoveryConfig,
    admission::{self, Refused},
    bodies::Bodies,
    overview::{Overview, SelfPreservation},
    registry::{Full, Origin, Registry, Renewal, Shared, Stamp},
    replication::{Action, Peer, Replicas, Task},
};

/// Until a whole minute of heartbeats can have been counted, too few of them mean nothing to people.
const YOUNG: Duration = Duration::from_secs(120);

/// Shared by handlers and tasks.
#[derive(Debug, Clone)]
pub struct App {
    pub registry: Arc<Shared>,
    pub bodies: Arc<Bodies>,
    pub replicas: Replicas,
    pub clock: Arc<dyn Clock>,
    pub ids: IdGen,
    pub config: Arc<DiscoveryConfig>,
    pub started_at: Timestamp,
    /// Held by who reads a batch.
    pub reading: Arc<Semaphore>,
}

/// How many batches are read at a time.
const READ_AT_A_TIME: usize = 4;

/// Why an instance is not registered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotRegistered {
    /// It is not what it must be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no room.
    #[error(transparent)]
    Full(#[from] Full),
}

impl App {
    pub fn new(config: DiscoveryConfig, deps: &Deps) -> Result<Self, StartError> {
        let rules = config.rules()?;
        let (clock, now) = (Arc::clone(&deps.clock), deps.clock.now());
        let registry = Arc::new(Shared::new(Registry::new(rules, now)));
        let interval = Duration::from_millis(config.response_cache_update_interval_ms);
        Ok(Self {
            bodies: Arc::new(Bodies::new(Arc::clone(&registry), Arc::clone(&clock), interval)),
            registry,
            replicas: Replicas::new(&config)?,
            clock,
            ids: deps.ids.clone(),
            config: Arc::new(config),
            started_at: now,
            reading: Arc::new(Semaphore::new(READ_AT_A_TIME)),
        })
    }

    /// Checks an instance that is to be one of `app`, and registers it.
    pub fn admit(&self, info: InstanceInfo, app: &str, origin: Origin) -> Result<(), NotRegistered> {
        admission::check(&info, app)?;
        let now = self.clock.now();
        self.registry.with(|registry| {
            let info = registry.register(info, origin, now)?;
            self.tell(Action::Register, &info, origin, now);
            Ok(())
        })
    }

    /// Takes over what a peer said when the registry here was at `mark`. Says whether it did: not what has changed
    /// here since, or is gone.
    pub fn take_over(&self, info: InstanceInfo, mark: u64) -> Result<bool, NotRegistered> {
        admission::check(&info, &info.app)?;
        let now = self.clock.now();
        self.registry.with(|registry| {
            if registry.knows_better(&info.app, &info.instance_id, mark) {
                return Ok(false);
            }
            registry.register(info, Origin::Peer, now)?;
            Ok(true)
        })
    }

    /// Takes over what a peer knows better of an instance that is still here; otherwise does nothing.
    pub fn correct(&self, theirs: InstanceInfo) -> Result<(), NotRegistered> {
        admission::check(&theirs, &theirs.app)?;
        let now = self.clock.now();
        self.registry.with(|registry| {
            if registry.known(&theirs.app, &theirs.instance_id).is_some() {
                registry.adopt_override(&theirs.app, &theirs.instance_id, theirs.overridden_status, now);
                registry.register(theirs, Origin::Peer, now)?;
            }
            Ok(())
        })
    }

    /// Tells one peer, which lacks it, all of an instance that is still here; otherwise does nothing.
    pub fn tell_whole(&self, peer: &Peer, (app, id): (&str, &str)) {
        let now = self.clock.now();
        // Under the lock, as in `tell`.
        self.registry.with(|registry| {
            if let Some(info) = registry.known(app, id) {
                peer.tell(Task::about(Action::Register, info, now));
            }
        });
    }

    /// Renews the lease of an instance.
    pub fn renew(
        &self,
        (app, id): (&str, &str),
        beat: (Option<i64>, Option<InstanceStatus>),
        origin: Origin,
    ) -> Renewal {
        let now = self.clock.now();
        self.registry.with(|registry| {
            let renewal = registry.renew((app, id), beat, origin, now);
            if let Renewal::Renewed(info) | Renewal::Outdated(info) = &renewal {
                self.tell(Action::Heartbeat, info, origin, now);
            }
            renewal
        })
    }

    /// Removes an instance. False: there is none.
    pub fn cancel(&self, (app, id): (&str, &str), origin: Origin) -> bool {
        let now = self.clock.now();
        self.registry.with(|registry| {
            let was_there = registry.cancel(app, id, now);
            if was_there && origin == Origin::Client {
                self.replicas.tell(&Task::cancel(app, id, now));
            }
            was_there
        })
    }

    /// Sets the status of an instance. False: there is none.
    pub fn set_status(
        &self,
        instance: (&str, &str),
        status: InstanceStatus,
        last_dirty_at: Option<i64>,
        origin: Origin,
    ) -> bool {
        let stamp = Stamp { last_dirty_at, now: self.clock.now() };
        self.registry.with(|registry| {
            let info = registry.set_status(instance, status, stamp);
            info.map(|info| self.tell(Action::StatusUpdate, &info, origin, stamp.now)).is_some()
        })
    }

    /// Takes back what was set. False: there is no such instance.
    pub fn delete_override(
        &self,
        instance: (&str, &str),
        status: InstanceStatus,
        last_dirty_at: Option<i64>,
        origin: Origin,
    ) -> bool {
        let stamp = Stamp { last_dirty_at, now: self.clock.now() };
        self.registry.with(|registry| {
            let info = registry.delete_override(instance, status, stamp);
            info.map(|info| self.tell(Action::DeleteStatusOverride, &info, origin, stamp.now)).is_some()
        })
    }

    /// Adds to the metadata of an instance, which registers it anew. `None`: there is none.
    pub fn merge_metadata(
        &self,
        (app, id): (&str, &str),
        entries: Vec<(String, String)>,
    ) -> Option<Result<(), NotRegistered>> {
        let now = self.clock.now();
        self.registry.with(|registry| {
            let mut info = registry.instance(app, id, now)?;
            info.metadata.extend(entries);
            let merged = admission::check_size(&info).map_err(NotRegistered::from).and_then(|()| {
                let info = registry.register(info, Origin::Client, now)?;
                self.tell(Action::Register, &info, Origin::Client, now);
                Ok(())
            });
            Some(merged)
        })
    }

    /// Everything, for the status page.
    pub fn overview(&self) -> Overview {
        let now = self.clock.now();
        let (instances, health, (last_registered, last_cancelled)) =
            self.registry.with(|registry| (registry.lines(), registry.health(now), registry.passages()));
        let is_young = now.since(self.started_at) < YOUNG;
        let self_preservation = match (self.config.enable_self_preservation, health.evicts) {
            (false, _) => SelfPreservation::Off,
            (true, false) if !is_young => SelfPreservation::Active,
            (true, _) => SelfPreservation::Watching,
        };
        Overview {
            now,
            started_at: self.started_at,
            instances,
            renews_last_minute: health.last_minute,
            renews_threshold: health.threshold,
            self_preservation,
            peers: self.replicas.lines(),
            last_registered,
            last_cancelled,
        }
    }

    /// Tells the other servers what a client did. Called under the registry's lock, so that they are told of one
    /// instance in the order in which it happened.
    fn tell(&self, action: Action, info: &Arc<InstanceInfo>, origin: Origin, now: Timestamp) {
        if origin == Origin::Client {
            self.replicas.tell(&Task::about(action, Arc::clone(info), now));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_testkit::World;
    use souk_values::Secret;

    use super::*;

    fn instance(dirty: i64) -> InstanceInfo {
        let described = json!({"instanceId": "a", "app": "SHOP", "hostName": "h", "ipAddr": "1.2.3.4",
            "dataCenterInfo": {"name": "MyOwn"}, "lastDirtyTimestamp": dirty});
        InstanceInfo::from_json(&described, 0).unwrap()
    }

    #[tokio::test]
    async fn what_a_client_cancelled_meanwhile_does_not_come_back() {
        let world = World::new().await;
        let peers = vec![Secret::new("http://127.0.0.1:9/eureka".to_owned())];
        let app = App::new(DiscoveryConfig { peers, ..DiscoveryConfig::default() }, &world.deps).unwrap();
        let known = || app.registry.with(|registry| registry.known("SHOP", "a")).map(|info| info.last_dirty_at);
        let queued = || app.replicas.lines()[0].queued;
        let peer = Arc::clone(app.replicas.iter().next().unwrap());
        app.admit(instance(1), "SHOP", Origin::Peer).unwrap();
        app.correct(instance(2)).unwrap();
        app.tell_whole(&peer, ("SHOP", "a"));
        assert_eq!((known(), queued()), (Some(2), 1));
        assert!(app.cancel(("SHOP", "a"), Origin::Peer));
        app.correct(instance(3)).unwrap();
        app.tell_whole(&peer, ("SHOP", "a"));
        assert_eq!((known(), queued()), (None, 1));
    }
}
