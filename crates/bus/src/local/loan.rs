//! Events that are on disk in their outbox alone, while queues hold them in memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use uuid::Uuid;

use crate::Keeper;

/// An event that its outbox keeps, as one queue holds it. Dropping it settles nothing: the process may be ending, and the event
/// is to be delivered again.
#[derive(Debug)]
pub(super) struct Loan(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    event: Uuid,
    keeper: Arc<dyn Keeper>,
    /// Number of queues that need it still.
    queues: AtomicUsize,
}

impl Loan {
    /// Returns a loan for each of `queues` queues.
    pub fn of(event: Uuid, keeper: &Arc<dyn Keeper>, queues: usize) -> Vec<Self> {
        let kept = Arc::new(Kept { event, keeper: Arc::clone(keeper), queues: AtomicUsize::new(queues) });
        (0..queues).map(|_| Self(Arc::clone(&kept))).collect()
    }

    /// Ends it: the queue has applied the event, or has it on disk.
    pub fn settle(self) {
        let Kept { event, keeper, queues } = &*self.0;
        if queues.fetch_sub(1, Ordering::AcqRel) == 1 {
            keeper.settled(*event);
        }
    }
}
