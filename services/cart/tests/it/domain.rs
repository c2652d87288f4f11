//! Properties of the cart that hold after any commands in any order, at any time.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use souk_cart::cart::{
    Cart, CartCommand, Contents, Effects, GuestLine, Item, ItemState, Lifetimes, MAX_ACTIVE, NewItem, OrderProgress,
    OrderStage, OrderUpdate, OrderedLine,
};
use souk_values::{Id, OrderId, ProductId, Timestamp, UserId};

use crate::fixture::euros;

const LIFETIMES: Lifetimes = Lifetimes {
    active: Duration::from_secs(24 * 3_600),
    ordered: Duration::from_secs(168 * 3_600),
    remind_before: Duration::from_secs(2 * 3_600),
};

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Add(i64, u32),
    SetQuantity(usize, u32),
    Remove(usize),
    Clear,
    Merge(i64, u32),
    Follow(i64, OrderStage),
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stage = prop_oneof![Just(OrderStage::Placed), Just(OrderStage::Paid), Just(OrderStage::Cancelled)];
    let one = prop_oneof![
        3 => (0_u64..40 * 3_600).prop_map(Step::Wait),
        5 => (1_i64..5, 1_u32..60).prop_map(|(product, quantity)| Step::Add(product, quantity)),
        1 => (0_usize..6, 1_u32..99).prop_map(|(item, quantity)| Step::SetQuantity(item, quantity)),
        1 => (0_usize..6).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => (1_i64..5, 1_u32..99).prop_map(|(product, quantity)| Step::Merge(product, quantity)),
        4 => (1_i64..5, stage).prop_map(|(order, stage)| Step::Follow(order, stage)),
        2 => Just(Step::Expire),
    ];
    prop::collection::vec(one, 1..60)
}

/// A cart with what a store would keep beside it, and all effects so far.
struct Bench {
    cart: Cart,
    now: Timestamp,
    progress: [Option<OrderProgress>; 5],
    taken: [Vec<OrderedLine>; 5],
    last_id: usize,
    expired: Vec<String>,
    checked_out: Vec<OrderId>,
    reminded: Vec<BTreeSet<String>>,
    made_active: usize,
}

impl Bench {
    fn new() -> Self {
        let cart = Cart::empty(UserId::new(7).unwrap());
        let now = Timestamp::from_millis(1_800_000_000_000);
        let progress = [None; 5];
        let taken = Default::default();
        Self {
            cart,
            now,
            progress,
            taken,
            last_id: 0,
            expired: vec![],
            checked_out: vec![],
            reminded: vec![],
            made_active: 0,
        }
    }

    fn id(&mut self) -> String {
        self.last_id += 1;
        format!("item-{}", self.last_id)
    }

    fn nth(&self, index: usize) -> String {
        let mut items = self.cart.items_at(self.now).chain(self.cart.purchases());
        items.nth(index).map_or_else(|| "none".to_owned(), |item| item.cart_item_id.clone())
    }

    fn apply(&mut self, command: &CartCommand, order: Option<usize>) {
        let known = order.and_then(|order| self.progress[order]);
        // The purchased items that the command does not concern stay in the store.
        let concerned = self.cart.concerned_purchases(command);
        let (read, unread) = self.cart.purchases().iter().cloned().partition(|item| concerned.contains(item));
        let before = self.cart.clone().with_purchases(read);
        let Ok(mut after) = before.clone().apply(command, known, self.now, &LIFETIMES) else { return };
        assert_eq!(after.is_changed, after.cart != before);
        assert!(!after.is_changed || after.cart.version() > self.cart.version());
        let mut purchases: Vec<Item> = unread;
        purchases.extend_from_slice(after.cart.purchases());
        self.cart = std::mem::replace(&mut after.cart, before).with_purchases(purchases);
        if let Some(order) = order {
            self.progress[order] = after.progress;
        }
        self.record(after.effects);
        self.check();
    }

