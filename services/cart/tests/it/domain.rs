//! Properties of the cart that hold after any acts in any order, at any time.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use souk_cart::cart::{
    Act, Cart, Effects, GuestLine, MAX_ACTIVE, NewItem, OrderMark, OrderStep, OrderedLine, Stage, Standing, Terms,
};
use souk_values::{Id, OrderId, ProductId, Timestamp, UserId};

const TERMS: Terms = Terms {
    active: Duration::from_secs(24 * 3_600),
    ordered: Duration::from_secs(168 * 3_600),
    remind_before: Duration::from_secs(2 * 3_600),
};

#[derive(Debug, Clone)]
enum Move {
    Wait(u64),
    Add(i64, u32),
    Change(usize, u32),
    Remove(usize),
    Clear,
    Absorb(i64, u32),
    Follow(i64, Stage),
    Sweep,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let stage = prop_oneof![Just(Stage::Placed), Just(Stage::Paid), Just(Stage::Cancelled)];
    let one = prop_oneof![
        3 => (0_u64..40 * 3_600).prop_map(Move::Wait),
        5 => (1_i64..5, 1_u32..60).prop_map(|(product, quantity)| Move::Add(product, quantity)),
        1 => (0_usize..6, 1_u32..99).prop_map(|(item, quantity)| Move::Change(item, quantity)),
        1 => (0_usize..6).prop_map(Move::Remove),
        1 => Just(Move::Clear),
        1 => (1_i64..5, 1_u32..99).prop_map(|(product, quantity)| Move::Absorb(product, quantity)),
        4 => (1_i64..5, stage).prop_map(|(order, stage)| Move::Follow(order, stage)),
        2 => Just(Move::Sweep),
    ];
    prop::collection::vec(one, 1..60)
}

/// A cart with what a store would remember beside it.
struct Bench {
    cart: Cart,
    now: Timestamp,
    marks: [Option<OrderMark>; 5],
    taken: [Vec<OrderedLine>; 5],
    drawn: usize,
    expired: Vec<String>,
    checked_out: Vec<OrderId>,
    reminded: Vec<BTreeSet<String>>,
}

impl Bench {
    fn new() -> Self {
        let cart = Cart::empty(UserId::new(7).unwrap());
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (marks, taken) = ([None; 5], Default::default());
        Self { cart, now, marks, taken, drawn: 0, expired: vec![], checked_out: vec![], reminded: vec![] }
    }

    fn id(&mut self) -> String {
        self.drawn += 1;
        format!("item-{}", self.drawn)
    }

    fn nth(&self, index: usize) -> String {
        self.cart.items_at(self.now).nth(index).map_or_else(|| "none".to_owned(), |item| item.cart_item_id.clone())
    }

    fn act(&mut self, act: &Act, order: Option<usize>) {
        let mark = order.and_then(|order| self.marks[order]);
        let Ok(after) = self.cart.clone().after(act, mark, self.now, &TERMS) else { return };
        assert_eq!(after.is_changed, after.cart != self.cart);
        assert!(!after.is_changed || after.cart.version() > self.cart.version());
        self.cart = after.cart;
        if let Some(order) = order {
            self.marks[order] = after.mark;
        }
        self.note(after.effects);
        self.check();
    }

    fn note(&mut self, effects: Effects) {
        self.expired.extend(effects.expired.into_iter().map(|line| line.cart_item_id));
        self.checked_out.extend(effects.checked_out.map(|(order, _)| order));
        let ids = |(lines, _): (Vec<souk_events::CartLine>, Timestamp)| lines.into_iter().map(|line| line.cart_item_id);
        self.reminded.extend(effects.abandoned.map(|abandoned| ids(abandoned).collect()));
    }

