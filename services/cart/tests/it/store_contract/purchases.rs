//! Purchased items: a page of them at a time, each changed by one command.

use souk_cart::cart::Item;
use souk_values::{Id, PageRequest, page::Cursor};

use super::*;

contract! {
    purchases_are_listed_latest_first
    a_product_bought_again_is_one_item
    a_cancelled_order_takes_its_units_back_once
    a_purchased_item_is_removed_once
}

/// Buys one unit of each of `products` for `user`, `hours` after the beginning. Returns the order's last step as a command.
async fn buy(fixture: &Fixture, user: UserId, products: &[i64], hours: u32) -> CartCommand {
    let (store, _) = fixture.open().await;
    let context = fixture.context(fixture.now().plus(hours * HOUR));
    for product in products {
        store.execute(user, fixture.add(*product, 1), context.clone()).await.unwrap();
    }
    let cart = store.cart(user).await.unwrap();
    let order = fixture.ids.next();
    for stage in [OrderStage::Placed, OrderStage::Paid] {
        store.execute(user, fixture.follow(&cart, order, stage), context.clone()).await.unwrap();
    }
    fixture.follow(&cart, order, OrderStage::Cancelled)
}

fn products(items: &[Item]) -> Vec<(i64, u32)> {
    items.iter().map(|item| (item.product_id.get(), item.quantity)).collect()
}

async fn purchases_are_listed_latest_first(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let (user, other) = (fixture.user(), fixture.user());
    buy(&fixture, other, &[8], 0).await;
    for (hours, bought) in [(1, [1, 2, 3]), (2, [4, 5, 6]), (3, [7, 8, 9])] {
        buy(&fixture, user, &bought, hours).await;
    }
    let expected: Vec<(i64, u32)> = (1..=9).rev().map(|product| (product, 1)).collect();
    assert_eq!(products(&store.latest_purchases(user, 4).await.unwrap()), expected[..4]);
    let mut all = Vec::new();
    let mut request = PageRequest::numbered(0, 2);
    loop {
        let page = store.purchases(user, request).await.unwrap();
        assert_eq!((page.total, page.total_is_exact), (9, true));
        all.extend(products(&page.items));
        let Some(next) = page.next else { break };
        request.after = Some(next);
    }
    assert_eq!(all, expected);
    let third = store.purchases(user, PageRequest::numbered(2, 2)).await.unwrap();
    assert_eq!(products(&third.items), expected[4..6]);
    // The item at which a page ended was removed meanwhile.
    let at: Cursor = store.purchases(user, PageRequest::numbered(0, 3)).await.unwrap().next.unwrap();
    let last = store.latest_purchases(user, 3).await.unwrap().remove(2);
    fixture.execute(&store, user, CartCommand::Remove { cart_item_id: last.cart_item_id }).await.unwrap();
    let behind = store.purchases(user, PageRequest { after: Some(at), ..PageRequest::numbered(0, 2) }).await.unwrap();
    assert_eq!(products(&behind.items), expected[3..5]);
    assert_eq!(products(&store.latest_purchases(other, 9).await.unwrap()), [(8, 1)]);
}

async fn a_product_bought_again_is_one_item(fixture: Fixture) {
    let (store, _) = fixture.open().await;
    let user = fixture.user();
    for (hours, bought) in [(1, 1), (2, 2), (3, 1)] {
        buy(&fixture, user, &[bought], hours).await;
    }
    assert_eq!(products(&store.latest_purchases(user, 9).await.unwrap()), [(1, 2), (2, 1)]);
    assert_eq!(store.cart(user).await.unwrap().contents().items(), [], "they are not part of the cart");
}

async fn a_cancelled_order_takes_its_units_back_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    buy(&fixture, user, &[1], 1).await;
    let cancel = buy(&fixture, user, &[1, 2], 2).await;
    let now = fixture.now().plus(3 * HOUR);
    let calls = (0..6_usize).map(|n| stores[n % 2].execute(user, cancel.clone(), fixture.context(now)));
    let applied = join_all(calls).await.into_iter().filter(|done| done.as_ref().unwrap().is_applied).count();
    assert_eq!(applied, 1);
    assert_eq!(products(&stores[0].latest_purchases(user, 9).await.unwrap()), [(1, 1)]);
    assert_eq!(quantities(&stores[1].cart(user).await.unwrap()), [(1, 1), (2, 1)]);
}

async fn a_purchased_item_is_removed_once(fixture: Fixture) {
    let stores = fixture.replicas(2).await;
    let user = fixture.user();
    buy(&fixture, user, &[1, 2], 1).await;
    let id = stores[0].latest_purchases(user, 1).await.unwrap().remove(0).cart_item_id;
    let change = CartCommand::SetQuantity { cart_item_id: id.clone(), quantity: 3 };
    let refused = fixture.execute(&stores[0], user, change).await;
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::ItemPurchased))), "{refused:?}");
    let removals = (0..6_usize).map(|n| {
        let remove = CartCommand::Remove { cart_item_id: id.clone() };
        fixture.execute(&stores[n % 2], user, remove)
    });
    for done in join_all(removals).await {
        assert!(done.is_ok() || matches!(done, Err(StoreError::Refused(Refusal::NoSuchItem))), "{done:?}");
    }
    assert_eq!(products(&stores[1].latest_purchases(user, 9).await.unwrap()), [(1, 1)]);
}
