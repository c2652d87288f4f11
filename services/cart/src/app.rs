//! The state that handlers, consumers and tasks share.

use std::sync::Arc;

use souk_bus::{Cause, Stamper};
use souk_kit::{Deps, auth::Verifier};
use souk_peers::ProductPeer;
use souk_values::{Clock, Currency, IdGen, Page, PageRequest, UserId};

use crate::{
    cart::{Cart, CartCommand, Item, Lifetimes, NewItem},
    catalogue::Catalogue,
    error::CartError,
    metrics,
    product::KnownProduct,
    store::{CartStore, CommandContext, Executed, StoreError},
    view::{CartItemView, CartView},
};

/// Number of purchased items that a cart is shown with; `GET /cart/purchases` has all.
const LATEST_PURCHASES: u64 = 12;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub store: Arc<dyn CartStore>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdGen,
    pub stamper: Stamper,
    pub catalogue: Catalogue,
    pub verifier: Verifier,
    pub lifetimes: Lifetimes,
    pub currency: Currency,
}

impl App {
    pub fn new(store: Arc<dyn CartStore>, lifetimes: Lifetimes, deps: &Deps) -> Self {
        let peer = ProductPeer::new(&deps.peers, "cart");
        Self {
            catalogue: Catalogue::new(Arc::clone(&store), peer, deps.shop.currency),
            store,
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            verifier: deps.verifier.clone(),
            lifetimes,
            currency: deps.shop.currency,
        }
    }

    /// Executes `command` on the cart of `user`, and counts its effects. `cause` is the event that the command applies,
    /// which has no effect a second time.
    pub async fn execute(
        &self,
        user: UserId,
        command: CartCommand,
        cause: Option<Cause>,
    ) -> Result<Executed, StoreError> {
        let context = CommandContext {
            now: self.clock.now(),
            lifetimes: self.lifetimes,
            stamper: self.stamper.with_current_trace(),
            cause,
        };
        let executed = self.store.execute(user, command, context).await?;
        metrics::count(&executed.effects, &self.lifetimes);
        Ok(executed)
    }

    /// Executes `command` on the cart of `user` and shows the whole cart.
    pub async fn change(&self, user: UserId, command: CartCommand) -> Result<CartView, CartError> {
        let executed = self.execute(user, command, None).await?;
        self.show(&executed.cart).await
    }

    /// Shows `cart` with the latest purchased items.
    pub async fn show(&self, cart: &Cart) -> Result<CartView, CartError> {
        let now = self.clock.now();
        let purchases = self.store.latest_purchases(cart.user_id(), LATEST_PURCHASES).await?;
        let items: Vec<&Item> = cart.items_at(now).chain(&purchases).collect();
        let known = self.catalogue.products(items.iter().map(|item| item.product_id)).await?;
        CartView::new(cart.user_id(), &items, now, &known, self.currency)
    }

    /// Shows a page of all products that `user` bought, the latest first.
    pub async fn show_purchases(&self, user: UserId, request: PageRequest) -> Result<Page<CartItemView>, CartError> {
        if self.store.cart(user).await?.has_inner_purchases() {
            // Any command moves them to the others.
            self.execute(user, CartCommand::Expire, None).await?;
        }
        let page = self.store.purchases(user, request).await?;
        let known = self.catalogue.products(page.items.iter().map(|item| item.product_id)).await?;
        Ok(page.map(|item| CartItemView::new(&item, known.get(&item.product_id), self.currency)))
    }

    pub fn new_item(&self, product: &KnownProduct, quantity: u32) -> NewItem {
        NewItem {
            cart_item_id: self.new_item_id(),
            product_id: product.product_id,
            name: product.name.clone(),
            price: product.price,
            quantity,
        }
    }

    pub fn new_item_id(&self) -> String {
        self.ids.uuid().to_string()
    }
}
