//! A catalogue of any size, the same each time: texts whose words are as frequent as those of people, and three sizes of each
//! thing.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use rand::{RngExt, SeedableRng, distr::weighted::WeightedIndex, rngs::StdRng, seq::IndexedRandom};

use crate::BenchError;

const SYLLABLES: &str = "ba ce di fo gu ha ke li mo nu pa re si to vu wa ze chi sta bro kla pre tri spo";
const WORDS: usize = 8_000;
const VARIANTS: [&str; 3] = ["S", "M", "L"];
/// Things in one file: an import is at most 20 MB.
const THINGS_OF_A_FILE: usize = 8_000;
const QUERIES: usize = 4_000;

/// Import files, and texts that people would look for in them.
pub(crate) struct Catalogue {
    pub files: Vec<PathBuf>,
    /// Two words of the name of a thing.
    pub queries: Vec<String>,
}

/// Writes the import files of `products` into `folder`.
pub(crate) fn write(folder: &Path, products: usize) -> Result<Catalogue, BenchError> {
    let words = vocabulary();
    // Few words are frequent, as in texts of people.
    let weights: Vec<f64> = (8_u32..).take(words.len()).map(|rank| 1.0 / f64::from(rank)).collect();
    let text = Text { words: &words, weights: WeightedIndex::new(weights)? };
    let mut random = StdRng::seed_from_u64(u64::try_from(products)?);
    let brands: Vec<String> = words.iter().step_by(20).map(|word| format!("{} & Co", capitalised(word))).collect();
    let types: Vec<String> = words.iter().skip(1).step_by(200).map(|word| capitalised(word)).collect();
    let (mut files, mut titles) = (Vec::new(), Vec::new());
    let things: Vec<usize> = (0..products.div_ceil(VARIANTS.len())).collect();
    for (number, things) in things.chunks(THINGS_OF_A_FILE).enumerate() {
        let mut rows =
            "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,\
                        Variant Price\n"
                .to_owned();
        for thing in things {
            let title = text.of(3, &mut random);
            let shown: Vec<String> = title.split(' ').map(capitalised).collect();
            let brand = brands.choose(&mut random).ok_or("no brands")?;
            let kind = types.choose(&mut random).ok_or("no types")?;
            let first = format!("{} {thing},<p>{}.</p>,{brand},{kind}", shown.join(" "), text.of(30, &mut random));
            for variant in VARIANTS {
                let described = if variant == VARIANTS[0] { &first } else { ",,," };
                let (stock, cents) = (random.random_range(0..=90), random.random_range(100..=90_000));
                let price = format!("{}.{:02}", cents / 100, cents % 100);
                writeln!(rows, "t-{thing},{described},Size,{variant},S-{thing}-{variant},{stock},{price}")?;
            }
            titles.push(title);
        }
        let path = folder.join(format!("{number}.csv"));
        fs::write(&path, rows)?;
        files.push(path);
    }
    let mut query = || {
        let title = titles.choose(&mut random)?;
        let words: Vec<&str> = title.split(' ').collect();
        Some(words.sample(&mut random, 2).copied().collect::<Vec<_>>().join(" "))
    };
    let queries = (0..QUERIES).map(|_| query().ok_or("no titles")).collect::<Result<_, _>>()?;
    Ok(Catalogue { files, queries })
}

struct Text<'w> {
    words: &'w [String],
    weights: WeightedIndex<f64>,
}

impl Text<'_> {
    fn of(&self, words: usize, random: &mut StdRng) -> String {
        let words = (0..words).filter_map(|_| self.words.get(random.sample(&self.weights)));
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

fn vocabulary() -> Vec<String> {
    let syllables: Vec<&str> = SYLLABLES.split(' ').collect();
    let mut random = StdRng::seed_from_u64(0);
    let mut words = BTreeSet::new();
    while words.len() < WORDS {
        let length = random.random_range(2..=4);
        words.insert((0..length).filter_map(|_| syllables.choose(&mut random).copied()).collect::<String>());
    }
    words.into_iter().collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_the_same_each_time() {
        let written = || {
            let folder = tempfile::tempdir().ok()?;
            let catalogue = write(folder.path(), 30).ok()?;
            let rows = fs::read_to_string(catalogue.files.first()?).ok()?;
            Some((rows, catalogue.queries))
        };
        let first = written();
        assert_eq!(first.as_ref().map(|(rows, queries)| (rows.lines().count(), queries.len())), Some((31, QUERIES)));
        assert_eq!(first, written());
    }
}
