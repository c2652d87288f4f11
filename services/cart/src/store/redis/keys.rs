//! What keys are called. Everything that one script changes together has the same hash tag, so that it
//! is in one slot of a cluster: a user's data in the user's partition, a product's in the product's.

use souk_values::{Id, ProductId, UserId};

/// How many partitions there are. A store keeps the number that it began with.
pub(crate) const PARTITIONS: u16 = 64;

/// One of the partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Partition(pub u16);

/// The names of all keys of one store.
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

    fn partition(&self, id: i64) -> Partition {
        // The low bits of an id are random. The remainder is below the number of partitions, so it fits.
        Partition(u16::try_from(id.rem_euclid(i64::from(self.partitions))).unwrap_or(0))
    }

    /// Where everything of `user` is.
    pub fn of_user(&self, user: UserId) -> Partition {
        self.partition(user.get())
    }

    /// Where everything of `product` is.
    pub fn of_product(&self, product: ProductId) -> Partition {
        self.partition(product.get())
    }

    /// How many partitions this store has; the one key that has no tag.
    pub fn partitions_key(&self) -> String {
        format!("{}partitions", self.prefix)
    }

    /// What relays were numbered up to.
    pub fn relays(&self) -> String {
        format!("{}relays", self.prefix)
    }

    /// Written to see whether it can be.
    pub fn probe(&self) -> String {
        format!("{}probe", self.prefix)
    }

    fn within(&self, partition: Partition, name: &str) -> String {
        format!("{}{{{}}}:{name}", self.prefix, partition.0)
    }

    /// Hash: a cart's version, contents, and stamp of its last save.
    pub fn cart(&self, user: UserId) -> String {
        self.within(self.of_user(user), &format!("cart:{user}"))
    }

    /// Hash: version and stage of each order of a user, by order.
    pub fn orders(&self, user: UserId) -> String {
        self.within(self.of_user(user), &format!("orders:{user}"))
    }

    /// Hash: a user's wishes, by product.
    pub fn wishes(&self, user: UserId) -> String {
        self.within(self.of_user(user), &format!("wishes:{user}"))
    }

    /// Sorted set: every cart by when it is due; `+inf` for never.
    pub fn due(&self, partition: Partition) -> String {
        self.within(partition, "due")
    }

    /// Set: whose carts have active items.
    pub fn active(&self, partition: Partition) -> String {
        self.within(partition, "active")
    }

    /// Stream: events that are not published yet.
    pub fn outbox(&self, partition: Partition) -> String {
        self.within(partition, "outbox")
    }

    /// Sorted set: events that had their effect, by when.
    pub fn inbox(&self, partition: Partition) -> String {
        self.within(partition, "inbox")
    }

    /// How often a cart of the partition was saved: numbers each save.
    pub fn saves(&self, partition: Partition) -> String {
        self.within(partition, "saves")
    }

    /// What is known of a product.
    pub fn product(&self, product: ProductId) -> String {
        self.within(self.of_product(product), &format!("product:{product}"))
    }

    /// Sorted set: who may wish for a product, with the number of the hint.
    pub fn wishers(&self, product: ProductId) -> String {
        self.within(self.of_product(product), &format!("wishers:{product}"))
    }

    /// How many hints the partition's products were given: numbers each.
    pub fn hints(&self, partition: Partition) -> String {
        self.within(partition, "hints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_has_one_tag() {
        let keys = Keys::new("souk:".to_owned(), PARTITIONS);
        let (user, product) = (UserId::new(130).unwrap(), ProductId::new(5).unwrap());
        assert_eq!(keys.cart(user), "souk:{2}:cart:130");
        assert_eq!(keys.outbox(keys.of_user(user)), "souk:{2}:outbox");
        assert_eq!(
            (keys.wishes(user), keys.wishers(product)),
            ("souk:{2}:wishes:130".into(), "souk:{5}:wishers:5".into())
        );
        assert_eq!(keys.partitions().count(), 64);
    }
}
