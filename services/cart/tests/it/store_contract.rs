//! The contract of a store, run on each: SQLite, Redis, and Redis under a cluster's rules.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use souk_cart::{
    cart::{CartCommand, MAX_QUANTITY, OrderStage, Refusal},
    product::ProductUpdate,
    store::{CommandContext, StoreError},
};
use souk_events::{CartAbandoned, CartCheckedOut, CartExpired};
use souk_testkit::eventually;
use souk_values::{Currency, Money, UserId};
use uuid::Uuid;

use crate::fixture::{Fixture, HOUR, product, quantities};

macro_rules! contract {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Fixture::sqlite()).await;
            })*
        }

        mod on_redis {
            $(#[tokio::test]
            async fn $name() {
                if crate::has_engines() {
                    super::$name(super::Fixture::redis()).await;
                }
            })*
        }

        mod on_redis_with_cluster_rules {
            $(#[tokio::test]
            async fn $name() {
                if crate::has_engines() {
                    super::$name(super::Fixture::redis_with_cluster_rules().await).await;
                }
            })*
        }
    };
}

mod purchases;
mod wishlists;

contract! {
    replicas_that_race_lose_nothing
    a_cause_has_its_effect_once
    a_refusal_leaves_nothing_behind
    an_order_takes_its_lines_once
    three_replicas_publish_each_expiry_once
    three_replicas_remind_once
    due_carts_are_listed_longest_overdue_first
    an_emptied_cart_leaves_nothing
    a_merge_is_repeatable
    copies_keep_the_highest_revision
    unconfirmed_events_are_claimed_again
    old_causes_are_purged
    old_orders_are_forgotten
    a_job_runs_once_over_all_replicas
}

async fn replicas_that_race_lose_nothing(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    let adds = (0..40_i64).map(|n| {
        let store = &stores[usize::try_from(n % 2).unwrap()];
        fixture.execute(store, user, fixture.add(1 + n % 4, 1))
    });
    for done in join_all(adds).await {
        assert!(done.unwrap().is_applied);
    }
    let cart = stores[0].cart(user).await.unwrap();
    assert_eq!(quantities(&cart), [(1, 10), (2, 10), (3, 10), (4, 10)]);
    assert_eq!(stores[1].count_active_carts().await.unwrap(), 1);
}

async fn a_cause_has_its_effect_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    let cause = Some(fixture.cause());
    let acts = (0..6_usize).map(|n| {
        let context = CommandContext { cause, ..fixture.context(fixture.now()) };
        stores[n % 2].execute(user, fixture.add(1, 1), context)
    });
    let applied = join_all(acts).await.into_iter().filter(|done| done.as_ref().unwrap().is_applied).count();
    assert_eq!(applied, 1);
    assert_eq!(quantities(&stores[0].cart(user).await.unwrap()), [(1, 1)]);
    // A cause without effect is recorded too.
    let cause = Some(fixture.cause());
    let clear = CommandContext { cause, ..fixture.context(fixture.now()) };
    let other = fixture.user();
    assert!(!stores[0].execute(other, CartCommand::Clear, clear.clone()).await.unwrap().is_applied);
    assert!(!stores[1].execute(other, fixture.add(1, 1), clear).await.unwrap().is_applied);
}

async fn a_refusal_leaves_nothing_behind(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.shopper(&store).await;
    let before = store.cart(user).await.unwrap();
    let because = CommandContext { cause: Some(fixture.cause()), ..fixture.context(fixture.now()) };
    let refused = store.execute(user, fixture.add(1, MAX_QUANTITY), because.clone()).await;
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::QuantityTooLarge(100)))), "{refused:?}");
    assert_eq!(store.cart(user).await.unwrap(), before);
    assert!(store.execute(user, fixture.add(1, 1), because).await.unwrap().is_applied, "its cause was not recorded");
}

