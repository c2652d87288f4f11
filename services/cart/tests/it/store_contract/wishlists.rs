//! The part of the contract that concerns wishlists and their alerts.

use std::sync::Arc;

use futures::future::join_all;
use souk_cart::{
    cart::{CartCommand, MAX_QUANTITY, NewItem, Refusal},
    product::{AlertKind, MAX_WISHES},
    store::{CartStore, StoreError, WishAlert},
};
use souk_events::WishlistBackInStock;
use souk_values::{Currency, Id, Money, UserId};

use crate::fixture::{Fixture, HOUR, euros, product, quantities, seen};

contract! {
    wishes_are_listed_newest_first
    a_wishlist_never_overflows
    an_alert_is_published_once
    users_to_alert_are_listed_in_pages
    an_existing_wish_is_always_found
    a_wish_moves_to_the_cart_once
}

async fn wishes_are_listed_newest_first(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.user();
    let now = fixture.now();
    for (number, hour) in [(1, 0_u32), (2, 2), (3, 1)] {
        store.add_wish(user, product(number), seen(1), now.plus(hour * HOUR)).await.unwrap();
    }
    store.add_wish(user, product(1), seen(9), now.plus(9 * HOUR)).await.unwrap();
    let listed: Vec<_> = store.wishes(user).await.unwrap().into_iter().map(|wish| wish.product_id).collect();
    assert_eq!(listed, [product(2), product(3), product(1)], "wishing again changes nothing");
    assert_eq!(store.wishes(user).await.unwrap()[2].added_at, now);
    store.remove_wish(user, product(3)).await.unwrap();
    let gone = store.remove_wish(user, product(3)).await;
    assert!(matches!(gone, Err(StoreError::Refused(Refusal::NotWished))), "{gone:?}");
    assert_eq!(store.wishes(user).await.unwrap().len(), 2);
    assert_eq!(store.wishes(fixture.user()).await.unwrap(), []);
}

async fn a_wishlist_never_overflows(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    let now = fixture.now();
    let most = i64::try_from(MAX_WISHES).unwrap();
    let wishes =
        (1..=most + 20).map(|n| stores[usize::try_from(n % 2).unwrap()].add_wish(user, product(n), seen(1), now));
    let done = join_all(wishes).await;
    let refused = done.iter().filter(|done| matches!(done, Err(StoreError::Refused(Refusal::TooManyWishes)))).count();
    assert_eq!((refused, stores[0].wishes(user).await.unwrap().len()), (20, 200));
    // Repeating a wish is possible on a full wishlist.
    let there = stores[0].wishes(user).await.unwrap()[0].product_id;
    stores[1].add_wish(user, there, seen(1), now).await.unwrap();
}

fn alert(fixture: &Fixture, user_id: UserId, revision: i64) -> WishAlert {
    let product_id = product(1);
    let price = Money::new(50, Currency::EUR);
    let event = WishlistBackInStock { user_id, product_id, name: "x".to_owned(), price, revision };
    WishAlert {
        user_id,
        product_id,
        kind: AlertKind::BackInStock,
        revision,
        envelope: fixture.stamper().stamp(&event).unwrap(),
    }
}

async fn an_alert_is_published_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    let now = fixture.now();
    stores[0].add_wish(user, product(1), seen(3), now).await.unwrap();
    let published = join_all((0..6_usize).map(|n| stores[n % 2].publish_alert(alert(&fixture, user, 5)))).await;
    assert_eq!(published.into_iter().filter(|published| *published.as_ref().unwrap()).count(), 1);
    assert!(!stores[0].publish_alert(alert(&fixture, user, 4)).await.unwrap(), "an older revision");
    assert!(
        !stores[0].publish_alert(alert(&fixture, fixture.user(), 9)).await.unwrap(),
        "the user does not wish for it"
    );
    assert!(stores[1].publish_alert(alert(&fixture, user, 6)).await.unwrap());
    stores[0].remove_wish(user, product(1)).await.unwrap();
    assert!(!stores[1].publish_alert(alert(&fixture, user, 7)).await.unwrap(), "the wish was removed");
    let revisions: Vec<i64> =
        fixture.unpublished::<WishlistBackInStock>().await.into_iter().map(|event| event.revision).collect();
    assert_eq!(revisions, [5, 6]);
}

