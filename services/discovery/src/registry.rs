//! The registry: instances, their leases, and the protocol's rules for them. Pure: the time is an argument.
//!
//! A lease expires when its duration has passed since the latest renewal. (The original adds the duration twice to a
//! renewed lease, a mistake that its clients do not rely on.)

mod changes;
mod eviction;
mod lease;
mod overrides;
mod reads;
mod recent;
mod renewals;
mod shared;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use souk_eureka::{ActionType, InstanceInfo, InstanceStatus};
use souk_values::Timestamp;

pub(crate) use reads::InstanceSummary;
pub(crate) use recent::RecentEntry;
pub(crate) use renewals::RenewalStats;
pub(crate) use shared::SharedRegistry;

use changes::Changes;
use lease::Lease;
use overrides::Overrides;
use recent::Recent;
use renewals::Renewals;
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Suspends eviction while too few heartbeats arrive.
    pub self_preservation: bool,
    /// Share of the expected heartbeats that is enough, 0 to 1; one eviction pass leaves the same share of instances.
    pub renewal_share: f64,
    /// Interval at which clients are expected to renew, in seconds.
    pub renewal_interval_secs: u32,
    pub delta_retention: Duration,
    pub max_instances: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceKey<'k> {
    /// Name of the application, in upper case.
    pub app: &'k str,
    pub id: &'k str,
}

impl<'k> InstanceKey<'k> {
    pub fn of(info: &'k InstanceInfo) -> Self {
        Self { app: &info.app, id: &info.instance_id }
    }
}

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client or an operator; the change is replicated.
    Client,
    /// A peer; the change is not replicated again.
    Peer,
}

/// The registry holds as many instances as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry is full with {0} instances; remove some, or raise discovery.max-instances")]
pub(crate) struct RegistryFull(pub usize);
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Heartbeat {
    /// The sender's `lastDirtyTimestamp`.
    pub last_dirty_at: Option<i64>,
    /// The override that a peer has for the instance.
    pub overridden: Option<InstanceStatus>,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Renewal {
    Renewed(Arc<InstanceInfo>),
    /// The lease is renewed, but the sender has a newer version of the instance and must register it.
    Outdated(Arc<InstanceInfo>),
    /// The lease is renewed, but this registry has a newer version than the peer that sent the heartbeat.
    Conflict(Box<InstanceInfo>),
    /// No such instance, or one whose status is unknown: it must register.
    Unknown,
}

/// An operator's change to the status of an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatusUpdate {
    pub status: InstanceStatus,
    /// A peer's `lastDirtyTimestamp`; adopted if it is greater than the stored one.
    pub last_dirty_at: Option<i64>,
}

#[derive(Debug, Clone)]
struct Entry {
    info: Arc<InstanceInfo>,
    lease: Lease,
}

#[derive(Debug)]
pub(crate) struct Registry {
    rules: Rules,
    apps: BTreeMap<String, BTreeMap<String, Entry>>,
    size: usize,
    overrides: Overrides,
    changes: Changes,
    renewals: Renewals,
    registered: Recent,
    cancelled: Recent,
    revision: u64,
}

impl Registry {
    pub fn new(rules: Rules, now: Timestamp) -> Self {
        Self {
            rules,
            apps: BTreeMap::new(),
            size: 0,
            overrides: Overrides::default(),
            changes: Changes::new(now),
            renewals: Renewals::new(now),
            registered: Recent::default(),
            cancelled: Recent::default(),
            revision: 0,
        }
    }

