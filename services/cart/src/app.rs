//! What every handler of the service shares.

use std::sync::Arc;

use souk_bus::Stamper;
use souk_kit::{Deps, auth::Verifier};
use souk_peers::ProductPeer;
use souk_values::{Clock, Currency, IdGen, UserId};

use crate::{
    cart::{Act, Cart, NewItem, Terms},
    catalogue::Catalogue,
    error::CartError,
    metrics,
    product::KnownProduct,
    store::{CartStore, Cause, Done, Occasion, StoreError},
    view::CartView,
};

/// Shared by handlers, consumers and the sweep.
#[derive(Debug, Clone)]
pub struct App {
    pub store: Arc<dyn CartStore>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdGen,
    pub stamper: Stamper,
    pub catalogue: Catalogue,
    pub verifier: Verifier,
    pub terms: Terms,
    pub currency: Currency,
}

impl App {
    pub fn new(store: Arc<dyn CartStore>, terms: Terms, deps: &Deps) -> Self {
        let peer = ProductPeer::new(&deps.peers, "cart");
        Self {
            catalogue: Catalogue::new(Arc::clone(&store), peer, deps.shop.currency),
            store,
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            verifier: deps.verifier.clone(),
            terms,
            currency: deps.shop.currency,
        }
    }

    /// Does `act` to the cart of `user`, and counts what came of it.
    pub async fn act(&self, user: UserId, act: Act) -> Result<Done, StoreError> {
        self.act_because(user, act, None).await
    }

    /// The same, caused by an event.
    pub async fn act_because(&self, user: UserId, act: Act, cause: Option<Cause>) -> Result<Done, StoreError> {
        let occasion =
            Occasion { now: self.clock.now(), terms: self.terms, stamper: self.stamper.in_this_trace(), cause };
        let done = self.store.act(user, act, occasion).await?;
        metrics::count(&done.effects, &self.terms);
        Ok(done)
    }

    /// Does `act`, and shows the whole cart.
    pub async fn change(&self, user: UserId, act: Act) -> Result<CartView, CartError> {
        let done = self.act(user, act).await?;
        self.show(&done.cart).await
    }

    /// The cart as its owner sees it.
    pub async fn show(&self, cart: &Cart) -> Result<CartView, CartError> {
        let now = self.clock.now();
        let ids: Vec<_> = cart.items_at(now).map(|item| item.product_id).collect();
        let known = self.catalogue.known(ids).await?;
        CartView::new(cart, now, &known, self.currency)
    }

    /// `quantity` of `product` as a new item.
    pub fn new_item(&self, product: &KnownProduct, quantity: u32) -> NewItem {
        NewItem {
            cart_item_id: self.new_item_id(),
            product_id: product.product_id,
            name: product.name.clone(),
            quantity,
        }
    }

    /// An id for an item.
    pub fn new_item_id(&self) -> String {
        self.ids.uuid().to_string()
    }
}
