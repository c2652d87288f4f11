//! The first view of a page, from the templates in the archive, and its head, which search engines read.

use std::{collections::HashMap, fmt::Write};

use minijinja::{Environment, Value, context};
use serde_json::json;
use souk_values::{Language, count_text, price_text};

use super::{
    ShopFacts, Shown,
    archive::{ArchiveError, Members},
    catalogue::{Category, Found, Product},
    escape,
};

const TEMPLATES: [&str; 5] = ["header.html", "cards.html", "home.html", "category.html", "product.html"];
/// Cards in the first view.
const CARDS: usize = 8;
/// Length of a description in search results, in characters.
const DESCRIPTION: usize = 160;

pub(super) struct FirstView {
    templates: Environment<'static>,
    /// Texts by language and key.
    texts: HashMap<String, HashMap<String, String>>,
}

/// Title, description and structured data of a page.
#[derive(Debug)]
pub(super) struct Head {
    /// Title of the page, not escaped.
    pub title: String,
    description: Option<String>,
    /// Path or URL of a picture.
    picture: Option<String>,
    kind: &'static str,
    shop: ShopFacts,
    /// Structured data (schema.org) of a product.
    product: Option<serde_json::Value>,
}

impl FirstView {
    pub fn read(members: &mut Members) -> Result<Self, ArchiveError> {
        let mut templates = Environment::new();
        for name in TEMPLATES {
            let text = members.take_text(&format!("first-view/{name}"))?;
            let added = templates.add_template_owned(name, text);
            added.map_err(|error| ArchiveError::Invalid("a template", format!("{error:#}")))?;
        }
        let texts = serde_json::from_slice(&members.take("first-view/texts.json")?);
        let texts = texts.map_err(|error| ArchiveError::Invalid("first-view/texts.json", error.to_string()))?;
        Ok(Self { templates, texts })
    }

    /// Renders the first view; empty for pages without one, and when what it shows could not be read.
    pub fn render(&self, shop: &ShopFacts, shown: &Shown<'_>, found: &Found, language: Language) -> String {
        let (template, page) = match (shown, &found.products, &found.product) {
            (Shown::Home, Some(list), _) => {
                let products = cards(&list.items, language);
                let hero = list.items.iter().find(|product| product.stock > 0).or(list.items.first());
                ("home.html", context! { products, hero => hero.map(|hero| card(hero, language)) })
            }
            (Shown::Category { slug, .. }, Some(list), _) => {
                let Some(category) = found.category(slug) else { return String::new() };
                let mut path = found.path(category.category_id);
                path.pop();
                let path = crumbs(&path);
                let count = self.products_text(list.total, language);
                let products = cards(&list.items, language);
                ("category.html", context! { products, path, heading => category.name.as_str(), count, isMain => true })
            }
            (Shown::Product(_), _, Some(product)) => {
                let path = found.path(product.category_id);
                let path = crumbs(&path);
                ("product.html", context! { product => card(product, language), path })
            }
            _ => return String::new(),
        };
        let texts = self.texts(shop, found, language);
        let departments = self.departments(found, language);
        let shop = context! { name => shop.name.as_str() };
        let page = context! { shop, departments, t => texts, ..page };
        let rendered = self.templates.get_template(template).and_then(|template| template.render(page));
        rendered.unwrap_or_else(|error| {
            tracing::error!(service = "gateway", template, error = format!("{error:#}"), "a first view failed");
            String::new()
        })
    }

    /// Returns title, description and structured data of a page.
    pub fn head(&self, shop: &ShopFacts, shown: &Shown<'_>, found: &Found, language: Language) -> Head {
        let plain = Head {
            title: shop.name.clone(),
            description: None,
            picture: None,
            kind: "website",
            shop: shop.clone(),
            product: None,
        };
        match (shown, &found.product) {
            (Shown::Home, _) => Head { description: Some(self.lead(found, language)), ..plain },
            (Shown::Category { slug, .. }, _) => {
                let Some(category) = found.category(slug) else { return plain };
                let count = found.products.as_ref().map(|list| self.products_text(list.total, language));
                let description = count.map(|count| format!("{}: {count}", category.name));
                Head { title: format!("{} · {}", category.name, shop.name), description, ..plain }
            }
            (Shown::Product(_), Some(product)) => Head {
                title: format!("{} · {}", product.name, shop.name),
                description: Some(shortened(&product.description)).filter(|text| !text.is_empty()),
                picture: picture_url(product).map(str::to_owned),
                kind: "product",
                product: Some(structured(product, &shop.url)),
                ..plain
            },
            _ => plain,
        }
    }

