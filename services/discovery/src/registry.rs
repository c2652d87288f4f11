//! What is registered, and the protocol's rules over it. Pure: the time is an argument, and nothing here waits.
//!
//! The lease rule is the plain one: an instance expires when nothing was heard of it for longer than its duration.
//! (The original adds the duration twice to a renewed lease, by an old mistake.)

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

pub use lease::Lease;
pub use reads::Shot;
pub use renewals::Health;
pub use shared::Shared;

use changes::Changes;
use overrides::Overrides;
use recent::Recent;
use renewals::Renewals;

/// What the registry goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether nobody is evicted while too few heartbeats arrive.
    pub preserves_itself: bool,
    /// Which share of the expected heartbeats is enough, 0 to 1.
    pub renewal_share: f64,
    /// How often clients are expected to renew, seconds.
    pub renewal_interval_secs: u32,
    /// How long a change stays in a delta.
    pub delta_retention: Duration,
    /// How many instances it holds.
    pub max_instances: usize,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client, or an operator: other servers are told.
    Client,
    /// Another server: nobody is told again.
    Peer,
}

/// The registry holds as many instances as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry is full: it holds {0} instances; remove some, or raise discovery.max-instances")]
pub struct Full(pub usize);

/// What became of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The lease goes on.
    Renewed(Arc<InstanceInfo>),
    /// The lease goes on, but the instance is newer than what is known of it: it must register.
    Outdated(Arc<InstanceInfo>),
    /// The lease goes on, but the peer knows less than this registry, which holds this.
    Conflict(Box<InstanceInfo>),
    /// It must register.
    Unknown,
}

/// What comes with an operator's act on a status.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The dirty timestamp of a peer; taken if it is the greater.
    pub last_dirty_at: Option<i64>,
    /// When it arrived.
    pub now: Timestamp,
}

/// One instance and its lease.
#[derive(Debug, Clone)]
struct Entry {
    info: Arc<InstanceInfo>,
    lease: Lease,
}

/// The registry.
#[derive(Debug)]
pub struct Registry {
    rules: Rules,
    apps: BTreeMap<String, BTreeMap<String, Entry>>,
    size: usize,
    overrides: Overrides,
    changes: Changes,
    renewals: Renewals,
    registered: Recent,
    cancelled: Recent,
    /// Grows with everything that a reader of all instances can see, heartbeats aside.
    revision: u64,
}

impl Registry {
    /// An empty one.
    #[must_use]
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

    /// Registers `info`, or renews its registration. Answers it as it is now known.
    pub fn register(
        &mut self,
        mut info: InstanceInfo,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Arc<InstanceInfo>, Full> {
        let existing = self.entry(&info.app, &info.instance_id).cloned();
        match &existing {
            None if self.size >= self.rules.max_instances => return Err(Full(self.size)),
            None => {
                self.size += 1;
                self.renewals.expect_one_more();
            }
            // What is known is newer: only the lease begins anew.
            Some(entry) if entry.info.last_dirty_at > info.last_dirty_at => info = (*entry.info).clone(),
            Some(_) => {}
        }
        let mut lease = Lease::new(&info, now);
        if let Some(existing) = &existing {
            lease.up_at = existing.lease.up_at;
        }
        if info.overridden_status != InstanceStatus::Unknown {
            self.overrides.seed(&info.instance_id, info.overridden_status, now);
        }
        if let Some(status) = self.overrides.get(&info.instance_id, now) {
            info.overridden_status = status;
        }
        let known = existing.map(|entry| entry.info.status);
        info.status = self.effective_status(&info, known, origin, now);
        lease.note_status(info.status, now);
        info.action_type = Some(ActionType::Added);
        self.registered.note(&info, now);
        Ok(self.put(info, lease, now))
    }

    /// Renews the lease of an instance. `last_dirty_at` is what the instance last changed itself at, if it says so;
    /// `overridden` is what a peer knows to be set.
    pub fn renew(
        &mut self,
        (app, id): (&str, &str),
        (last_dirty_at, overridden): (Option<i64>, Option<InstanceStatus>),
        origin: Origin,
        now: Timestamp,
    ) -> Renewal {
        let Some(Entry { info, mut lease }) = self.entry(app, id).cloned() else { return Renewal::Unknown };
        let status = self.effective_status(&info, Some(info.status), origin, now);
        if status == InstanceStatus::Unknown {
            return Renewal::Unknown;
        }
        self.renewals.count(now);
        lease.renewed_at = now;
        let info = if status == info.status {
            self.set_lease(app, id, lease);
            info
        } else {
            self.put(InstanceInfo { status, action_type: Some(ActionType::Modified), ..(*info).clone() }, lease, now)
        };
        match last_dirty_at {
            Some(newer) if newer > info.last_dirty_at => {
                if let (Origin::Peer, Some(status)) = (origin, overridden) {
                    self.adopt_override(app, id, status, now);
                }
                Renewal::Outdated(info)
            }
            Some(older) if older < info.last_dirty_at && origin == Origin::Peer => {
                Renewal::Conflict(Box::new(lease.shown_in(&info)))
            }
            _ => Renewal::Renewed(info),
        }
    }

    /// Removes an instance. False: there is none.
    pub fn cancel(&mut self, app: &str, id: &str, now: Timestamp) -> bool {
        self.remove(app, id, now, None)
    }

    /// Sets what an operator wants an instance to be, and renews its lease. `None`: there is none.
    pub fn set_status(
        &mut self,
        (app, id): (&str, &str),
        status: InstanceStatus,
        stamp: Stamp,
    ) -> Option<Arc<InstanceInfo>> {
        let Entry { info, mut lease } = self.entry(app, id).cloned()?;
        lease.renewed_at = stamp.now;
        if info.status == status {
            self.set_lease(app, id, lease);
            return Some(info);
        }
        lease.note_status(status, stamp.now);
        self.overrides.set(id, status, stamp.now);
        Some(self.modify(&info, lease, (status, status), stamp))
    }

    /// Takes back what an operator set, and renews its lease: the instance is `status` until it says more. `None`:
    /// there is no such instance.
    pub fn delete_override(
        &mut self,
        (app, id): (&str, &str),
        status: InstanceStatus,
        stamp: Stamp,
    ) -> Option<Arc<InstanceInfo>> {
        let Entry { info, mut lease } = self.entry(app, id).cloned()?;
        lease.renewed_at = stamp.now;
        let was_set = self.overrides.remove(id) || info.overridden_status != InstanceStatus::Unknown;
        if !was_set {
            self.set_lease(app, id, lease);
            return Some(info);
        }
        Some(self.modify(&info, lease, (status, InstanceStatus::Unknown), stamp))
    }

    /// Remembers what a peer knows to be set, if it is something and new.
    pub fn adopt_override(&mut self, app: &str, id: &str, status: InstanceStatus, now: Timestamp) {
        if status == InstanceStatus::Unknown || self.overrides.get(id, now) == Some(status) {
            return;
        }
        let Some(Entry { info, lease }) = self.entry(app, id).cloned() else { return };
        self.overrides.set(id, status, now);
        self.put(InstanceInfo { overridden_status: status, ..(*info).clone() }, lease, now);
    }

    /// The instance itself, without what its lease says.
    #[must_use]
    pub fn known(&self, app: &str, id: &str) -> Option<Arc<InstanceInfo>> {
        self.entry(app, id).map(|entry| Arc::clone(&entry.info))
    }

    /// Where the registry is now, for [`Self::knows_better`].
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.changes.mark()
    }