    fn record(&mut self, effects: Effects) {
        self.made_active += effects.made_active;
        self.expired.extend(effects.expired.into_iter().map(|line| line.cart_item_id));
        self.checked_out.extend(effects.checked_out.map(|(order, _)| order));
        let ids = |(lines, _): (Vec<souk_events::CartLine>, Timestamp)| lines.into_iter().map(|line| line.cart_item_id);
        self.reminded.extend(effects.abandoned.map(|abandoned| ids(abandoned).collect()));
    }

    fn check(&self) {
        let within = self.cart.contents().items();
        assert_eq!(within.len(), self.cart.items_at(self.now).count(), "a command leaves no expired item");
        assert!(!self.cart.has_inner_purchases() && self.cart.purchases().iter().all(Item::is_purchased));
        let items: Vec<_> = within.iter().chain(self.cart.purchases()).collect();
        let unique = |kind: fn(&ItemState) -> bool| {
            let of_kind = items.iter().filter(|item| kind(&item.state));
            let products: Vec<_> = of_kind.map(|item| item.product_id).collect();
            assert_eq!(products.iter().collect::<BTreeSet<_>>().len(), products.len(), "one for each product");
            products.len()
        };
        assert!(unique(|state| matches!(state, ItemState::Active { .. })) <= MAX_ACTIVE);
        unique(|state| matches!(state, ItemState::Purchased { .. }));
        let ids: BTreeSet<_> = items.iter().map(|item| &item.cart_item_id).collect();
        assert_eq!(ids.len(), items.len(), "ids are unique");
        for item in items {
            assert!((1..=99).contains(&item.quantity), "{item:?}");
            let is_within_lifetime = match item.state {
                ItemState::Active { expires_at } => expires_at.since(self.now) <= LIFETIMES.active,
                ItemState::Ordered { expires_at, .. } => expires_at.since(self.now) <= LIFETIMES.ordered,
                ItemState::Purchased { .. } => true,
            };
            assert!(is_within_lifetime, "{item:?}");
            assert!(!self.expired.contains(&item.cart_item_id), "an expired item is gone");
        }
        let expired = &self.expired;
        assert_eq!(expired.iter().collect::<BTreeSet<_>>().len(), expired.len(), "an item expires once");
        assert!(self.reminded.windows(2).all(|pair| pair[0] != pair[1]), "the same items get one reminder");
        let orders = &self.checked_out;
        assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), orders.len(), "an order takes its lines once");
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Step::Add(product, quantity) => {
                let item = NewItem {
                    cart_item_id: self.id(),
                    product_id: product_id(product),
                    name: "x".into(),
                    price: euros(100),
                    quantity,
                };
                self.apply(&CartCommand::Add { item, key: None }, None);
            }
            Step::SetQuantity(index, quantity) => {
                let cart_item_id = self.nth(index);
                self.apply(&CartCommand::SetQuantity { cart_item_id, quantity }, None);
            }
            Step::Remove(index) => {
                let cart_item_id = self.nth(index);
                self.apply(&CartCommand::Remove { cart_item_id }, None);
            }
            Step::Clear => self.apply(&CartCommand::Clear, None),
            Step::Merge(product, quantity) => {
                let line = GuestLine {
                    cart_item_id: self.id(),
                    product_id: product_id(product),
                    name: "x".into(),
                    price_when_added: Some(euros(100)),
                    quantity,
                };
                self.apply(&CartCommand::Merge(vec![line.clone()]), None);
                let once = self.cart.clone();
                self.apply(&CartCommand::Merge(vec![line]), None);
                assert_eq!(self.cart, once, "a repeated merge changes nothing");
            }
            Step::Follow(order, stage) => self.follow(usize::try_from(order).unwrap(), stage),
            Step::Expire => self.apply(&CartCommand::Expire, None),
        }
    }

    fn follow(&mut self, order: usize, stage: OrderStage) {
        let version = match stage {
            OrderStage::Placed => 1,
            OrderStage::Paid => 3,
            OrderStage::Cancelled => 4,
        };
        self.follow_at(order, version, stage);
    }

    fn follow_at(&mut self, order: usize, version: i64, stage: OrderStage) {
        if self.taken[order].is_empty() {
            let lines = self.cart.guest_lines(self.now).into_iter().map(|line| OrderedLine {
                cart_item_id: line.cart_item_id,
                product_id: line.product_id,
                quantity: line.quantity,
                remainder_id: String::new(),
            });
            self.taken[order] = lines.collect();
        }
        let mut lines = self.taken[order].clone();
        for line in &mut lines {
            line.remainder_id = self.id();
        }
        let order_id = OrderId::new(i64::try_from(order).unwrap()).unwrap();
        self.apply(&CartCommand::FollowOrder(OrderUpdate { order_id, version, stage, lines }), Some(order));
    }
}

