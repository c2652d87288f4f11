//! What every store promises, tried on each: a file, Redis, and Redis under a cluster's rules.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::future::join_all;
use souk_cart::{
    cart::{Act, MAX_QUANTITY, NewItem, Refusal, Stage},
    product::{MAX_WISHES, Notice, ProductNews},
    store::{CartStore, Occasion, StoreError, Telling},
};
use souk_events::{CartAbandoned, CartCheckedOut, CartExpired, WishlistBackInStock};
use souk_values::{Currency, Id, Money, UserId};
use uuid::Uuid;

use crate::place::{HOUR, Place, product, quantities};

macro_rules! contract {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Place::sqlite()).await;
            })*
        }

        mod on_redis {
            $(#[tokio::test]
            async fn $name() {
                if crate::engines_are_there() {
                    super::$name(super::Place::redis()).await;
                }
            })*
        }

        mod on_redis_with_cluster_rules {
            $(#[tokio::test]
            async fn $name() {
                if crate::engines_are_there() {
                    super::$name(super::Place::redis_with_cluster_rules().await).await;
                }
            })*
        }
    };
}

contract! {
    replicas_that_race_lose_nothing
    a_cause_has_its_effect_once
    a_refusal_leaves_nothing_behind
    an_order_takes_its_lines_once
    three_sweepers_tell_each_expiry_once
    three_sweepers_remind_once
    what_is_due_comes_oldest_first
    an_emptied_cart_leaves_nothing
    a_merge_is_repeatable
    copies_keep_the_highest_revision
    wishes_are_listed_newest_first
    a_wishlist_never_overflows
    a_wish_is_told_once
    who_may_be_told_is_found_in_pages
    a_wish_that_is_there_is_always_found
    a_wish_moves_to_the_cart_once
    what_is_not_confirmed_comes_again
    old_causes_are_forgotten
}

async fn replicas_that_race_lose_nothing(place: Place) {
    let (stores, user) = (place.replicas(2).await, place.user());
    let adds = (0..40_i64).map(|n| {
        let store = &stores[usize::try_from(n % 2).unwrap()];
        place.act(store, user, place.add(1 + n % 4, 1))
    });
    for done in join_all(adds).await {
        assert!(done.unwrap().is_applied);
    }
    let cart = stores[0].cart(user).await.unwrap();
    assert_eq!(quantities(&cart), [(1, 10), (2, 10), (3, 10), (4, 10)]);
    assert_eq!(stores[1].active_carts().await.unwrap(), 1);
}

async fn a_cause_has_its_effect_once(place: Place) {
    let (stores, user, cause) = (place.replicas(2).await, place.user(), Some(place.cause()));
    let acts = (0..6_usize).map(|n| {
        let occasion = Occasion { cause, ..place.occasion(place.now()) };
        stores[n % 2].act(user, place.add(1, 1), occasion)
    });
    let applied = join_all(acts).await.into_iter().filter(|done| done.as_ref().unwrap().is_applied).count();
    assert_eq!(applied, 1);
    assert_eq!(quantities(&stores[0].cart(user).await.unwrap()), [(1, 1)]);
    // A cause without effect is remembered too.
    let cause = Some(place.cause());
    let clear = Occasion { cause, ..place.occasion(place.now()) };
    let other = place.user();
    assert!(!stores[0].act(other, Act::Clear, clear.clone()).await.unwrap().is_applied);
    assert!(!stores[1].act(other, place.add(1, 1), clear).await.unwrap().is_applied);
}

async fn a_refusal_leaves_nothing_behind(place: Place) {
    let (store, _) = place.open().await;
    let user = place.shopper(&store).await;
    let before = store.cart(user).await.unwrap();
    let because = Occasion { cause: Some(place.cause()), ..place.occasion(place.now()) };
    let refused = store.act(user, place.add(1, MAX_QUANTITY), because.clone()).await;
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::QuantityTooLarge(100)))), "{refused:?}");
    assert_eq!(store.cart(user).await.unwrap(), before);
    assert!(store.act(user, place.add(1, 1), because).await.unwrap().is_applied, "its cause was not remembered");
}