    /// Registers `info`, or renews its registration, and returns it as it is stored.
    pub fn register(
        &mut self,
        mut info: InstanceInfo,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Arc<InstanceInfo>, RegistryFull> {
        let existing = self.entry(InstanceKey::of(&info)).cloned();
        match &existing {
            None if self.size >= self.rules.max_instances => return Err(RegistryFull(self.size)),
            None => {
                self.size += 1;
                self.renewals.expect_one_more();
            }
            // The stored version is newer: it stays, with a new lease.
            Some(entry) if entry.info.last_dirty_at > info.last_dirty_at => info = (*entry.info).clone(),
            Some(_) => {}
        }
        let mut lease = Lease::new(&info, now);
        if let Some(existing) = &existing {
            lease.up_at = existing.lease.up_at;
        }
        if info.overridden_status != InstanceStatus::Unknown {
            self.overrides.set_if_absent(&info.instance_id, info.overridden_status, now);
        }
        if let Some(status) = self.overrides.get(&info.instance_id, now) {
            info.overridden_status = status;
        }
        let stored = existing.map(|entry| entry.info.status);
        info.status = self.effective_status(&info, stored, origin, now);
        lease.record_status(info.status, now);
        info.action_type = Some(ActionType::Added);
        self.registered.record(&info, now);
        Ok(self.put(info, lease, now))
    }
    pub fn renew(&mut self, key: InstanceKey<'_>, heartbeat: Heartbeat, origin: Origin, now: Timestamp) -> Renewal {
        let Some(Entry { info, mut lease }) = self.entry(key).cloned() else { return Renewal::Unknown };
        let status = self.effective_status(&info, Some(info.status), origin, now);
        if status == InstanceStatus::Unknown {
            return Renewal::Unknown;
        }
        self.renewals.record(now);
        lease.renewed_at = now;
        let info = if status == info.status {
            self.set_lease(key, lease);
            info
        } else {
            self.put(InstanceInfo { status, action_type: Some(ActionType::Modified), ..(*info).clone() }, lease, now)
        };
        match heartbeat.last_dirty_at {
            Some(newer) if newer > info.last_dirty_at => {
                if let (Origin::Peer, Some(status)) = (origin, heartbeat.overridden) {
                    self.adopt_override(key, status, now);
                }
                Renewal::Outdated(info)
            }
            Some(older) if older < info.last_dirty_at && origin == Origin::Peer => {
                Renewal::Conflict(Box::new(lease.apply_to(&info)))
            }
            _ => Renewal::Renewed(info),
        }
    }

    /// Removes an instance. Returns false if it does not exist.
    pub fn cancel(&mut self, key: InstanceKey<'_>, now: Timestamp) -> bool {
        self.remove(key, now, None)
    }

    /// Overrides the status of an instance and renews its lease. Returns `None` if it does not exist.
    pub fn set_status(
        &mut self,
        key: InstanceKey<'_>,
        update: StatusUpdate,
        now: Timestamp,
    ) -> Option<Arc<InstanceInfo>> {
        let Entry { info, mut lease } = self.entry(key).cloned()?;
        lease.renewed_at = now;
        if info.status == update.status {
            self.set_lease(key, lease);
            return Some(info);
        }
        lease.record_status(update.status, now);
        self.overrides.set(key.id, update.status, now);
        Some(self.modify(&info, lease, update, update.status, now))
    }

    /// Removes the override of an instance and renews its lease. The instance has the status of `update` until it
    /// reports its own. Returns `None` if it does not exist.
    pub fn delete_override(
        &mut self,
        key: InstanceKey<'_>,
        update: StatusUpdate,
        now: Timestamp,
    ) -> Option<Arc<InstanceInfo>> {
        let Entry { info, mut lease } = self.entry(key).cloned()?;
        lease.renewed_at = now;
        let was_set = self.overrides.remove(key.id) || info.overridden_status != InstanceStatus::Unknown;
        if !was_set {
            self.set_lease(key, lease);
            return Some(info);
        }
        Some(self.modify(&info, lease, update, InstanceStatus::Unknown, now))
    }

    /// Stores a peer's override for an instance; `Unknown` stands for none and changes nothing.
    pub fn adopt_override(&mut self, key: InstanceKey<'_>, status: InstanceStatus, now: Timestamp) {
        if status == InstanceStatus::Unknown || self.overrides.get(key.id, now) == Some(status) {
            return;
        }
        let Some(Entry { info, lease }) = self.entry(key).cloned() else { return };
        self.overrides.set(key.id, status, now);
        self.put(InstanceInfo { overridden_status: status, ..(*info).clone() }, lease, now);
    }

    /// Returns an instance without the times of its lease, expired or not.
    pub fn get(&self, key: InstanceKey<'_>) -> Option<Arc<InstanceInfo>> {
        self.entry(key).map(|entry| Arc::clone(&entry.info))
    }

    /// Returns the current position in the list of changes, for [`Self::has_newer`].
    pub fn mark(&self) -> u64 {
        self.changes.mark()
    }

    /// Returns true if this registry's knowledge of an instance is newer than what a peer sent when this registry was
    /// at `mark`: the instance has changed since, or was removed recently, which the peer may not know yet.
    pub fn has_newer(&self, key: InstanceKey<'_>, mark: u64) -> bool {
        match self.changes.latest(key) {
            Some(latest) => latest >= mark || self.entry(key).is_none(),
            None => false,
        }
    }

    /// Returns a number that grows with each change that a full fetch or a delta shows; heartbeats do not count.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Adjusts the expected number of heartbeats to the number of instances.
    pub fn update_renewal_threshold(&mut self) {
        self.renewals.update_expected(self.size, &self.rules);
    }

    /// Expects heartbeats from every registered instance, as after a start that read them from a peer.
    pub fn expect_all_registered(&mut self) {
        self.renewals.expect(self.size);
    }

    /// Drops the changes whose retention has passed.
    pub fn expire_changes(&mut self, now: Timestamp) {
        if self.changes.expire(now, self.rules.delta_retention) {
            self.revision += 1;
        }
    }

    fn entry(&self, key: InstanceKey<'_>) -> Option<&Entry> {
        self.apps.get(key.app)?.get(key.id)
    }

    /// Returns the status by the first rule that applies: a reported status that takes no requests, the override,
    /// the stored status, the reported status.
    fn effective_status(
        &mut self,
        info: &InstanceInfo,
        stored: Option<InstanceStatus>,
        origin: Origin,
        now: Timestamp,
    ) -> InstanceStatus {
        let may_be_overridden =
            |status: &InstanceStatus| matches!(status, InstanceStatus::Up | InstanceStatus::OutOfService);
        if !may_be_overridden(&info.status) {
            return info.status;
        }
        if let Some(status) = self.overrides.get(&info.instance_id, now) {
            return status;
        }
        stored.filter(|status| origin == Origin::Client && may_be_overridden(status)).unwrap_or(info.status)
    }

    fn modify(
        &mut self,
        info: &InstanceInfo,
        lease: Lease,
        update: StatusUpdate,
        overridden_status: InstanceStatus,
        now: Timestamp,
    ) -> Arc<InstanceInfo> {
        let last_dirty_at = update.last_dirty_at.map_or(info.last_dirty_at, |at| at.max(info.last_dirty_at));
        let action_type = Some(ActionType::Modified);
        let info =
            InstanceInfo { status: update.status, overridden_status, last_dirty_at, action_type, ..info.clone() };
        self.put(info, lease, now)
    }

    /// Stores `info` as a change that readers see.
    fn put(&mut self, mut info: InstanceInfo, lease: Lease, now: Timestamp) -> Arc<InstanceInfo> {
        info.last_updated_at = now.millis();
        self.changes.record(lease.apply_to(&info), now);
        self.revision += 1;
        let info = Arc::new(info);
        let entry = Entry { info: Arc::clone(&info), lease };
        self.apps.entry(info.app.clone()).or_default().insert(info.instance_id.clone(), entry);
        info
    }

    fn set_lease(&mut self, key: InstanceKey<'_>, lease: Lease) {
        if let Some(entry) = self.apps.get_mut(key.app).and_then(|entries| entries.get_mut(key.id)) {
            entry.lease = lease;
        }
    }

    fn remove(&mut self, key: InstanceKey<'_>, now: Timestamp, evicted_at: Option<Timestamp>) -> bool {
        let Some(entries) = self.apps.get_mut(key.app) else { return false };
        let Some(Entry { info, mut lease }) = entries.remove(key.id) else { return false };
        if entries.is_empty() {
            self.apps.remove(key.app);
        }
        self.size -= 1;
        self.renewals.expect_one_less();
        self.overrides.remove(key.id);
        lease.evicted_at = evicted_at.unwrap_or(lease.evicted_at);
        self.cancelled.record(&info, now);
        let deleted = InstanceInfo { action_type: Some(ActionType::Deleted), ..(*info).clone() };
        self.changes.record(InstanceInfo { last_updated_at: now.millis(), ..lease.apply_to(&deleted) }, now);
        self.revision += 1;
        true
    }
}