    fn check(&self) {
        let items: Vec<_> = self.cart.contents().items().iter().collect();
        assert_eq!(items.len(), self.cart.items_at(self.now).count(), "an act leaves nothing that is over");
        let unique = |kind: fn(&Standing) -> bool| {
            let of_kind = items.iter().filter(|item| kind(&item.standing));
            let products: Vec<_> = of_kind.map(|item| item.product_id).collect();
            assert_eq!(products.iter().collect::<BTreeSet<_>>().len(), products.len(), "one for each product");
            products.len()
        };
        assert!(unique(|standing| matches!(standing, Standing::Active { .. })) <= MAX_ACTIVE);
        unique(|standing| matches!(standing, Standing::Purchased { .. }));
        let ids: BTreeSet<_> = items.iter().map(|item| &item.cart_item_id).collect();
        assert_eq!(ids.len(), items.len(), "ids are unique");
        for item in items {
            assert!((1..=99).contains(&item.quantity), "{item:?}");
            let longest = match item.standing {
                Standing::Active { until } => until.since(self.now) <= TERMS.active,
                Standing::Ordered { until, .. } => until.since(self.now) <= TERMS.ordered,
                Standing::Purchased { .. } => true,
            };
            assert!(longest, "{item:?}");
            assert!(!self.expired.contains(&item.cart_item_id), "what was told as over is gone");
        }
        let (told, sets) = (&self.expired, &self.reminded);
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "an expiry is told once");
        assert!(sets.windows(2).all(|pair| pair[0] != pair[1]), "the same items are not told of again");
        let orders = &self.checked_out;
        assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), orders.len(), "an order takes its lines once");
    }

    fn play(&mut self, step: &Move) {
        match *step {
            Move::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Move::Add(product, quantity) => {
                let item =
                    NewItem { cart_item_id: self.id(), product_id: product_id(product), name: "x".into(), quantity };
                self.act(&Act::Add { item, key: None }, None);
            }
            Move::Change(index, quantity) => {
                let cart_item_id = self.nth(index);
                self.act(&Act::Change { cart_item_id, quantity }, None);
            }
            Move::Remove(index) => {
                let cart_item_id = self.nth(index);
                self.act(&Act::Remove { cart_item_id }, None);
            }
            Move::Clear => self.act(&Act::Clear, None),
            Move::Absorb(product, quantity) => {
                let line =
                    GuestLine { cart_item_id: self.id(), product_id: product_id(product), name: "x".into(), quantity };
                self.act(&Act::Absorb(vec![line.clone()]), None);
                let once = self.cart.clone();
                self.act(&Act::Absorb(vec![line]), None);
                assert_eq!(self.cart, once, "a repeated merge changes nothing");
            }
            Move::Follow(order, stage) => self.follow(usize::try_from(order).unwrap(), stage),
            Move::Sweep => self.act(&Act::Sweep, None),
        }
    }

    fn follow(&mut self, order: usize, stage: Stage) {
        if self.taken[order].is_empty() {
            let lines = self.cart.guest_lines(self.now).into_iter().map(|line| OrderedLine {
                cart_item_id: line.cart_item_id,
                product_id: line.product_id,
                quantity: line.quantity,
                spare_id: String::new(),
            });
            self.taken[order] = lines.collect();
        }
        let mut lines = self.taken[order].clone();
        for line in &mut lines {
            line.spare_id = self.id();
        }
        let version = match stage {
            Stage::Placed => 1,
            Stage::Paid => 3,
            Stage::Cancelled => 4,
        };
        let order_id = OrderId::new(i64::try_from(order).unwrap()).unwrap();
        self.act(&Act::Follow(OrderStep { order_id, version, stage, lines }), Some(order));
    }
}

fn product_id(number: i64) -> ProductId {
    ProductId::new(number).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_rules_hold_whatever_happens(moves in moves()) {
        let mut bench = Bench::new();
        for step in &moves {
            let bought = bench.cart.contents().items().iter().filter(|item| item.standing.until().is_none()).count();
            bench.play(step);
            if matches!(step, Move::Wait(_) | Move::Sweep | Move::Add(..)) {
                let still = bench.cart.items_at(bench.now).filter(|item| item.standing.until().is_none()).count();
                prop_assert_eq!(still, bought, "time takes nothing that was bought");
            }
        }
    }

    #[test]
    fn a_sweep_has_something_to_do_exactly_from_when_it_is_due(moves in moves()) {
        let mut bench = Bench::new();
        for step in &moves {
            bench.play(step);
        }
        bench.act(&Act::Sweep, None);
        for _ in 0..20 {
            let Some(due) = bench.cart.due_at(&TERMS) else { break };
            prop_assert!(due > bench.now, "after a sweep nothing is due");
            let before = due.minus(Duration::from_millis(1));
            prop_assert!(!bench.cart.clone().after(&Act::Sweep, None, before, &TERMS).unwrap().is_changed);
            bench.now = due;
            let swept = bench.cart.clone();
            bench.act(&Act::Sweep, None);
            prop_assert!(bench.cart != swept);
        }
        prop_assert_eq!(bench.cart.due_at(&TERMS), None, "in the end only what was bought stays");
        prop_assert!(bench.cart.contents().items().iter().all(|item| item.standing.until().is_none()));
    }

    #[test]
    fn added_items_live_a_day_ordered_ones_a_week(product in 1_i64..9, quantity in 1_u32..99, wait in 0_u64..86_400) {
        let mut bench = Bench::new();
        bench.play(&Move::Add(product, quantity));
        let until = |bench: &Bench| bench.cart.contents().items()[0].standing.until();
        prop_assert_eq!(until(&bench), Some(bench.now.plus(TERMS.active)));
        bench.play(&Move::Wait(wait));
        bench.play(&Move::Change(0, quantity));
        prop_assert_eq!(until(&bench), Some(bench.now.plus(TERMS.active)));
        bench.play(&Move::Wait(wait));
        bench.follow(1, Stage::Placed);
        prop_assert_eq!(until(&bench), Some(bench.now.plus(TERMS.ordered)));
        bench.play(&Move::Wait(wait * 6));
        bench.follow(1, Stage::Paid);
        prop_assert_eq!(until(&bench), None);
        bench.follow(1, Stage::Cancelled);
        prop_assert_eq!(until(&bench), Some(bench.now.plus(TERMS.active)));
        prop_assert_eq!(bench.cart.contents().items()[0].quantity, quantity);
    }
}
