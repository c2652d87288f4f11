//! Names, prices and availability: from the service's own copies, asked of product when one is missing.

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
    product::{KnownProduct, ProductNews},
    store::CartStore,
};

/// Products that one quote may ask for.
const QUOTE_SIZE: usize = 200;

/// The products that carts and wishlists show.
#[derive(Debug, Clone)]
pub struct Catalogue {
    store: Arc<dyn CartStore>,
    peer: ProductPeer,
    currency: Currency,
}

impl Catalogue {
    pub fn new(store: Arc<dyn CartStore>, peer: ProductPeer, currency: Currency) -> Self {
        Self { store, peer, currency }
    }

    /// What is known of `products`; those that the shop never sold are missing.
    ///
    /// Errors: one has no copy, and product cannot be asked.
    pub async fn known(
        &self,
        products: impl IntoIterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, KnownProduct>, CartError> {
        let asked: Vec<ProductId> = products.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut known = self.store.products(&asked).await?;
        let missing: Vec<ProductId> = asked.into_iter().filter(|product| !known.contains_key(product)).collect();
        for some in missing.chunks(QUOTE_SIZE) {
            for quoted in self.quote(some).await? {
                let (product, _) = self.store.learn(quoted).await?;
                known.insert(product.product_id, product);
            }
        }
        Ok(known)
    }

    /// A product that can be put into a cart. Errors: 422 when the shop does not sell it.
    pub async fn sold(&self, product: ProductId) -> Result<KnownProduct, CartError> {
        let known = self.known([product]).await?.remove(&product);
        known.filter(|known| !known.hidden).ok_or(CartError::ProductUnknown(product))
    }

    async fn quote(&self, products: &[ProductId]) -> Result<Vec<ProductNews>, CartError> {
        let items = products.iter().map(|&product_id| QuoteItem { product_id, quantity: 1 }).collect();
        let quote = self.peer.quote(items).await?;
        quote.items.into_iter().map(|item| self.news(item)).collect()
    }

    fn news(&self, item: QuotedItem) -> Result<ProductNews, CartError> {
        if item.price.currency != self.currency {
            let cause = format!("a price in {}, the shop's currency is {}", item.price.currency, self.currency);
            return Err(CallError::Unexpected { service: "product".to_owned(), cause }.into());
        }
        Ok(ProductNews {
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
