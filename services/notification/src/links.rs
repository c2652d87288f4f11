//! Where a customer is led from a mail.

use url::{Url, form_urlencoded};

/// Makes addresses under the shop's public one.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links under `public_url`. Errors: it is no http(s) address.
    pub fn new(public_url: &str) -> Result<Self, String> {
        match Url::parse(public_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Ok(Self { base: url.as_str().trim_end_matches('/').to_owned() })
            }
            Ok(_) => Err(format!("shop.public-url: {public_url} begins neither with http:// nor with https://")),
            Err(error) => Err(format!("shop.public-url: {public_url} is no address: {error}")),
        }
    }

    /// The shop's front door.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.base
    }

    /// A page of the shop; `path` begins with `/`.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where a new password is chosen. The answer is as secret as the token.
    #[must_use]
    pub fn password_reset(&self, token: &str) -> String {
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        format!("{}/reset-password?token={token}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stand_under_the_public_address() {
        let links = Links::new("https://shop.example.org/souk/").unwrap();
        assert_eq!(links.page("/cart"), "https://shop.example.org/souk/cart");
        assert_eq!(links.password_reset("a&b\"<"), "https://shop.example.org/souk/reset-password?token=a%26b%22%3C");
        assert_eq!(Links::new("http://localhost:8080").unwrap().page("/"), "http://localhost:8080/");
        assert!(Links::new("javascript:alert(1)").is_err());
        assert!(Links::new("shop").is_err());
    }
}
