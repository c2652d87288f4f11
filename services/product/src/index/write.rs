//! Groups written to the documents and the shelf, and units kept for the next start.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use souk_values::{ProductId, Timestamp};

use super::{CatalogueIndex, IndexError, Shown, entry::ShelfEntry, kept, units::Units};
use crate::product::CatalogueProduct;

/// The documents and shelf entries of some groups.
#[derive(Debug, Default)]
pub(super) struct Made {
    groups: Vec<(ProductId, Vec<CatalogueProduct>)>,
    units: HashMap<ProductId, Units>,
}

impl Made {
    /// `products` are the visible ones of `groups`, group by group; a group without any leaves the index.
    pub(super) fn of(groups: &[ProductId], products: Vec<CatalogueProduct>) -> Self {
        let mut made = Self::default();
        let mut members: HashMap<ProductId, Vec<CatalogueProduct>> = HashMap::new();
        for product in products {
            made.units.insert(product.product_id, Units { stock: product.stock, sold: product.sold });
            members.entry(product.group_id()).or_default().push(product);
        }
        made.groups = groups.iter().map(|group| (*group, members.remove(group).unwrap_or_default())).collect();
        made
    }
}

impl CatalogueIndex {
    /// Writes the units of all products beside the documents. An index in memory keeps nothing.
    pub(super) fn keep_units(&self, complete_at: Timestamp) -> std::io::Result<()> {
        let Some(folder) = &self.0.folder else { return Ok(()) };
        let units: Vec<(ProductId, Units)> = self.0.shelf.read().all_units().collect();
        kept::write(folder, complete_at, units)
    }

    /// Writes documents durably, and then shows them.
    pub(super) fn write(&self, made: Made) -> Result<(), IndexError> {
        let Made { groups, units } = made;
        let mut entries = Vec::with_capacity(groups.len());
        {
            let mut goods = self.0.shelf.write();
            for (group_id, products) in groups {
                let entry = ShelfEntry::of(group_id, &products);
                entries.push((group_id, goods.place_for(group_id), entry, products));
            }
        }
        {
            let mut writer = self.0.writer.lock();
            for (group_id, place, entry, products) in &entries {
                writer.delete_term(self.0.fields.key(*group_id));
                if let Some(entry) = entry {
                    writer.add_document(self.0.fields.document(*place, entry, products)?)?;
                }
            }
            writer.commit()?;
            self.0.reader.reload()?;
            let earlier = Arc::clone(&self.0.shown.read().places);
            *self.0.shown.write() = Shown::read(&self.0.reader, &earlier)?;
        }
        let mut goods = self.0.shelf.write();
        for (group_id, place, entry, _) in entries {
            match entry {
                Some(entry) => {
                    goods.put(place, entry, |id| units.get(&id).copied().unwrap_or(Units { stock: 0, sold: 0 }));
                }
                None => goods.remove(group_id),
            }
        }
        drop(goods);
        self.0.edits.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