async fn an_order_takes_its_lines_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let order = fixture.ids.next();
    let user = fixture.shopper(&stores[0]).await;
    let cart = stores[0].cart(user).await.unwrap();
    let calls = (0..6_usize).map(|n| {
        let cause = (n > 2).then(|| fixture.cause());
        let context = CommandContext { cause, ..fixture.context(fixture.now()) };
        stores[n % 2].execute(user, fixture.follow(&cart, order, OrderStage::Placed), context)
    });
    let applied = join_all(calls).await.into_iter().filter(|done| done.as_ref().unwrap().effects.made_ordered > 0);
    assert_eq!(applied.count(), 1);
    assert_eq!(fixture.unpublished::<CartCheckedOut>().await.len(), 1);
    // A late step of a cancelled order has no effect.
    fixture.execute(&stores[1], user, fixture.follow(&cart, order, OrderStage::Cancelled)).await.unwrap();
    let late = fixture.execute(&stores[0], user, fixture.follow(&cart, order, OrderStage::Paid)).await.unwrap();
    assert_eq!((late.is_applied, quantities(&late.cart)), (false, vec![(1, 1)]));
    let facts = souk_cart::audit::read(&fixture.url).await.unwrap();
    assert_eq!((facts.carts, facts.items, facts.ordered_items, facts.outbox_pending), (1, 1, vec![], 1));
}

/// Expires what is due at `now` in three replicas concurrently.
async fn expire_in_three_replicas(fixture: &Fixture, now: souk_values::Timestamp) {
    let stores = fixture.replicas(3).await;
    let expiring = stores.iter().map(|store| async move {
        loop {
            let due = store.due_carts(now, 7).await.unwrap();
            if due.users.is_empty() {
                return;
            }
            for user in due.users {
                store.execute(user, CartCommand::Expire, fixture.context(now)).await.unwrap();
            }
        }
    });
    join_all(expiring).await;
}

async fn three_replicas_publish_each_expiry_once(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let users = join_all((0..60).map(|_| fixture.shopper(&store))).await;
    expire_in_three_replicas(&fixture, fixture.now().plus(25 * HOUR)).await;
    let expired: Vec<UserId> =
        fixture.unpublished::<CartExpired>().await.into_iter().map(|event| event.user_id).collect();
    assert_eq!(expired.len(), 60);
    assert_eq!(expired.into_iter().collect::<BTreeSet<_>>(), users.into_iter().collect());
    assert_eq!(store.count_active_carts().await.unwrap(), 0);
    assert_eq!(souk_cart::audit::read(&fixture.url).await.unwrap().carts, 0);
}

async fn three_replicas_remind_once(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    join_all((0..30).map(|_| fixture.shopper(&store))).await;
    expire_in_three_replicas(&fixture, fixture.now().plus(21 * HOUR)).await;
    assert_eq!(fixture.unpublished::<CartAbandoned>().await.len(), 0, "too early");
    for hours in [23, 23] {
        expire_in_three_replicas(&fixture, fixture.now().plus(hours * HOUR)).await;
    }
    let reminded: BTreeSet<UserId> =
        fixture.unpublished::<CartAbandoned>().await.into_iter().map(|event| event.user_id).collect();
    assert_eq!((reminded.len(), fixture.unpublished::<CartAbandoned>().await.len()), (30, 30));
    assert_eq!((store.count_active_carts().await.unwrap(), fixture.unpublished::<CartExpired>().await.len()), (30, 0));
}

