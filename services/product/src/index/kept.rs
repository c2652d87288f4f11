//! Units of every product as they were at one moment, in a file beside the documents: with them, a start reads from the store
//! only what has changed since.
//!
//! The file is a cache. One that is missing, damaged or of another form costs a comparison with the whole store.

use std::{fs, io, path::Path};

use sha2::{Digest as _, Sha256};
use souk_values::{Id as _, ProductId, Timestamp};

use super::units::Units;

/// Name of the file in the folder of the index.
const FILE: &str = "units";
/// First bytes of the file.
const FORM: &[u8; 8] = b"units-1\n";
/// Length of the checksum at the end of the file in bytes.
const SUM: usize = 32;

/// Numbers of a product: its id, its stock and its sold units.
type Record = [i64; 3];

/// Units of all products, read from the file.
#[derive(Debug)]
pub(super) struct KeptUnits {
    /// Every change before it is in the units, and in the documents beside the file.
    pub complete_at: Timestamp,
    /// In the order of their ids.
    records: Vec<Record>,
}

impl KeptUnits {
    /// Reads the file of a folder; `None` when there is none that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(FILE)).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
        if Sha256::digest(body).as_slice() != sum {
            return None;
        }
        let (number, records) = body.strip_prefix(FORM)?.split_first_chunk()?;
        let complete_at = Timestamp::from_millis(i64::from_le_bytes(*number));
        let (numbers, rest) = records.as_chunks();
        let numbers: Vec<i64> = numbers.iter().map(|number| i64::from_le_bytes(*number)).collect();
        let (records, odd) = numbers.as_chunks();
        (rest.is_empty() && odd.is_empty()).then(|| Self { complete_at, records: records.to_vec() })
    }

    /// Returns the units of a product; `None` for a product that is newer than the file.
    pub(super) fn of(&self, product: ProductId) -> Option<Units> {
        let place = self.records.binary_search_by_key(&product.get(), |[id, ..]| *id).ok()?;
        self.records.get(place).map(|[_, stock, sold]| Units { stock: *stock, sold: *sold })
    }
}

/// Replaces the file of a folder, in one step.
pub(super) fn write(folder: &Path, complete_at: Timestamp, mut units: Vec<(ProductId, Units)>) -> io::Result<()> {
    units.sort_unstable_by_key(|(product, _)| *product);
    let records = units.into_iter().map(|(product, units)| -> Record { [product.get(), units.stock, units.sold] });
    let numbers = [complete_at.millis()].into_iter().chain(records.flatten());
    let mut bytes = FORM.to_vec();
    bytes.extend(numbers.flat_map(i64::to_le_bytes));
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    let draft = folder.join("units.new");
    fs::write(&draft, bytes)?;
    fs::rename(draft, folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i64) -> ProductId {
        ProductId::new(number).unwrap()
    }

    #[test]
    fn units_are_read_as_they_were_written_and_never_from_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(KeptUnits::read(folder.path()).is_none());
        let at = Timestamp::from_millis(1_700_000_000_123);
        let units = [(id(7), Units { stock: -2, sold: 9 }), (id(3), Units { stock: 5, sold: 0 })];
        write(folder.path(), at, units.to_vec()).unwrap();
        let kept = KeptUnits::read(folder.path()).unwrap();
        assert_eq!(kept.complete_at, at);
        assert_eq!([3, 4, 7].map(|number| kept.of(id(number))), [Some(units[1].1), None, Some(units[0].1)]);

        let file = folder.path().join(FILE);
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(KeptUnits::read(folder.path()).is_none(), "{length}");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&file, damaged).unwrap();
            assert!(KeptUnits::read(folder.path()).is_none(), "{place}");
        }
    }
}