async fn an_order_takes_its_lines_once(place: Place) {
    let (stores, order) = (place.replicas(2).await, place.ids.next());
    let user = place.shopper(&stores[0]).await;
    let cart = stores[0].cart(user).await.unwrap();
    let calls = (0..6_usize).map(|n| {
        let cause = (n > 2).then(|| place.cause());
        let occasion = Occasion { cause, ..place.occasion(place.now()) };
        stores[n % 2].act(user, place.follow(&cart, order, Stage::Placed), occasion)
    });
    let applied = join_all(calls).await.into_iter().filter(|done| done.as_ref().unwrap().effects.made_ordered > 0);
    assert_eq!(applied.count(), 1);
    assert_eq!(place.waiting::<CartCheckedOut>().await.len(), 1);
    // Told late, after the end: the mark knows.
    place.act(&stores[1], user, place.follow(&cart, order, Stage::Cancelled)).await.unwrap();
    let late = place.act(&stores[0], user, place.follow(&cart, order, Stage::Paid)).await.unwrap();
    assert_eq!((late.is_applied, quantities(&late.cart)), (false, vec![(1, 1)]));
    let facts = souk_cart::audit::read(&place.url).await.unwrap();
    assert_eq!((facts.carts, facts.items, facts.ordered_items, facts.outbox_pending), (1, 1, vec![], 1));
}

/// What three replicas do at `now`, all at the same time.
async fn sweep_thrice(place: &Place, now: souk_values::Timestamp) {
    let stores = place.replicas(3).await;
    let sweeping = stores.iter().map(|store| async move {
        loop {
            let due = store.due(now, 7).await.unwrap();
            if due.users.is_empty() {
                return;
            }
            for user in due.users {
                store.act(user, Act::Sweep, place.occasion(now)).await.unwrap();
            }
        }
    });
    join_all(sweeping).await;
}

async fn three_sweepers_tell_each_expiry_once(place: Place) {
    let (store, _) = place.open().await;
    let users = join_all((0..60).map(|_| place.shopper(&store))).await;
    sweep_thrice(&place, place.now().plus(25 * HOUR)).await;
    let told: Vec<UserId> = place.waiting::<CartExpired>().await.into_iter().map(|event| event.user_id).collect();
    assert_eq!(told.len(), 60);
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), users.into_iter().collect());
    assert_eq!(store.active_carts().await.unwrap(), 0);
    assert_eq!(souk_cart::audit::read(&place.url).await.unwrap().carts, 0);
}

async fn three_sweepers_remind_once(place: Place) {
    let (store, _) = place.open().await;
    join_all((0..30).map(|_| place.shopper(&store))).await;
    sweep_thrice(&place, place.now().plus(21 * HOUR)).await;
    assert_eq!(place.waiting::<CartAbandoned>().await.len(), 0, "too early");
    for hours in [23, 23] {
        sweep_thrice(&place, place.now().plus(hours * HOUR)).await;
    }
    let told: BTreeSet<UserId> =
        place.waiting::<CartAbandoned>().await.into_iter().map(|event| event.user_id).collect();
    assert_eq!((told.len(), place.waiting::<CartAbandoned>().await.len()), (30, 30));
    assert_eq!((store.active_carts().await.unwrap(), place.waiting::<CartExpired>().await.len()), (30, 0));
}

async fn what_is_due_comes_oldest_first(place: Place) {
    let ((store, _), begin) = (place.open().await, place.now());
    assert_eq!(store.due(begin, 10).await.unwrap().next, None);
    let mut users = Vec::new();
    for hour in [2_u32, 0, 1] {
        let user = place.user();
        store.act(user, place.add(1, 1), place.occasion(begin.plus(hour * HOUR))).await.unwrap();
        users.push(user);
    }
    let early = store.due(begin.plus(21 * HOUR), 10).await.unwrap();
    assert_eq!((early.users, early.next), (vec![], Some(begin.plus(22 * HOUR))));
    let due = store.due(begin.plus(30 * HOUR), 10).await.unwrap();
    assert_eq!((due.users, due.next), (vec![users[1], users[2], users[0]], None));
    assert_eq!(store.due(begin.plus(30 * HOUR), 2).await.unwrap().users, [users[1], users[2]]);
    assert_eq!(store.due(begin.plus(22 * HOUR), 10).await.unwrap().users, [users[1]]);
}