async fn due_carts_are_listed_longest_overdue_first(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let begin = fixture.now();
    assert_eq!(store.due_carts(begin, 10).await.unwrap().next, None);
    let mut users = Vec::new();
    for hour in [2_u32, 0, 1] {
        let user = fixture.user();
        store.execute(user, fixture.add(1, 1), fixture.context(begin.plus(hour * HOUR))).await.unwrap();
        users.push(user);
    }
    let early = store.due_carts(begin.plus(21 * HOUR), 10).await.unwrap();
    assert_eq!((early.users, early.next), (vec![], Some(begin.plus(22 * HOUR))));
    let due = store.due_carts(begin.plus(30 * HOUR), 10).await.unwrap();
    assert_eq!((due.users, due.next), (vec![users[1], users[2], users[0]], None));
    assert_eq!(store.due_carts(begin.plus(30 * HOUR), 2).await.unwrap().users, [users[1], users[2]]);
    assert_eq!(store.due_carts(begin.plus(22 * HOUR), 10).await.unwrap().users, [users[1]]);
}

async fn an_emptied_cart_leaves_nothing(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.shopper(&store).await;
    let full = store.cart(user).await.unwrap();
    fixture.execute(&store, user, CartCommand::Clear).await.unwrap();
    assert_eq!(store.cart(user).await.unwrap().contents().items(), []);
    let due = store.due_carts(fixture.now().plus(100 * HOUR), 10).await.unwrap();
    assert_eq!((due.users, due.next, store.count_active_carts().await.unwrap()), (vec![], None, 0));
    assert_eq!(souk_cart::audit::read(&fixture.url).await.unwrap(), souk_cart::audit::CartAuditFacts::default());
    let again = fixture.execute(&store, user, fixture.add(2, 1)).await.unwrap();
    assert!(again.cart.version() >= full.version(), "consumers see the version grow");
}

async fn a_merge_is_repeatable(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let guest = fixture.shopper(&stores[0]).await;
    let user = fixture.shopper(&stores[1]).await;
    fixture.execute(&stores[0], guest, fixture.add(2, 3)).await.unwrap();
    let lines = stores[0].cart(guest).await.unwrap().guest_lines(fixture.now());
    let merges = (0..6_usize).map(|n| {
        let store = &stores[n % 2];
        let lines = lines.clone();
        async {
            let done = fixture.execute(store, user, CartCommand::Merge(lines)).await.unwrap();
            fixture.execute(store, guest, CartCommand::RemoveMerged(done.effects.merged)).await.unwrap();
        }
    });
    join_all(merges).await;
    assert_eq!(quantities(&stores[0].cart(user).await.unwrap()), [(1, 2), (2, 3)]);
    assert_eq!(stores[1].cart(guest).await.unwrap().contents().items(), []);
}

fn update(revision: i64) -> ProductUpdate {
    let price = Money::new(100 + revision, Currency::EUR);
    let name = format!("At {revision}");
    ProductUpdate {
        product_id: product(1),
        name,
        price,
        stock: revision,
        hidden: false,
        link: None,
        revision,
        is_back: false,
    }
}

async fn copies_keep_the_highest_revision(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    // 7 and 31 have no common factor: every revision comes once, shuffled.
    let revisions = (1..=30_i64).map(|n| n * 7 % 31);
    join_all(revisions.map(|revision| stores[usize::try_from(revision % 2).unwrap()].update_product(update(revision))))
        .await;
    let known = stores[0].known_products(&[product(1), product(2)]).await.unwrap();
    let copy = &known[&product(1)];
    assert_eq!((known.len(), copy.revision, copy.stock, copy.name.as_str()), (1, 30, 30, "At 30"));
    assert_eq!((copy.price.minor, copy.price_revision), (130, 30));
    let (same, is_new) = stores[1].update_product(update(4)).await.unwrap();
    assert_eq!((&same, is_new), (copy, false));
    assert_eq!(stores[1].known_products(&[]).await.unwrap().len(), 0);
}

