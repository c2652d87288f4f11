//! Links in mails, below the public address of the shop.

use url::{Url, form_urlencoded};

#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// Public address of the shop, without a slash at its end.
    base: String,
}

impl Links {
    /// Errors: `public_url` is not an http or https URL.
    pub(crate) fn new(public_url: &str) -> Result<Self, String> {
        match Url::parse(public_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Ok(Self { base: url.as_str().trim_end_matches('/').to_owned() })
            }
            Ok(_) => Err(format!("shop.public-url: '{public_url}' must begin with http:// or https://")),
            Err(error) => Err(format!("shop.public-url: '{public_url}' is not a valid URL: {error}")),
        }
    }

    /// Returns the address of the shop's home page.
    pub(crate) fn home(&self) -> &str {
        &self.base
    }

    /// Returns the address of the page at `path`, which begins with `/`.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns the address of the page that sets a new password. It is as secret as the token in it.
    pub(crate) fn password_reset(&self, token: &str) -> String {
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        format!("{}/reset-password?token={token}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_below_the_public_address() {
        let links = Links::new("https://shop.example.org/souk/").unwrap();
        assert_eq!(links.page("/cart"), "https://shop.example.org/souk/cart");
        assert_eq!(links.password_reset("a&b\"<"), "https://shop.example.org/souk/reset-password?token=a%26b%22%3C");
        assert_eq!(Links::new("http://localhost:8080").unwrap().page("/"), "http://localhost:8080/");
        assert!(Links::new("javascript:alert(1)").is_err());
        assert!(Links::new("shop").is_err());
    }
}
