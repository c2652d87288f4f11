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
    product::{KnownProduct, ProductUpdate},
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
            let items = chunk.iter().map(|&product_id| QuoteItem { product_id, quantity: 1 }).collect();
            let quoted = self.peer.quote(items).await?.items.into_iter().map(|item| self.update(item));
            for update in quoted.collect::<Result<Vec<_>, _>>()? {
                // Stored like an event's update: if a newer event arrived meanwhile, its revision wins.
                let (product, _) = self.store.update_product(update).await?;
                known.insert(product.product_id, product);
            }
        }
        Ok(known)
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
            revision: item.revision,
            is_back: false,
        })
    }
}
