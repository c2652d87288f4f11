//! The file of a catalogue import.
#![no_main]

include!(concat!(env!("OUT_DIR"), "/limits.rs"));

extern crate self as souk_kit;

#[path = "../../services/product/src/description.rs"]
mod description;
#[path = "../../crates/kit/src/text.rs"]
mod frame_text;
#[path = "../../services/product/src/gallery.rs"]
mod gallery;
#[path = "../../services/product/src/text.rs"]
mod product_text;
#[path = "../../services/product/src/slug.rs"]
mod slug;
#[path = "../../services/product/src/variant.rs"]
mod variant;

/// The texts of the services' frame and of product, both of which the parser knows as `text`.
pub(crate) mod text {
    pub(crate) use crate::{frame_text::*, product_text::*};
}

#[path = "../../services/product/src/import"]
mod import {
    pub mod catalogue;
    mod encoding;
    mod item;
    mod layout;
    mod numbers;
    mod sheet;
    mod shopify;
    mod values;
    mod woocommerce;

    /// As the import's report has it.
    #[derive(Debug)]
    pub struct RejectedRow {
        pub line: u64,
        pub reason: String,
    }

    #[derive(Debug, PartialEq, Eq)]
    pub enum UnreadableFile {
        NoColumn(&'static str),
        Spreadsheet,
    }
}

use libfuzzer_sys::fuzz_target;
use souk_values::Currency;

fuzz_target!(|data: &[u8]| {
    let currency: Currency = "EUR".parse().unwrap();
    if let Ok(sheet) = import::catalogue::parse(data, currency) {
        for row in &sheet.rows {
            assert!(row.quantity >= 0 && !row.category.is_empty(), "{row:?}");
            assert!(row.name.chars().count() <= product::MAX_NAME && !row.name.is_empty(), "{row:?}");
        }
        for rejected in &sheet.rejected {
            assert!(rejected.line > 0 && !rejected.reason.is_empty());
        }
    }
});