async fn users_to_alert_are_listed_in_pages(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let now = fixture.now();
    let mut users: Vec<UserId> = (0..25).map(|_| fixture.user()).collect();
    // Ids of different lengths, which must not be sorted like texts.
    users.extend([9, 10, 1_000].map(|id| UserId::new(id).unwrap()));
    users.sort();
    join_all(users.iter().map(|user| store.add_wish(*user, product(1), seen(3), now))).await;
    store.add_wish(users[0], product(2), seen(1), now).await.unwrap();
    assert_eq!(all_to_alert(&store, 3).await, [], "the wishes are as new as revision 3");
    assert_eq!(all_to_alert(&store, 4).await, users);
    assert!(store.publish_alert(alert(&fixture, users[4], 4)).await.unwrap());
    store.remove_wish(users[7], product(1)).await.unwrap();
    store.remove_wish(users[8], product(1)).await.unwrap();
    store.add_wish(users[8], product(1), seen(4), now).await.unwrap();
    let left: Vec<UserId> = [&users[..4], &users[5..7], &users[9..]].concat();
    assert_eq!(all_to_alert(&store, 4).await, left);
    assert_eq!(
        store.users_to_alert(product(1), AlertKind::PriceDrop, 4, None, 100).await.unwrap().len(),
        left.len() + 1
    );
    assert!(all_to_alert(&store, 5).await.contains(&users[8]), "wished again, found again");
}

async fn all_to_alert(store: &Arc<dyn CartStore>, revision: i64) -> Vec<UserId> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.users_to_alert(product(1), AlertKind::BackInStock, revision, after, 4).await.unwrap();
        let Some(last) = page.last() else { return all };
        assert!(page.len() <= 4);
        after = Some(*last);
        all.extend(page);
    }
}

async fn an_existing_wish_is_always_found(fixture: Fixture) {
    let stores = fixture.replicas(3).await;
    let user = fixture.user();
    let now = fixture.now();
    let mut times_there = 0;
    let mut times_gone = 0;
    for round in 0..40_u64 {
        let acts = stores.iter().zip(0_u64..).map(|(store, n)| async move {
            if (round + n).is_multiple_of(3) {
                store.add_wish(user, product(1), seen(1), now).await.unwrap();
                drop(store.remove_wish(user, product(1)).await);
            } else {
                drop(store.remove_wish(user, product(1)).await);
                store.add_wish(user, product(1), seen(1), now).await.unwrap();
            }
        });
        join_all(acts).await;
        let there: Vec<UserId> = stores[0].wishes(user).await.unwrap().iter().map(|_| user).collect();
        assert_eq!(all_to_alert(&stores[1], 2).await, there, "round {round}");
        if there.is_empty() { times_gone += 1 } else { times_there += 1 }
    }
    assert!(times_there > 0, "gone {times_gone} times");
}

async fn a_wish_moves_to_the_cart_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    let now = fixture.now();
    stores[0].add_wish(user, product(1), seen(3), now).await.unwrap();
    let move_it = |n: usize| {
        let cart_item_id = fixture.ids.uuid().to_string();
        let item =
            NewItem { cart_item_id, product_id: product(1), name: "x".to_owned(), price: euros(100), quantity: 1 };
        fixture.execute(&stores[n % 2], user, CartCommand::AddFromWishlist(item))
    };
    let moved = join_all((0..4).map(move_it)).await;
    let refused = moved.iter().filter(|done| matches!(done, Err(StoreError::Refused(Refusal::NotWished)))).count();
    assert_eq!((refused, quantities(&stores[0].cart(user).await.unwrap())), (3, vec![(1, 1)]));
    assert_eq!(stores[1].wishes(user).await.unwrap(), []);
    fixture.execute(&stores[0], user, fixture.add(1, MAX_QUANTITY - 1)).await.unwrap();
    stores[0].add_wish(user, product(1), seen(3), now).await.unwrap();
    assert!(matches!(move_it(0).await, Err(StoreError::Refused(Refusal::QuantityTooLarge(100)))));
    assert_eq!(stores[1].wishes(user).await.unwrap().len(), 1, "both or neither");
}