#[test]
fn a_lower_version_of_an_order_changes_nothing_and_the_highest_is_remembered() {
    for (version, stage) in [(4, OrderStage::Placed), (5, OrderStage::Cancelled), (6, OrderStage::Cancelled)] {
        let mut bench = Bench::new();
        bench.play(&Step::Add(1, 2));
        bench.follow_at(1, 5, OrderStage::Placed);
        bench.follow_at(1, version, OrderStage::Cancelled);
        assert_eq!(bench.progress[1], Some(OrderProgress { version: version.max(5), stage }));
        let is_active = matches!(bench.cart.contents().items()[0].state, ItemState::Active { .. });
        assert_eq!(is_active, stage == OrderStage::Cancelled, "at version {version}");
    }
    let mut bench = Bench::new();
    bench.play(&Step::Add(1, 2));
    // The call of the order service carries no version; the event after it does.
    for version in [0, 1] {
        bench.follow_at(1, version, OrderStage::Placed);
        assert_eq!(bench.progress[1], Some(OrderProgress { version, stage: OrderStage::Placed }));
    }
}

#[test]
fn units_of_an_earlier_order_stay_bought_when_the_latest_one_is_cancelled() {
    let mut bench = Bench::new();
    for (order, quantity) in [(1, 2), (2, 3)] {
        bench.play(&Step::Add(1, quantity));
        bench.follow(order, OrderStage::Placed);
        bench.follow(order, OrderStage::Paid);
    }
    assert_eq!(bench.made_active, 2);
    bench.follow(2, OrderStage::Cancelled);
    let expires_at = bench.now.plus(LIFETIMES.active);
    let all = bench.cart.contents().items().iter().chain(bench.cart.purchases());
    let items: Vec<_> = all.map(|item| (item.quantity, item.state.clone())).collect();
    let bought = ItemState::Purchased { order_id: None, latest_quantity: 0, bought_at: Some(bench.now) };
    assert_eq!(items, [(3, ItemState::Active { expires_at }), (2, bought)]);
    assert_eq!(bench.made_active, 3);
}

/// Carts that were stored by an earlier version must be readable, so these names never change.
#[test]
fn stored_contents_keep_their_field_names() {
    let until = "2026-01-31T12:00:00.000Z";
    let stored = serde_json::json!({
        "items": [
            {"cart_item_id": "a", "product_id": 1, "name": "x", "quantity": 2, "state": "active", "until": until},
            {"cart_item_id": "b", "product_id": 2, "name": "y", "quantity": 3, "state": "ordered", "order_id": 9, "until": until},
            {"cart_item_id": "c", "product_id": 3, "name": "z", "quantity": 4, "state": "purchased", "order_id": null, "lately": 1},
        ],
        "reminded": ["a"],
        "absorbed": [{"cart_item_id": "g", "quantity": 2, "until": until}],
        "keys": [{"key": "k", "body_hash": "h", "until": until}],
    });
    let contents: Contents = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&contents).unwrap(), stored);
    let bought = serde_json::json!({"cart_item_id": "c", "product_id": 3, "name": "z", "quantity": 4, "state": "purchased",
        "order_id": 9, "lately": 1, "at": until});
    let item: Item = serde_json::from_value(bought.clone()).unwrap();
    assert_eq!(serde_json::to_value(&item).unwrap(), bought);
}