async fn an_emptied_cart_leaves_nothing(place: Place) {
    let (store, _) = place.open().await;
    let user = place.shopper(&store).await;
    let full = store.cart(user).await.unwrap();
    place.act(&store, user, Act::Clear).await.unwrap();
    assert_eq!(store.cart(user).await.unwrap().contents().items(), []);
    let due = store.due(place.now().plus(100 * HOUR), 10).await.unwrap();
    assert_eq!((due.users, due.next, store.active_carts().await.unwrap()), (vec![], None, 0));
    assert_eq!(souk_cart::audit::read(&place.url).await.unwrap(), souk_cart::audit::Facts::default());
    let again = place.act(&store, user, place.add(2, 1)).await.unwrap();
    assert!(again.cart.version() >= full.version(), "consumers see the version grow");
}

async fn a_merge_is_repeatable(place: Place) {
    let stores = place.replicas(2).await;
    let (guest, user) = (place.shopper(&stores[0]).await, place.shopper(&stores[1]).await);
    place.act(&stores[0], guest, place.add(2, 3)).await.unwrap();
    let lines = stores[0].cart(guest).await.unwrap().guest_lines(place.now());
    let merges = (0..6_usize).map(|n| {
        let (store, lines) = (&stores[n % 2], lines.clone());
        async {
            let done = place.act(store, user, Act::Absorb(lines)).await.unwrap();
            place.act(store, guest, Act::Leave(done.effects.absorbed)).await.unwrap();
        }
    });
    join_all(merges).await;
    assert_eq!(quantities(&stores[0].cart(user).await.unwrap()), [(1, 2), (2, 3)]);
    assert_eq!(stores[1].cart(guest).await.unwrap().contents().items(), []);
}

fn news(revision: i64) -> ProductNews {
    let price = Money::new(100 + revision, Currency::EUR);
    let name = format!("At {revision}");
    ProductNews { product_id: product(1), name, price, stock: revision, hidden: false, revision, is_back: false }
}

async fn copies_keep_the_highest_revision(place: Place) {
    let stores = place.replicas(2).await;
    // 7 has no factor in common with 31: every revision comes once, in no order.
    let revisions = (1..=30_i64).map(|n| n * 7 % 31);
    join_all(revisions.map(|revision| stores[usize::try_from(revision % 2).unwrap()].learn(news(revision)))).await;
    let known = stores[0].products(&[product(1), product(2)]).await.unwrap();
    let copy = &known[&product(1)];
    assert_eq!((known.len(), copy.revision, copy.stock, copy.name.as_str()), (1, 30, 30, "At 30"));
    assert_eq!((copy.price.minor, copy.price_revision), (130, 30));
    let (same, is_new) = stores[1].learn(news(4)).await.unwrap();
    assert_eq!((&same, is_new), (copy, false));
    assert_eq!(stores[1].products(&[]).await.unwrap().len(), 0);
}

async fn wishes_are_listed_newest_first(place: Place) {
    let ((store, _), user, now) = (place.open().await, place.user(), place.now());
    for (number, hour) in [(1, 0_u32), (2, 2), (3, 1)] {
        store.wish(user, product(number), 1, now.plus(hour * HOUR)).await.unwrap();
    }
    store.wish(user, product(1), 9, now.plus(9 * HOUR)).await.unwrap();
    let listed: Vec<_> = store.wishes(user).await.unwrap().into_iter().map(|wish| wish.product_id).collect();
    assert_eq!(listed, [product(2), product(3), product(1)], "wishing again changes nothing");
    assert_eq!(store.wishes(user).await.unwrap()[2].added_at, now);
    store.unwish(user, product(3)).await.unwrap();
    let gone = store.unwish(user, product(3)).await;
    assert!(matches!(gone, Err(StoreError::Refused(Refusal::NotWished))), "{gone:?}");
    assert_eq!(store.wishes(user).await.unwrap().len(), 2);
    assert_eq!(store.wishes(place.user()).await.unwrap(), []);
}

