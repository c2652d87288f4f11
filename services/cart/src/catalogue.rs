//! Names, prices and availability of products: the service's own copies, completed by quotes of the product service.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use souk_kit::CallError;
use souk_peers::{
    ProductPeer,
    product::{QuoteItem, QuotedItem},
};
use souk_values::{Currency, ProductId};

use crate::{
    error::CartError,
    product::{KnownProduct, ProductLink, ProductUpdate},
    store::CartStore,
};

/// Products per quote request; the product service accepts no more.
const QUOTE_SIZE: usize = 200;

#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    store: Arc<dyn CartStore>,
    peer: ProductPeer,
    currency: Currency,
}

impl Catalogue {
    pub fn new(store: Arc<dyn CartStore>, peer: ProductPeer, currency: Currency) -> Self {
        Self { store, peer, currency }
    }

    /// Returns the products among `ids` that the shop sells or once sold.
    ///
    /// Errors: a product has no copy and the product service cannot be called.
    pub async fn products(
        &self,
        ids: impl IntoIterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, KnownProduct>, CartError> {
        let wanted: Vec<ProductId> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut known = self.store.known_products(&wanted).await?;
        let missing: Vec<ProductId> = wanted.into_iter().filter(|product| !known.contains_key(product)).collect();
        for chunk in missing.chunks(QUOTE_SIZE) {
            self.quote(chunk, &mut known).await?;
        }
        self.complete(&mut known).await;
        Ok(known)
    }

    /// Gives copies of an earlier release their links. Without the product service they go without.
    async fn complete(&self, known: &mut HashMap<ProductId, KnownProduct>) {
        let bare = known.values().filter(|product| product.link.is_none() && !product.hidden);
        let bare: Vec<ProductId> = bare.map(|product| product.product_id).take(QUOTE_SIZE).collect();
        if bare.is_empty() {
            return;
        }
        if let Err(error) = self.quote(&bare, known).await {
            tracing::debug!(error = %error, "links of products could not be completed");
        }
    }

    /// Adds quotes of `ids` to `known`.
    async fn quote(&self, ids: &[ProductId], known: &mut HashMap<ProductId, KnownProduct>) -> Result<(), CartError> {
        let items = ids.iter().map(|&product_id| QuoteItem { product_id, quantity: 1 }).collect();
        let quoted = self.peer.quote(items).await?.items.into_iter().map(|item| self.update(item));
        for update in quoted.collect::<Result<Vec<_>, _>>()? {
            // Stored like an event's update: if a newer event arrived meanwhile, its revision wins.
            let (product, _) = self.store.update_product(update).await?;
            known.insert(product.product_id, product);
        }
        Ok(())
    }

    /// Returns a product that can be put into a cart.
    ///
    /// Errors: [`CartError::ProductUnknown`] when the shop does not sell it; the product service cannot be called.
    pub async fn product_on_sale(&self, id: ProductId) -> Result<KnownProduct, CartError> {
        let product = self.products([id]).await?.remove(&id);
        product.filter(|product| !product.hidden).ok_or(CartError::ProductUnknown(id))
    }

    fn update(&self, item: QuotedItem) -> Result<ProductUpdate, CartError> {
        if item.price.currency != self.currency {
            let cause = format!("a price in {}, but the shop's currency is {}", item.price.currency, self.currency);
            return Err(CallError::Unexpected { service: "product".to_owned(), cause }.into());
        }
        Ok(ProductUpdate {
            product_id: item.product_id,
            name: item.name,
            price: item.price,
            stock: item.stock,
            hidden: false,
            link: item.slug.map(|slug| ProductLink { slug, image_url: item.image_url }),
            revision: item.revision,
            is_back: false,
        })
    }
}
