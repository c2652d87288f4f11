//! Parameters of lists that more than one service has: search terms, and ids.

use souk_values::Id;

use crate::text::normalized;

/// Maximum length of search terms in characters.
const MAX_TERMS: usize = 200;

/// Returns the parameter `q` in its normalized form. Errors: a sentence, when it has more than 200 characters.
pub fn search_terms(q: &str) -> Result<String, String> {
    let terms = normalized(q);
    if terms.chars().count() > MAX_TERMS {
        return Err(format!("q must have at most {MAX_TERMS} characters"));
    }
    Ok(terms)
}

/// Returns the ids of a parameter that lists them with commas. `thing` is named by a sentence about one that is no id.
pub fn listed_ids<I: Id>(ids: &str, thing: &str) -> Result<Vec<I>, String> {
    let id = |text: &str| {
        let id = text.trim().parse().ok().and_then(|number: i64| I::new(number).ok());
        id.ok_or_else(|| format!("ids: '{text}' is not the id of a {thing}"))
    };
    ids.split(',').map(id).collect()
}
