//! Positions of Shopify's columns, by their headings.

use csv::StringRecord;

use super::UnreadableFile;

macro_rules! columns {
    (required { $($must:ident = $must_name:literal;)* } optional { $($may:ident = $may_name:literal;)* }) => {
        /// Positions of the columns. A row that is too short has empty values.
        #[derive(Debug)]
        pub(super) struct Columns { $($must: usize,)* $($may: Option<usize>,)* }

        impl Columns {
            /// Errors: a required column is missing.
            pub(super) fn find(headings: &StringRecord) -> Result<Self, UnreadableFile> {
                let at = |name: &str| headings.iter().position(|heading| heading.trim().eq_ignore_ascii_case(name));
                Ok(Self {
                    $($must: at($must_name).ok_or(UnreadableFile::NoColumn($must_name))?,)*
                    $($may: at($may_name),)*
                })
            }

            $(pub(super) fn $must<'r>(&self, record: &'r StringRecord) -> &'r str {
                record.get(self.$must).unwrap_or("").trim()
            })*
            $(pub(super) fn $may<'r>(&self, record: &'r StringRecord) -> &'r str {
                self.$may.and_then(|index| record.get(index)).unwrap_or("").trim()
            })*
        }
    };
}

columns! {
    required {
        handle = "Handle";
        title = "Title";
        price = "Variant Price";
    }
    optional {
        body = "Body (HTML)";
        vendor = "Vendor";
        category = "Product Category";
        kind = "Type";
        tags = "Tags";
        published = "Published";
        option1_name = "Option1 Name";
        option1_value = "Option1 Value";
        option2_name = "Option2 Name";
        option2_value = "Option2 Value";
        option3_name = "Option3 Name";
        option3_value = "Option3 Value";
        sku = "Variant SKU";
        grams = "Variant Grams";
        quantity = "Variant Inventory Qty";
        barcode = "Variant Barcode";
        image = "Image Src";
        variant_image = "Variant Image";
        status = "Status";
    }
}

impl Columns {
    pub(super) fn option_names<'r>(&self, record: &'r StringRecord) -> [&'r str; 3] {
        [self.option1_name(record), self.option2_name(record), self.option3_name(record)]
    }

    pub(super) fn option_values<'r>(&self, record: &'r StringRecord) -> [&'r str; 3] {
        [self.option1_value(record), self.option2_value(record), self.option3_value(record)]
    }
}
