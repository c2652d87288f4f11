//! Groups: who belongs to one, and what its variants have in common.

use souk_values::{Money, ProductId};

use crate::{product::CatalogueProduct, variant::ProductOption};

/// A product of a group, as the page of each of them shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub product_id: ProductId,
    pub slug: String,
    pub options: Vec<ProductOption>,
    pub price: Money,
    /// Units that can be bought.
    pub stock: i64,
    pub image_url: Option<String>,
}

impl From<CatalogueProduct> for Variant {
    fn from(product: CatalogueProduct) -> Self {
        Self {
            product_id: product.product_id,
            image_url: product.details.image_url().map(str::to_owned),
            slug: product.details.slug,
            options: product.details.options,
            price: product.details.price,
            stock: product.stock,
        }
    }
}

/// Prices and number of a group's variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupFacts {
    /// Lowest price.
    pub price_from: Money,
    pub prices_differ: bool,
    /// Number of variants.
    pub variants: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupChange {
    /// The product joins the group of this product.
    Join(ProductId),
    /// The product becomes a group of its own.
    Leave,
}

/// Returns the place after those of `members`.
pub(crate) fn next_position(members: &[CatalogueProduct]) -> i64 {
    members.iter().map(|member| member.details.group_position.saturating_add(1)).max().unwrap_or(0)
}

/// Returns the id that names a group whose namesake leaves: that of its first visible member, else of its first one.
pub(crate) fn successor(rest: &[CatalogueProduct]) -> Option<ProductId> {
    rest.iter()
        .min_by_key(|member| (member.hidden, member.details.group_position, member.product_id))
        .map(|member| member.product_id)
}

/// Returns true when the products have the same options in any order, and so cannot be distinguished within a group.
pub(crate) fn have_same_options(one: &CatalogueProduct, other: &CatalogueProduct) -> bool {
    let sorted = |product: &CatalogueProduct| {
        let mut options = product.details.options.clone();
        options.sort();
        options
    };
    sorted(one) == sorted(other)
}
