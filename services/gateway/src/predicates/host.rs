//! Patterns of hosts: labels between dots, of which `*` is one, and `**` any number.

/// A pattern such as `**.shop.example`. Hosts are compared regardless of case, and their port only if the pattern has one.
#[derive(Debug)]
pub(crate) struct HostPattern {
    labels: Vec<String>,
    port: Option<String>,
}

impl HostPattern {
    /// Errors: a sentence that describes the mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = split_port(text);
        let labels: Vec<String> = host.split('.').map(str::to_ascii_lowercase).collect();
        let is_label = |label: &String| label == "*" || label == "**" || (!label.is_empty() && !label.contains('*'));
        if labels.iter().all(is_label) {
            Ok(Self { labels, port: port.map(str::to_owned) })
        } else {
            Err(format!("the host pattern '{text}' is not of labels, '*' and '**' between dots"))
        }
    }

    pub fn matches(&self, host: &str) -> bool {
        let (host, port) = split_port(host);
        let given: Vec<&str> = host.split('.').collect();
        self.port.as_deref().is_none_or(|wanted| port == Some(wanted)) && labels_match(&self.labels, &given)
    }
}

fn labels_match(pattern: &[String], given: &[&str]) -> bool {
    match (pattern.split_first(), given.split_first()) {
        (None, None) => true,
        (Some((label, rest)), _) if label == "**" => {
            labels_match(rest, given) || given.split_first().is_some_and(|(_, tail)| labels_match(pattern, tail))
        }
        (Some((label, rest)), Some((one, tail))) => {
            (label == "*" || label.eq_ignore_ascii_case(one)) && labels_match(rest, tail)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Splits `host:port`; the colons of an IPv6 address are within brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_labels() {
        for (pattern, host, is_match) in [
            ("shop.example", "shop.example", true),
            ("shop.example", "SHOP.Example:8080", true),
            ("shop.example:8080", "shop.example:8080", true),
            ("shop.example:8080", "shop.example", false),
            ("*.example", "shop.example", true),
            ("*.example", "a.shop.example", false),
            ("**.example", "a.shop.example", true),
            ("**.example", "example", true),
            ("**.example", "example.org", false),
            ("www.**", "www.a.b", true),
            ("[::1]", "[::1]:80", true),
            ("**", "anything:1", true),
        ] {
            assert_eq!(HostPattern::parse(pattern).unwrap().matches(host), is_match, "{pattern} {host}");
        }
        for text in ["", "a..b", "a*.b"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }
}
