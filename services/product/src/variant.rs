//! Variants: products of one group that differ in their options.

use serde::{Deserialize, Serialize};

use crate::product::MAX_NAME;

/// Maximum number of options of a product.
pub(crate) const MAX_OPTIONS: usize = 6;
/// Option value that files give a product without variants.
pub(crate) const NO_OPTION: &str = "Default Title";
/// Between a variant's title and its option values.
const TITLE_END: &str = " – ";
/// Between the option values of a name.
const VALUE_END: &str = " / ";

/// What distinguishes a variant from the others of its group, such as `Size: 26 cm`. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ProductOption {
    pub name: String,
    pub value: String,
}

/// Returns the name of a variant: the title of its group, followed by its option values.
pub(crate) fn full_name(title: &str, options: &[ProductOption]) -> String {
    if options.is_empty() { title.to_owned() } else { format!("{title}{TITLE_END}{}", values(options)) }
}

/// Returns the title of the group that a variant's name begins with, or the whole name if it does not end with the values.
pub(crate) fn title<'n>(name: &'n str, options: &[ProductOption]) -> &'n str {
    if options.is_empty() {
        return name;
    }
    let title = name.strip_suffix(&values(options)).and_then(|rest| rest.strip_suffix(TITLE_END));
    title.filter(|title| !title.is_empty()).unwrap_or(name)
}

/// Returns the name of a variant whose options change. A name that does not end with the old values stays as it is, as does
/// one that would become too long.
pub(crate) fn renamed(name: &str, old: &[ProductOption], new: &[ProductOption]) -> String {
    let title = title(name, old);
    let renamed = full_name(title, new);
    let is_derived = old.is_empty() || title != name;
    if is_derived && renamed.chars().count() <= MAX_NAME { renamed } else { name.to_owned() }
}

fn values(options: &[ProductOption]) -> String {
    options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(VALUE_END)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(values: &[&str]) -> Vec<ProductOption> {
        values.iter().map(|value| ProductOption { name: "Size".to_owned(), value: (*value).to_owned() }).collect()
    }

    #[test]
    fn a_title_is_what_stands_before_the_values() {
        assert_eq!(full_name("Pan", &options(&["26 cm", "Red"])), "Pan – 26 cm / Red");
        assert_eq!(title("Pan – 26 cm / Red", &options(&["26 cm", "Red"])), "Pan");
        assert_eq!(title("The large pan", &options(&["26 cm"])), "The large pan");
        assert_eq!(renamed("Pan – 26 cm", &options(&["26 cm"]), &options(&["28 cm"])), "Pan – 28 cm");
        assert_eq!(renamed("Pan", &[], &options(&["28 cm"])), "Pan – 28 cm");
        assert_eq!(renamed("Pan – 26 cm", &options(&["26 cm"]), &[]), "Pan");
        assert_eq!(renamed("The large pan", &options(&["26 cm"]), &options(&["28 cm"])), "The large pan");
        let long = "x".repeat(MAX_NAME);
        assert_eq!(renamed(&long, &[], &options(&["28 cm"])), long);
        assert_eq!(title(" – L", &options(&["L"])), " – L");
        assert_eq!(title("Pan – 26 cm", &[]), "Pan – 26 cm");
    }

    proptest! {
        #[test]
        fn a_name_gives_its_title_back(name in "\\PC{1,20}", values in proptest::collection::vec("\\PC{1,9}", 0..4)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let options = options(&values);
            let whole = full_name(&name, &options);
            prop_assert_eq!(title(&whole, &options), name);
        }
    }
}