    /// Returns the texts of `language`, with the numbers and names that they contain.
    fn texts(&self, shop: &ShopFacts, found: &Found, language: Language) -> HashMap<String, String> {
        let mut texts = self.texts.get(language.code()).cloned().unwrap_or_default();
        texts.insert("home".to_owned(), self.text("home", language).replace("{shop}", &shop.name));
        texts.insert("lead".to_owned(), self.lead(found, language));
        texts
    }

    /// Returns the sentence that introduces the shop.
    fn lead(&self, found: &Found, language: Language) -> String {
        let total = found.products.as_ref().map_or(0, |list| list.total);
        self.text("lead", language).replace("{n}", &count_text(total, language))
    }

    /// Returns a number of products in words, such as "28 products".
    fn products_text(&self, count: u64, language: Language) -> String {
        let key = if count == 1 { "product" } else { "products" };
        self.text(key, language).replace("{n}", &count_text(count, language))
    }

    fn text(&self, key: &str, language: Language) -> &str {
        self.texts.get(language.code()).and_then(|texts| texts.get(key)).map_or("", String::as_str)
    }

    /// Returns the categories at the top; on the home page those with products, with their numbers.
    fn departments(&self, found: &Found, language: Language) -> Vec<Value> {
        let facets = found.products.as_ref().map_or(&[][..], |list| &list.facets.categories);
        let count_of = |id| facets.iter().find(|facet| facet.category_id == id).map_or(0, |facet| facet.count);
        let top = found.categories.iter().filter(|category| category.parent_id.is_none());
        top.map(|category| {
            let count = self.products_text(count_of(category.category_id), language);
            context! { slug => category.slug.as_str(), name => category.name.as_str(), count }
        })
        .collect()
    }
}

impl Head {
    /// Returns the elements of the head, for a page at `url`.
    pub fn html(&self, url: &str) -> String {
        let mut html = format!("<link rel=\"canonical\" href=\"{}\">", escape(url));
        let mut add = |name: &str, key: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = write!(html, "<meta {name}=\"{key}\" content=\"{}\">", escape(value));
        };
        if let Some(description) = &self.description {
            add("name", "description", description);
            add("property", "og:description", description);
        }
        add("property", "og:title", &self.title);
        add("property", "og:type", self.kind);
        add("property", "og:url", url);
        add("property", "og:site_name", &self.shop.name);
        if let Some(picture) = &self.picture {
            add("property", "og:image", &absolute(picture, &self.shop.url));
        }
        if let Some(product) = &self.product {
            let json = product.to_string().replace('<', "\\u003c");
            let _ = write!(html, "<script type=\"application/ld+json\" nonce=\"__NONCE__\">{json}</script>");
        }
        html
    }
}

fn crumbs(path: &[&Category]) -> Vec<Value> {
    path.iter().map(|above| context! { slug => above.slug.as_str(), name => above.name.as_str() }).collect()
}

fn cards(products: &[Product], language: Language) -> Vec<Value> {
    products.iter().take(CARDS).map(|product| card(product, language)).collect()
}

/// Returns what a card or the product's page shows. In lists, a product stands for the group of its variants.
fn card(product: &Product, language: Language) -> Value {
    let before = product.compare_at_price.filter(|before| {
        // Where prices differ, it is the price of one variant, and the card shows the lowest of another.
        !product.prices_differ && before.currency == product.price.currency && before.minor > product.price.minor
    });
    let name = product.group_name.as_ref().unwrap_or(&product.name);
    let alt = product.pictures.first().map(|picture| &picture.alt).filter(|alt| !alt.is_empty()).unwrap_or(name);
    let chosen = product.options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(", ");
    let picture = picture_url(product).map(|url| context! { src => url, srcset => srcset(url), alt });
    context! {
        slug => product.slug.as_str(),
        name,
        chosen,
        brand => product.brand.as_deref(),
        price => price_text(product.price_from.unwrap_or(product.price), language),
        priceBefore => before.map(|before| price_text(before, language)),
        pricesDiffer => product.prices_differ,
        stock => product.stock,
        picture,
    }
}