    /// Whether what is known here of an instance is newer than what somebody else said when this registry was at
    /// `mark`: it has changed since, or it went lately, which not everybody has heard yet.
    #[must_use]
    pub fn knows_better(&self, app: &str, id: &str, mark: u64) -> bool {
        let (is_recent, is_since) = self.changes.of(app, id, mark);
        is_since || (is_recent && self.entry(app, id).is_none())
    }

    /// Grows with everything that a reader of all instances can see, heartbeats aside.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts anew how many heartbeats are to be expected.
    pub fn recount(&mut self) {
        self.renewals.recount(self.size, &self.rules);
    }

    /// Expects heartbeats of the instances that it holds, as after a start that found them at a peer.
    pub fn expect_what_is_here(&mut self) {
        self.renewals.expect(self.size);
    }

    /// Drops changes that every client has seen.
    pub fn sweep(&mut self, now: Timestamp) {
        if self.changes.sweep(now, self.rules.delta_retention) {
            self.revision += 1;
        }
    }

    fn entry(&self, app: &str, id: &str) -> Option<&Entry> {
        self.apps.get(app)?.get(id)
    }

    /// The first rule that applies: an instance that says it does not serve is believed; what an operator set; what
    /// is known already; what the instance says.
    fn effective_status(
        &mut self,
        info: &InstanceInfo,
        known: Option<InstanceStatus>,
        origin: Origin,
        now: Timestamp,
    ) -> InstanceStatus {
        let serves = |status: &InstanceStatus| matches!(status, InstanceStatus::Up | InstanceStatus::OutOfService);
        if !serves(&info.status) {
            return info.status;
        }
        if let Some(status) = self.overrides.get(&info.instance_id, now) {
            return status;
        }
        known.filter(|status| origin == Origin::Client && serves(status)).unwrap_or(info.status)
    }

    fn modify(
        &mut self,
        info: &InstanceInfo,
        lease: Lease,
        (status, overridden_status): (InstanceStatus, InstanceStatus),
        stamp: Stamp,
    ) -> Arc<InstanceInfo> {
        let last_dirty_at = stamp.last_dirty_at.map_or(info.last_dirty_at, |at| at.max(info.last_dirty_at));
        let action_type = Some(ActionType::Modified);
        let info = InstanceInfo { status, overridden_status, last_dirty_at, action_type, ..info.clone() };
        self.put(info, lease, stamp.now)
    }

    /// Keeps `info`, which is a change that readers see.
    fn put(&mut self, mut info: InstanceInfo, lease: Lease, now: Timestamp) -> Arc<InstanceInfo> {
        info.last_updated_at = now.millis();
        self.changes.note(lease.shown_in(&info), now);
        self.revision += 1;
        let info = Arc::new(info);
        let entry = Entry { info: Arc::clone(&info), lease };
        self.apps.entry(info.app.clone()).or_default().insert(info.instance_id.clone(), entry);
        info
    }

    fn set_lease(&mut self, app: &str, id: &str, lease: Lease) {
        if let Some(entry) = self.apps.get_mut(app).and_then(|entries| entries.get_mut(id)) {
            entry.lease = lease;
        }
    }

    fn remove(&mut self, app: &str, id: &str, now: Timestamp, evicted_at: Option<Timestamp>) -> bool {
        let Some(entries) = self.apps.get_mut(app) else { return false };
        let Some(Entry { info, mut lease }) = entries.remove(id) else { return false };
        if entries.is_empty() {
            self.apps.remove(app);
        }
        self.size -= 1;
        self.renewals.expect_one_less();
        self.overrides.remove(id);
        lease.evicted_at = evicted_at.unwrap_or(lease.evicted_at);
        self.cancelled.note(&info, now);
        let gone = InstanceInfo { action_type: Some(ActionType::Deleted), ..(*info).clone() };
        self.changes.note(InstanceInfo { last_updated_at: now.millis(), ..lease.shown_in(&gone) }, now);
        self.revision += 1;
        true
    }
}
