//! The language and theme of a request's visitor.

use http::{HeaderMap, HeaderName, header};
use souk_kit::cookies;
use souk_values::Language;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Visitor {
    pub language: Language,
    /// `light` or `dark`, if the visitor chose one.
    pub theme: Option<&'static str>,
}

impl Visitor {
    /// Reads the cookies `souk_lang` and `souk_theme`, and without the former `Accept-Language`.
    pub fn of(headers: &HeaderMap) -> Self {
        let chosen = cookies::find(headers, "souk_lang").and_then(Language::of_tag);
        let language =
            chosen.or_else(|| Language::negotiated(texts(headers, &header::ACCEPT_LANGUAGE))).unwrap_or_default();
        let theme = match cookies::find(headers, "souk_theme") {
            Some("light") => Some("light"),
            Some("dark") => Some("dark"),
            _ => None,
        };
        Self { language, theme }
    }
}

/// True if the request accepts HTML explicitly, as the navigation of a browser does.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    texts(headers, &header::ACCEPT).any(|value| value.contains("text/html"))
}

fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn visitor(pairs: &[(HeaderName, &'static str)]) -> Visitor {
        Visitor::of(&pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect())
    }

    #[test]
    fn the_cookie_decides_before_the_browser() {
        let german = Visitor { language: Language::German, theme: None };
        assert_eq!(visitor(&[(header::ACCEPT_LANGUAGE, "fr-FR, de-AT;q=0.8, en;q=0.5")]), german);
        let both = [(header::ACCEPT_LANGUAGE, "de"), (header::COOKIE, "a=b; souk_lang=en; souk_theme=dark")];
        assert_eq!(visitor(&both), Visitor { language: Language::English, theme: Some("dark") });
        let strange = [(header::COOKIE, "souk_lang=\"><script>; souk_theme=x\" onload=\"y")];
        assert_eq!(visitor(&strange), Visitor { language: Language::English, theme: None });
    }
}
