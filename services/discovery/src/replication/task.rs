//! A change of an instance that is to be sent to peers.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use crate::registry::InstanceKey;

/// Time after which a task is dropped, except for registrations and heartbeats.
const EXPIRES_AFTER: Duration = Duration::from_secs(30);

/// Kind of a replicated change, as the protocol names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Action {
    Register,
    Heartbeat,
    Cancel,
    StatusUpdate,
    DeleteStatusOverride,
}

#[derive(Debug, Clone)]
pub(crate) struct ReplicationTask {
    pub action: Action,
    pub app: String,
    pub id: String,
    /// The instance after the change; `None` after a cancellation.
    pub info: Option<Arc<InstanceInfo>>,
    pub expires_at: Timestamp,
}

impl ReplicationTask {
    /// Returns the task for a change after which the instance still exists.
    pub fn new(action: Action, info: Arc<InstanceInfo>, now: Timestamp) -> Self {
        let life = match action {
            // By then the client has sent the next heartbeat.
            Action::Register | Action::Heartbeat => {
                u64::try_from(info.lease.renewal_interval_secs).map_or(EXPIRES_AFTER, Duration::from_secs)
            }
            Action::Cancel | Action::StatusUpdate | Action::DeleteStatusOverride => EXPIRES_AFTER,
        };
        Self {
            action,
            app: info.app.clone(),
            id: info.instance_id.clone(),
            info: Some(info),
            expires_at: now.plus(life),
        }
    }

    pub fn cancel(key: InstanceKey<'_>, now: Timestamp) -> Self {
        Self {
            action: Action::Cancel,
            app: key.app.to_owned(),
            id: key.id.to_owned(),
            info: None,
            expires_at: now.plus(EXPIRES_AFTER),
        }
    }

    pub fn key(&self) -> InstanceKey<'_> {
        InstanceKey { app: &self.app, id: &self.id }
    }

    /// Returns the task as an item of a batch.
    pub fn to_json(&self) -> Value {
        let mut item = json!({"appName": self.app, "id": self.id, "action": self.action});
        let Some((fields, info)) = item.as_object_mut().zip(self.info.as_ref()) else { return item };
        fields.insert("lastDirtyTimestamp".to_owned(), info.last_dirty_at.into());
        fields.insert("overriddenStatus".to_owned(), info.overridden_status.name().into());
        fields.insert("status".to_owned(), info.status.name().into());
        if self.action == Action::Register {
            fields.insert("instanceInfo".to_owned(), info.to_json());
        }
        item
    }
}