async fn a_wishlist_never_overflows(place: Place) {
    let (stores, user, now) = (place.replicas(2).await, place.user(), place.now());
    let most = i64::try_from(MAX_WISHES).unwrap();
    let wishes = (1..=most + 20).map(|n| stores[usize::try_from(n % 2).unwrap()].wish(user, product(n), 1, now));
    let done = join_all(wishes).await;
    let refused = done.iter().filter(|done| matches!(done, Err(StoreError::Refused(Refusal::TooManyWishes)))).count();
    assert_eq!((refused, stores[0].wishes(user).await.unwrap().len()), (20, 200));
    // One of those that are there already is no wish too many.
    let there = stores[0].wishes(user).await.unwrap()[0].product_id;
    stores[1].wish(user, there, 1, now).await.unwrap();
}

fn telling(place: &Place, user_id: UserId, revision: i64) -> Telling {
    let (product_id, price) = (product(1), Money::new(50, Currency::EUR));
    let event = WishlistBackInStock { user_id, product_id, name: "x".to_owned(), price, revision };
    Telling { user_id, product_id, notice: Notice::Back, revision, envelope: place.stamper().stamp(&event).unwrap() }
}

async fn a_wish_is_told_once(place: Place) {
    let (stores, user, now) = (place.replicas(2).await, place.user(), place.now());
    stores[0].wish(user, product(1), 3, now).await.unwrap();
    let told = join_all((0..6_usize).map(|n| stores[n % 2].tell(telling(&place, user, 5)))).await;
    assert_eq!(told.into_iter().filter(|told| *told.as_ref().unwrap()).count(), 1);
    assert!(!stores[0].tell(telling(&place, user, 4)).await.unwrap(), "older than what was told");
    assert!(!stores[0].tell(telling(&place, place.user(), 9)).await.unwrap(), "does not wish for it");
    assert!(stores[1].tell(telling(&place, user, 6)).await.unwrap());
    stores[0].unwish(user, product(1)).await.unwrap();
    assert!(!stores[1].tell(telling(&place, user, 7)).await.unwrap(), "wishes no more");
    let told: Vec<i64> = place.waiting::<WishlistBackInStock>().await.into_iter().map(|event| event.revision).collect();
    assert_eq!(told, [5, 6]);
}

async fn who_may_be_told_is_found_in_pages(place: Place) {
    let ((store, _), now) = (place.open().await, place.now());
    let mut users: Vec<UserId> = (0..25).map(|_| place.user()).collect();
    // Ids of different lengths, which must not be sorted like texts.
    users.extend([9, 10, 1_000].map(|id| UserId::new(id).unwrap()));
    users.sort();
    join_all(users.iter().map(|user| store.wish(*user, product(1), 3, now))).await;
    store.wish(users[0], product(2), 1, now).await.unwrap();
    assert_eq!(all_untold(&store, 3).await, [], "they know revision 3");
    assert_eq!(all_untold(&store, 4).await, users);
    assert!(store.tell(telling(&place, users[4], 4)).await.unwrap());
    store.unwish(users[7], product(1)).await.unwrap();
    store.unwish(users[8], product(1)).await.unwrap();
    store.wish(users[8], product(1), 4, now).await.unwrap();
    let left: Vec<UserId> = [&users[..4], &users[5..7], &users[9..]].concat();
    assert_eq!(all_untold(&store, 4).await, left);
    assert_eq!(store.untold(product(1), (Notice::PriceDrop, 4), None, 100).await.unwrap().len(), left.len() + 1);
    assert!(all_untold(&store, 5).await.contains(&users[8]), "wished again, found again");
}

async fn all_untold(store: &Arc<dyn CartStore>, revision: i64) -> Vec<UserId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.untold(product(1), (Notice::Back, revision), after, 4).await.unwrap();
        let Some(last) = page.last() else { return all };
        assert!(page.len() <= 4);
        after = Some(*last);
        all.extend(page);
    }
}