fn picture_url(product: &Product) -> Option<&str> {
    product.pictures.first().map(|picture| picture.url.as_str()).or(product.image_url.as_deref())
}

/// Returns the sizes of a picture that the shop keeps, as the web shop's `ui/picture.ts` does.
fn srcset(url: &str) -> Option<String> {
    let base = ["/thumb", "/medium", "/page"].iter().find_map(|size| url.strip_suffix(size))?;
    base.contains("/pictures/").then(|| format!("{base}/thumb 320w, {base}/medium 640w, {base}/page 1200w"))
}

fn absolute(address: &str, base: &str) -> String {
    if address.starts_with('/') { format!("{base}{address}") } else { address.to_owned() }
}

/// Returns the beginning of a text on one line, ending with a whole word.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for word in text.split_whitespace() {
        if short.chars().count() + word.chars().count() >= DESCRIPTION {
            short.push('…');
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

/// Returns the product in the vocabulary of <https://schema.org/Product>.
fn structured(product: &Product, base: &str) -> serde_json::Value {
    let availability = if product.stock > 0 { "InStock" } else { "OutOfStock" };
    json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "description": shortened(&product.description),
        "image": picture_url(product).map(|url| absolute(url, base)),
        "brand": product.brand.as_ref().map(|brand| json!({"@type": "Brand", "name": brand})),
        "offers": {
            "@type": "Offer",
            "price": product.price.decimal(),
            "priceCurrency": product.price.currency.code(),
            "availability": format!("https://schema.org/{availability}"),
            "url": format!("{base}/products/{}", product.slug),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_end_with_a_whole_word() {
        assert_eq!(shortened("A heavy\n skillet."), "A heavy skillet.");
        let long = shortened(&"word ".repeat(100));
        assert!(long.ends_with("word…") && long.chars().count() <= DESCRIPTION, "{long}");
    }

    fn product(more: &serde_json::Value) -> Product {
        let mut product = json!({
            "name": "Pan – 26 cm / Red", "slug": "pan-26", "price": {"amount": 3990, "currency": "EUR"}, "stock": 3,
            "categoryId": 2, "compareAtPrice": {"amount": 4990, "currency": "EUR"}, "groupName": "Pan",
            "options": [{"name": "Size", "value": "26 cm"}, {"name": "Colour", "value": "Red"}],
            "pictures": [{"url": "/pan.svg", "alt": ""}],
        });
        product.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(product).unwrap()
    }

    fn shown(product: &Product, name: &str) -> String {
        card(product, Language::English).get_attr(name).unwrap().to_string()
    }

    #[test]
    fn a_card_of_variants_has_their_name_and_lowest_price() {
        let group = product(&json!({"pricesDiffer": true, "priceFrom": {"amount": 2990, "currency": "EUR"}}));
        assert_eq!((shown(&group, "name"), shown(&group, "price")), ("Pan".to_owned(), "€29.90".to_owned()));
        let card = card(&group, Language::English);
        assert!(card.get_attr("pricesDiffer").unwrap().is_true() && card.get_attr("priceBefore").unwrap().is_none());
    }

    #[test]
    fn a_products_page_names_the_chosen_options_and_its_own_price() {
        let product = product(&json!({}));
        assert_eq!((shown(&product, "name"), shown(&product, "chosen")), ("Pan".to_owned(), "26 cm, Red".to_owned()));
        assert_eq!(
            (shown(&product, "price"), shown(&product, "priceBefore")),
            ("€39.90".to_owned(), "€49.90".to_owned())
        );
        let picture = card(&product, Language::English).get_attr("picture").unwrap();
        assert_eq!(picture.get_attr("alt").unwrap().to_string(), "Pan");
    }

    #[test]
    fn kept_pictures_have_sizes() {
        assert_eq!(
            srcset("/api/pictures/7/page").as_deref(),
            Some("/api/pictures/7/thumb 320w, /api/pictures/7/medium 640w, /api/pictures/7/page 1200w")
        );
        assert_eq!(srcset("/pictures/cookware.svg"), None);
    }
}
