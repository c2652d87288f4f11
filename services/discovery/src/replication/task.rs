//! One thing that a peer is to be told.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

/// How long anything but a registration or a heartbeat makes sense.
const LIFE: Duration = Duration::from_secs(30);

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An instance registered.
    Register,
    /// It renewed its lease.
    Heartbeat,
    /// It is gone.
    Cancel,
    /// An operator set its status.
    StatusUpdate,
    /// An operator took that back.
    DeleteStatusOverride,
}

impl Action {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "Register",
            Self::Heartbeat => "Heartbeat",
            Self::Cancel => "Cancel",
            Self::StatusUpdate => "StatusUpdate",
            Self::DeleteStatusOverride => "DeleteStatusOverride",
        }
    }

    /// The one of that exact name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Register, Self::Heartbeat, Self::Cancel, Self::StatusUpdate, Self::DeleteStatusOverride];
        all.into_iter().find(|action| action.name() == name)
    }
}

/// What was done to which instance.
#[derive(Debug, Clone)]
pub struct Task {
    /// What.
    pub action: Action,
    /// The instance's application.
    pub app: String,
    /// The instance.
    pub id: String,
    /// As it is now; of one that is gone nothing is told.
    pub info: Option<Arc<InstanceInfo>>,
    /// When it no longer makes sense.
    pub expires_at: Timestamp,
}

impl Task {
    /// `action` on an instance that is there.
    #[must_use]
    pub fn about(action: Action, info: Arc<InstanceInfo>, now: Timestamp) -> Self {
        let life = match action {
            Action::Register | Action::Heartbeat => {
                u64::try_from(info.lease.renewal_interval_secs).map_or(LIFE, Duration::from_secs)
            }
            Action::Cancel | Action::StatusUpdate | Action::DeleteStatusOverride => LIFE,
        };
        let (app, id) = (info.app.clone(), info.instance_id.clone());
        Self { action, app, id, info: Some(info), expires_at: now.plus(life) }
    }

    /// An instance is gone.
    #[must_use]
    pub fn cancel(app: &str, id: &str, now: Timestamp) -> Self {
        let (app, id) = (app.to_owned(), id.to_owned());
        Self { action: Action::Cancel, app, id, info: None, expires_at: now.plus(LIFE) }
    }

    /// An item of a batch.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut item = json!({"appName": self.app, "id": self.id, "action": self.action.name()});
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
