//! `index.html` with its places filled.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use http::HeaderValue;
use rand::RngExt;

use super::{archive::ArchiveError, escape, files::StoredFiles, route_files::RouteFiles, visitor::Visitor};

const NONCE: &str = "__NONCE__";
const HEAD: &str = "<!--souk:head-->";
const VIEW: &str = "<!--souk:view-->";
const DATA: &str = "<!--souk:data-->";
const TITLE: &str = "<title>souk</title>";
const HTML: &str = "<html lang=\"en\">";

/// `index.html` with the style sheets in it, which saves the first view a round trip.
pub(super) struct Skeleton {
    html: String,
    fonts: Vec<String>,
}

/// The content of a page.
pub(super) struct Content<'c> {
    /// Text.
    pub title: &'c str,
    /// Elements of the head.
    pub head: &'c str,
    /// The first view, as HTML.
    pub view: &'c str,
    /// The data of the page as a JSON object that can stand in HTML.
    pub data: &'c str,
}

/// A page, and its Content-Security-Policy.
pub(super) struct Page {
    pub html: String,
    pub policy: HeaderValue,
}

impl Skeleton {
    pub fn read(index: &str, routes: &RouteFiles, files: &StoredFiles) -> Result<Self, ArchiveError> {
        for place in [NONCE, HEAD, VIEW, DATA, TITLE, HTML] {
            if !index.contains(place) {
                return Err(ArchiveError::Invalid("index.html", format!("it lacks {place}")));
            }
        }
        let mut html = index.to_owned();
        for name in &routes.styles {
            let link = format!("<link rel=\"stylesheet\" href=\"{name}\">");
            let file = files.get(name).filter(|_| html.contains(&link));
            let file = file.ok_or_else(|| ArchiveError::Invalid("index.html", format!("it does not link {name}")))?;
            let css = String::from_utf8_lossy(&file.plain()).into_owned();
            // Relative addresses count from the style sheet, which is at the top, as the pages' base is.
            html = html.replace(&link, &format!("<style nonce=\"{NONCE}\">{css}</style>"));
        }
        Ok(Self { html, fonts: routes.fonts.clone() })
    }

    /// Fills the places; `preloads` are scripts.
    pub fn fill<'f>(
        &self,
        visitor: &Visitor,
        content: &Content<'_>,
        preloads: impl Iterator<Item = &'f String>,
    ) -> Page {
        let mut random = [0; 16];
        rand::rng().fill(&mut random);
        let nonce = STANDARD_NO_PAD.encode(random);
        let Content { title, head, view, data } = content;
        let mut links = String::new();
        for font in &self.fonts {
            // Writing to a string cannot fail.
            let _ = write!(links, "<link rel=\"preload\" as=\"font\" type=\"font/woff2\" crossorigin href=\"{font}\">");
        }
        for script in preloads {
            let _ = write!(links, "<link rel=\"modulepreload\" href=\"{script}\">");
        }
        let theme = visitor.theme.map_or_else(String::new, |theme| format!(" class=\"{theme}\""));
        let opening = format!("<html lang=\"{}\"{theme}>", visitor.language.code());
        let data = format!("<script type=\"application/json\" id=\"souk-data\" nonce=\"{NONCE}\">{data}</script>");
        let parts = [
            (HTML, opening.as_str()),
            (TITLE, &format!("<title>{}</title>", escape(title))),
            (HEAD, &format!("{head}{links}")),
            (VIEW, view),
            (DATA, &data),
        ];
        let html = fill(&self.html, &parts, &nonce);
        Page { html, policy: policy(&nonce) }
    }
}

/// Replaces each place of the skeleton. What is filled in is not searched for places, so that no text of a product can
/// be taken for one; the nonce is set in the skeleton and in the elements that the gateway writes.
fn fill(skeleton: &str, parts: &[(&str, &str)], nonce: &str) -> String {
    let mut html = String::with_capacity(skeleton.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = skeleton;
    let next = |rest: &str| {
        let places = parts.iter().filter_map(|(place, text)| rest.find(place).map(|at| (at, *place, *text)));
        places.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, place, text)) = next(rest) {
        let (before, after) = rest.split_at(at);
        html.push_str(&before.replace(NONCE, nonce));
        // Only in an attribute of an element that the gateway writes: texts have their quotes escaped.
        html.push_str(&text.replace(&format!("nonce=\"{NONCE}\""), &format!("nonce=\"{nonce}\"")));
        rest = after.strip_prefix(place).unwrap_or_default();
    }
    html.push_str(&rest.replace(NONCE, nonce));
    html
}

fn policy(nonce: &str) -> HeaderValue {
    let text = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob: https:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         worker-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
    );
    // Base64 and the rest are visible ASCII.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_a_place() {
        let skeleton = "<a>__NONCE__</a><!--souk:view--><!--souk:data-->";
        let view = "&lt;!--souk:data--&gt; <!--souk:data--> __NONCE__ nonce=&quot;__NONCE__&quot;";
        let filled = fill(skeleton, &[(VIEW, view), (DATA, "<s nonce=\"__NONCE__\">")], "N");
        assert_eq!(filled, format!("<a>N</a>{view}<s nonce=\"N\">"));
    }
}