async fn a_wish_that_is_there_is_always_found(place: Place) {
    let (stores, user, now) = (place.replicas(3).await, place.user(), place.now());
    let (mut times_there, mut times_gone) = (0, 0);
    for round in 0..40_u64 {
        let acts = stores.iter().zip(0_u64..).map(|(store, n)| async move {
            if (round + n).is_multiple_of(3) {
                store.wish(user, product(1), 1, now).await.unwrap();
                drop(store.unwish(user, product(1)).await);
            } else {
                drop(store.unwish(user, product(1)).await);
                store.wish(user, product(1), 1, now).await.unwrap();
            }
        });
        join_all(acts).await;
        let there: Vec<UserId> = stores[0].wishes(user).await.unwrap().iter().map(|_| user).collect();
        assert_eq!(all_untold(&stores[1], 2).await, there, "round {round}");
        if there.is_empty() { times_gone += 1 } else { times_there += 1 }
    }
    assert!(times_there > 0, "gone {times_gone} times");
}

async fn a_wish_moves_to_the_cart_once(place: Place) {
    let (stores, user, now) = (place.replicas(2).await, place.user(), place.now());
    stores[0].wish(user, product(1), 3, now).await.unwrap();
    let move_it = |n: usize| {
        let cart_item_id = place.ids.uuid().to_string();
        let item = NewItem { cart_item_id, product_id: product(1), name: "x".to_owned(), quantity: 1 };
        place.act(&stores[n % 2], user, Act::AddWished(item))
    };
    let moved = join_all((0..4).map(move_it)).await;
    let refused = moved.iter().filter(|done| matches!(done, Err(StoreError::Refused(Refusal::NotWished)))).count();
    assert_eq!((refused, quantities(&stores[0].cart(user).await.unwrap())), (3, vec![(1, 1)]));
    assert_eq!(stores[1].wishes(user).await.unwrap(), []);
    place.act(&stores[0], user, place.add(1, MAX_QUANTITY - 1)).await.unwrap();
    stores[0].wish(user, product(1), 3, now).await.unwrap();
    assert!(matches!(move_it(0).await, Err(StoreError::Refused(Refusal::QuantityTooLarge(100)))));
    assert_eq!(stores[1].wishes(user).await.unwrap().len(), 1, "both or neither");
}

async fn what_is_not_confirmed_comes_again(place: Place) {
    let (store, outbox) = place.open().await;
    let users = join_all((0..30).map(|_| place.shopper(&store))).await;
    assert_eq!(outbox.claim(100).await.unwrap().envelopes().len(), 0);
    let expired = place.now().plus(25 * HOUR);
    join_all(users.iter().map(|user| store.act(*user, Act::Sweep, place.occasion(expired)))).await;
    tokio::time::timeout(Duration::from_secs(5), outbox.written()).await.expect("a relay is woken");
    let backlog = outbox.backlog().await.unwrap();
    assert_eq!(backlog.pending, 30);
    assert!(backlog.oldest.is_some_and(|oldest| oldest <= place.now()));
    let mut published = BTreeSet::new();
    for round in 0..100 {
        let claim = outbox.claim(7).await.unwrap();
        let ids: Vec<Uuid> = claim.envelopes().iter().map(|envelope| envelope.id).collect();
        assert!(ids.len() <= 7);
        match (ids.is_empty(), round % 3) {
            (true, _) => break,
            // The transport was away.
            (_, 0) => drop(claim),
            // It took charge of one.
            (_, 1) => {
                claim.confirm(&ids[..1]).await.unwrap();
                assert!(published.insert(ids[0]), "what was confirmed never comes again");
            }
            _ => {
                claim.confirm(&ids).await.unwrap();
                assert!(ids.iter().all(|id| published.insert(*id)), "what was confirmed never comes again");
            }
        }
    }
    assert_eq!((published.len(), outbox.backlog().await.unwrap().pending), (30, 0));
    assert_eq!(souk_cart::audit::unpublished(&place.url).await.unwrap(), []);
}

async fn old_causes_are_forgotten(place: Place) {
    let ((store, _), user, now) = (place.open().await, place.user(), place.now());
    let cause = Some(place.cause());
    let act = |at| store.act(user, place.add(1, 1), Occasion { cause, ..place.occasion(at) });
    assert!(act(now).await.unwrap().is_applied);
    store.forget_old(now.plus(29 * 24 * HOUR)).await.unwrap();
    assert!(!act(now).await.unwrap().is_applied);
    store.forget_old(now.plus(31 * 24 * HOUR)).await.unwrap();
    assert!(act(now).await.unwrap().is_applied);
}
