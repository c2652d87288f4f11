//! Jobs that delete what a store keeps for a limited time. Each runs once in its period, however many replicas the service has.

use std::{fmt::Display, sync::Arc, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_bus::inbox;
use souk_sql::{Db, SqlError, claim_job};
use souk_values::{Clock, Timestamp, gauge_value};

use crate::tasks::Task;

/// Name of the job that deletes expired events from the inbox.
pub const PURGE_INBOX: &str = "purge_inbox";
/// Period of [`PURGE_INBOX`].
pub const PURGE_INBOX_PERIOD: Duration = Duration::from_secs(3_600);

const DELETED: &str = "retention_deleted_total";
const RAN_AT: &str = "retention_ran_at_seconds";

/// The jobs of one service with a store of SQL.
#[derive(Debug, Clone)]
pub struct Retention {
    service: &'static str,
    db: Db,
    clock: Arc<dyn Clock>,
}

impl Retention {
    /// `db` is the store in which the replicas of `service` claim their runs.
    #[must_use]
    pub fn new(service: &'static str, db: &Db, clock: &Arc<dyn Clock>) -> Self {
        Self { service, db: db.clone(), clock: Arc::clone(clock) }
    }

    /// Runs `work` on a clone of `state` and the present time: immediately and each `period`, unless another replica ran it
    /// within that time. `work` returns the number of rows that it deleted. A run that fails or ends with its process is made
    /// up for by the next one.
    pub fn job<S, F, E>(
        &self,
        name: &'static str,
        period: Duration,
        state: &S,
        work: impl Fn(S, Timestamp) -> F + Send + Sync + 'static,
    ) -> Task
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<u64, E>> + Send + 'static,
        E: Display + From<SqlError> + Send + 'static,
    {
        start(self.service, name);
        let state = (self.clone(), state.clone(), Arc::new(work));
        Task::every(name, &self.clock, period, &state, move |(retention, state, work)| async move {
            let Self { service, db, clock } = retention;
            let now = clock.now();
            if claim_job(&db, name, now, period).await? {
                let deleted = work(state, now).await?;
                record(service, name, deleted, now);
            }
            Ok::<_, E>(())
        })
    }

    /// Deletes expired events from the inbox every hour.
    #[must_use]
    pub fn purge_inbox(&self) -> Task {
        self.job(PURGE_INBOX, PURGE_INBOX_PERIOD, &self.db, |db, now| async move { inbox::purge_old(&db, now).await })
    }
}

/// Describes the series.
pub(crate) fn describe() {
    describe_counter!(DELETED, "Rows that a job deleted because their time was over, by job");
    describe_gauge!(RAN_AT, "Time of a job's latest complete run in this process, in seconds since 1970");
}

/// Starts the count of a job at zero, so that a rate over its first run is right. For jobs that no [`Retention`] runs.
pub fn start(service: &'static str, job: &'static str) {
    counter!(DELETED, "service" => service, "job" => job).increment(0);
}

/// Counts the rows that a complete run of a job deleted. For jobs that no [`Retention`] runs.
pub fn record(service: &'static str, job: &'static str, deleted: u64, now: Timestamp) {
    tracing::debug!(job, deleted, "what was kept long enough was deleted");
    counter!(DELETED, "service" => service, "job" => job).increment(deleted);
    gauge!(RAN_AT, "service" => service, "job" => job).set(gauge_value(now.seconds()));
}
