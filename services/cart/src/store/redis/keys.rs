//! Names of keys. Keys that one script writes together have the same hash tag, so that they are in one slot of a cluster:
//! a user's data in the partition of the user, a product's in that of the product.

use souk_values::{Id, ProductId, UserId};

/// Number of partitions. A store keeps the number that it was created with.
pub(crate) const PARTITIONS: u16 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Partition(pub u16);

#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
    partitions: u16,
}

impl Keys {
    pub fn new(prefix: String, partitions: u16) -> Self {
        Self { prefix, partitions: partitions.max(1) }
    }

    pub fn partition_count(&self) -> u16 {
        self.partitions
    }

    pub fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.partitions).map(Partition)
    }

    /// Returns the partition of everything that belongs to this user or product.
    pub fn partition_of(&self, id: impl Id) -> Partition {
        // The low bits of an id are random, so that partitions fill evenly. The remainder fits into 16 bits.
        Partition(u16::try_from(id.get().rem_euclid(i64::from(self.partitions))).unwrap_or(0))
    }

    /// String: the number of partitions. This key, `relays`, `probe` and those of jobs have no hash tag.
    pub fn partitions_key(&self) -> String {
        format!("{}partitions", self.prefix)
    }

    /// Counter: relays so far, which gives each a number of its own.
    pub fn relays(&self) -> String {
        format!("{}relays", self.prefix)
    }

    /// String: written by the readiness check.
    pub fn probe(&self) -> String {
        format!("{}probe", self.prefix)
    }

    /// String: time of the latest run of a periodic job, ms.
    pub fn job(&self, job: &str) -> String {
        format!("{}job:{job}", self.prefix)
    }

    fn within(&self, partition: Partition, name: &str) -> String {
        format!("{}{{{}}}:{name}", self.prefix, partition.0)
    }

    /// Hash: version, contents, and stamp of the latest save of a cart.
    pub fn cart(&self, user: UserId) -> String {
        self.within(self.partition_of(user), &format!("cart:{user}"))
    }

    /// Hash by order: version and stage of each order of a user.
    pub fn orders(&self, user: UserId) -> String {
        self.within(self.partition_of(user), &format!("orders:{user}"))
    }

    /// Hash by product: the purchased items of a user, as JSON.
    pub fn purchased(&self, user: UserId) -> String {
        self.within(self.partition_of(user), &format!("purchased:{user}"))
    }

    /// Sorted set: the products that a user bought, by the time of that.
    pub fn bought(&self, user: UserId) -> String {
        self.within(self.partition_of(user), &format!("bought:{user}"))
    }

    /// Hash by product: the wishes of a user.
    pub fn wishes(&self, user: UserId) -> String {
        self.within(self.partition_of(user), &format!("wishes:{user}"))
    }

    /// Sorted set: every cart by its due time, `+inf` for never.
    pub fn due(&self, partition: Partition) -> String {
        self.within(partition, "due")
    }

    /// Set: owners of carts with active items.
    pub fn active(&self, partition: Partition) -> String {
        self.within(partition, "active")
    }

    /// Stream: events that are not published yet.
    pub fn outbox(&self, partition: Partition) -> String {
        self.within(partition, "outbox")
    }

    /// Sorted set: events that were applied, by the time of that.
    pub fn inbox(&self, partition: Partition) -> String {
        self.within(partition, "inbox")
    }

    /// Counter: saves of carts in the partition, which gives each a stamp of its own.
    pub fn saves(&self, partition: Partition) -> String {
        self.within(partition, "saves")
    }

    /// String: the copy of a product, as JSON.
    pub fn product(&self, product: ProductId) -> String {
        self.within(self.partition_of(product), &format!("product:{product}"))
    }

    /// Sorted set: hints at users who may wish for a product, `USER:NUMBER`.
    pub fn wishers(&self, product: ProductId) -> String {
        self.within(self.partition_of(product), &format!("wishers:{product}"))
    }

    /// Counter: hints in the partition, which gives each a number of its own.
    pub fn hints(&self, partition: Partition) -> String {
        self.within(partition, "hints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_written_together_have_one_tag() {
        let keys = Keys::new("souk:".to_owned(), PARTITIONS);
        let user = UserId::new(130).unwrap();
        let product = ProductId::new(5).unwrap();
        assert_eq!(keys.cart(user), "souk:{2}:cart:130");
        assert_eq!(keys.outbox(keys.partition_of(user)), "souk:{2}:outbox");
        assert_eq!(
            (keys.wishes(user), keys.wishers(product)),
            ("souk:{2}:wishes:130".into(), "souk:{5}:wishers:5".into())
        );
        assert_eq!(keys.partitions().count(), 64);
    }
}