#[test]
fn purchased_items_of_an_earlier_release_are_moved_beside_the_cart() {
    let item = |id: &str, product: i64, quantity: u32| {
        serde_json::json!({"cart_item_id": id, "product_id": product, "name": "z", "quantity": quantity,
            "state": "purchased", "order_id": null, "lately": 0})
    };
    let contents = serde_json::json!({"items": [item("a", 1, 2), item("b", 2, 3)]});
    let cart = Cart::from_stored(UserId::new(7).unwrap(), 1, serde_json::from_value(contents).unwrap());
    assert_eq!(cart.concerned_purchases(&CartCommand::Expire).products, [product_id(1), product_id(2)].into());
    // Bought since, in a replica of this release.
    let bought = serde_json::from_value(item("c", 2, 4)).unwrap();
    let now = Timestamp::from_millis(1_800_000_000_000);
    let after = cart.with_purchases(vec![bought]).apply(&CartCommand::Expire, None, now, &LIFETIMES).unwrap();
    assert!(after.is_changed && after.cart.contents().items().is_empty());
    let quantities: Vec<_> = after.cart.purchases().iter().map(|item| (item.product_id.get(), item.quantity)).collect();
    assert_eq!(quantities, [(2, 7), (1, 2)]);
}

fn product_id(number: i64) -> ProductId {
    ProductId::new(number).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_rules_hold_whatever_happens(steps in steps()) {
        let mut bench = Bench::new();
        for step in &steps {
            let bought = bench.cart.purchases().to_vec();
            bench.play(step);
            if matches!(step, Step::Wait(_) | Step::Expire | Step::Add(..)) {
                prop_assert_eq!(bench.cart.purchases(), bought, "purchased items never expire");
            }
        }
    }

    #[test]
    fn expire_changes_a_cart_exactly_from_when_it_is_due(steps in steps()) {
        let mut bench = Bench::new();
        for step in &steps {
            bench.play(step);
        }
        bench.apply(&CartCommand::Expire, None);
        for _ in 0..20 {
            let Some(due) = bench.cart.due_at(&LIFETIMES) else { break };
            prop_assert!(due > bench.now, "nothing is due after it has run");
            let before = due.minus(Duration::from_millis(1));
            prop_assert!(!bench.cart.clone().apply(&CartCommand::Expire, None, before, &LIFETIMES).unwrap().is_changed);
            bench.now = due;
            let before = bench.cart.clone();
            bench.apply(&CartCommand::Expire, None);
            prop_assert!(bench.cart != before);
        }
        prop_assert_eq!(bench.cart.due_at(&LIFETIMES), None, "only purchased items stay");
        prop_assert!(bench.cart.is_empty());
    }

    #[test]
    fn added_items_live_a_day_ordered_ones_a_week(product in 1_i64..9, quantity in 1_u32..99, wait in 0_u64..86_400) {
        let mut bench = Bench::new();
        bench.play(&Step::Add(product, quantity));
        let expires_at = |bench: &Bench| bench.cart.contents().items()[0].state.expires_at();
        prop_assert_eq!(expires_at(&bench), Some(bench.now.plus(LIFETIMES.active)));
        bench.play(&Step::Wait(wait));
        bench.play(&Step::SetQuantity(0, quantity));
        prop_assert_eq!(expires_at(&bench), Some(bench.now.plus(LIFETIMES.active)));
        bench.play(&Step::Wait(wait));
        bench.follow(1, OrderStage::Placed);
        prop_assert_eq!(expires_at(&bench), Some(bench.now.plus(LIFETIMES.ordered)));
        bench.play(&Step::Wait(wait * 6));
        bench.follow(1, OrderStage::Paid);
        prop_assert_eq!(bench.cart.purchases()[0].state.expires_at(), None);
        bench.follow(1, OrderStage::Cancelled);
        prop_assert_eq!(expires_at(&bench), Some(bench.now.plus(LIFETIMES.active)));
        prop_assert_eq!(bench.cart.contents().items()[0].quantity, quantity);
    }
}
