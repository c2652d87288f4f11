//! Rejects paths that an upstream could interpret differently than the gateway does.

use percent_encoding::percent_decode;

/// Rounds of decoding after which a path must not change any more.
const ROUNDS: usize = 3;

/// Checks a path as it was received, still encoded.
///
/// Errors: a sentence that describes the mistake.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    let raw = path.as_bytes();
    check_plain(raw)?;
    if !raw.contains(&b'%') {
        return Ok(());
    }
    if !is_well_encoded(raw) {
        return Err("A '%' in the path must be followed by two hexadecimal digits.");
    }
    let slashes = |bytes: &[u8]| bytes.split(|byte| *byte == b'/').count();
    let mut text = raw.to_vec();
    for _ in 0..ROUNDS {
        let decoded: Vec<u8> = percent_decode(&text).collect();
        if decoded == text {
            return Ok(());
        }
        if slashes(&decoded) != slashes(raw) {
            return Err("The path has an encoded slash.");
        }
        check_plain(&decoded)?;
        text = decoded;
    }
    Err("The path is encoded more than twice.")
}

/// Returns true if `path`, as an upstream would receive it, is under `/internal`, which only services call.
pub(crate) fn is_internal(path: &str) -> bool {
    let first = path.trim_start_matches('/').split(['/', ';']).next().unwrap_or_default();
    percent_decode(first.as_bytes()).map(|byte| byte.to_ascii_lowercase()).eq(*b"internal")
}

fn check_plain(path: &[u8]) -> Result<(), &'static str> {
    let Some((b'/', rest)) = path.split_first() else { return Err("The path must begin with '/'.") };
    let mut parts = rest.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() && parts.peek().is_some() {
            return Err("The path has an empty segment ('//').");
        }
        // Servers strip matrix parameters before they resolve dot segments: `/..;x/` becomes `/../`.
        let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
        if name == b"." || name == b".." {
            return Err("The path has a dot segment ('.' or '..').");
        }
        if part.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
            return Err("The path has a backslash or a control character.");
        }
    }
    Ok(())
}

fn is_well_encoded(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'%')
        .skip(1)
        .all(|after| matches!(after, [one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_are_accepted() {
        for path in
            ["/", "/api/orders/", "/api/products/by-slug/caf%C3%A9", "/a.b/..c/d..", "/a%20b", "/100%25", "/~x;y=1"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_are_rejected() {
        for path in [
            "",
            "*",
            "api",
            "//",
            "/a//b",
            "/a/..",
            "/../a",
            "/./a",
            "/a/.",
            "/a/%2e%2e/b",
            "/a/%2E%2e",
            "/a/.%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0d%0ab",
            "/a/..;/b",
            "/a/%2e%2e;x/b",
            "/a/%252e%252e/b",
            "/a%252fb",
            "/a%25252fb",
            "/a%2525252525b",
            "/%",
            "/%2",
            "/%zz",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }

    #[test]
    fn internal_paths_are_recognized_in_every_spelling() {
        for path in ["/internal", "/internal/", "/internal/orders/1", "/INTERNAL/x", "/%69nternal/x", "/internal;a/x"] {
            assert!(is_internal(path), "{path}");
        }
        for path in ["/", "/internals", "/orders/internal", "/orders"] {
            assert!(!is_internal(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_accepted_path_decodes_into_a_traversal(path in "/[a./%25efEF;]{0,24}") {
            if check(&path).is_ok() {
                let mut text = path.clone().into_bytes();
                for _ in 0..5 {
                    text = percent_decode(&text).collect();
                    prop_assert!(!text.split(|byte| *byte == b'/').any(|part| part == b".." || part == b"."));
                    prop_assert_eq!(
                        text.split(|byte| *byte == b'/').count(),
                        path.split('/').count()
                    );
                }
            }
        }
    }
}