async fn unconfirmed_events_are_claimed_again(fixture: Fixture) {
    let (store, outbox) = fixture.open().await;
    let users = join_all((0..30).map(|_| fixture.shopper(&store))).await;
    assert_eq!(outbox.claim(100).await.unwrap().envelopes().len(), 0);
    let expired = fixture.now().plus(25 * HOUR);
    join_all(users.iter().map(|user| store.execute(*user, CartCommand::Expire, fixture.context(expired)))).await;
    tokio::time::timeout(Duration::from_secs(5), outbox.written()).await.expect("a relay is woken");
    let backlog = outbox.backlog().await.unwrap();
    assert_eq!(backlog.pending, 30);
    assert!(backlog.oldest.is_some_and(|oldest| oldest <= fixture.now()));
    let mut published = BTreeSet::new();
    for round in 0..100 {
        let claim = outbox.claim(7).await.unwrap();
        let ids: Vec<Uuid> = claim.envelopes().iter().map(|envelope| envelope.id).collect();
        assert!(ids.len() <= 7);
        match (ids.is_empty(), round % 3) {
            (true, _) => break,
            // The transport was unavailable.
            (_, 0) => drop(claim),
            // The transport accepted one event.
            (_, 1) => {
                claim.confirm(&ids[..1]).await.unwrap();
                assert!(published.insert(ids[0]), "a confirmed event is never claimed again");
            }
            _ => {
                claim.confirm(&ids).await.unwrap();
                assert!(ids.iter().all(|id| published.insert(*id)), "a confirmed event is never claimed again");
            }
        }
    }
    assert_eq!(published.len(), 30);
    // On a file the rows are removed with the next transactions.
    eventually("no event is counted", || async { outbox.backlog().await.unwrap().pending == 0 }).await;
    let unpublished = || souk_cart::audit::unpublished(&fixture.url, 10_000);
    eventually("no event is left", || async { unpublished().await.unwrap().is_empty() }).await;
}

async fn old_causes_are_purged(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.user();
    let now = fixture.now();
    let cause = Some(fixture.cause());
    let act = |at| store.execute(user, fixture.add(1, 1), CommandContext { cause, ..fixture.context(at) });
    assert!(act(now).await.unwrap().is_applied);
    // On Redis, whose memory they take, for as long as other marks do not recognize a duplicate: three days.
    store.purge_inbox(now.plus(2 * 24 * HOUR)).await.unwrap();
    assert!(!act(now).await.unwrap().is_applied);
    store.purge_inbox(now.plus(31 * 24 * HOUR)).await.unwrap();
    assert!(act(now).await.unwrap().is_applied);
}

async fn old_orders_are_forgotten(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.shopper(&store).await;
    let cart = store.cart(user).await.unwrap();
    let (old, new) = (fixture.ids.next(), fixture.ids.next());
    let place = async |order, at| {
        let placed = store.execute(user, fixture.follow(&cart, order, OrderStage::Placed), fixture.context(at)).await;
        placed.unwrap().is_applied
    };
    let now = fixture.now();
    assert!(place(old, now).await && !place(old, now).await);
    store.purge_orders(now.plus(89 * 24 * HOUR)).await.unwrap();
    assert!(!place(old, now).await, "an order is known for 90 days");
    let later = now.plus(91 * 24 * HOUR);
    store.purge_orders(later).await.unwrap();
    assert!(place(new, later).await);
    assert!(place(old, later).await, "it is no longer known");
}

async fn a_job_runs_once_over_all_replicas(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let now = fixture.now();
    for at in [now, now.plus(HOUR), now.plus(2 * HOUR)] {
        let claims = (0..8_usize).map(|number| stores[number % 2].claim_job("purge", at, HOUR));
        let claimed = join_all(claims).await.into_iter().filter(|claimed| *claimed.as_ref().unwrap()).count();
        assert_eq!(claimed, 1);
    }
    let early = now.plus(2 * HOUR).plus(Duration::from_secs(3_599));
    assert!(!stores[0].claim_job("purge", early, HOUR).await.unwrap());
    assert!(stores[0].claim_job("other", early, HOUR).await.unwrap());
    assert!(stores[1].claim_job("purge", now, Duration::from_secs(60)).await.unwrap(), "a clock was wrong");
}
