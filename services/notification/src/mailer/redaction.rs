//! Removes one-time tokens from mails that are shown: whoever reads another's link owns the other's account.

/// Written in place of a token.
const REDACTED: &str = "[redacted]";
/// Parameter of the links that a token opens.
const PARAMETER: &str = "token=";
/// Number of hexadecimal digits in a row from which on they may be a token, wherever they are.
const TOKEN_LENGTH: usize = 32;

/// Returns `text` without the values of parameters named `token`, and without long hexadecimal numbers.
pub(super) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_value = shown.ends_with(PARAMETER);
        let length = if is_value { value_length(rest) } else { digits_length(rest) };
        if (is_value && length > 0) || length >= TOKEN_LENGTH {
            shown.push_str(REDACTED);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        // Digits too few for a token are copied as a whole, or each of them would be counted again.
        let length = if is_value { 0 } else { length }.max(first.len_utf8());
        let (copied, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        shown.push_str(copied);
        rest = left;
    }
    shown
}

/// Length of the value of a query's parameter, in bytes.
fn value_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"%+-._~*".contains(byte)).count()
}

fn digits_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_hexdigit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

    #[test]
    fn tokens_are_gone_and_all_else_stays() {
        for (text, shown) in [
            (format!("Go to http://x/reset-password?token={TOKEN}."), "Go to http://x/reset-password?token=[redacted]"),
            (format!("<a href=\"http://x/?token={TOKEN}\">"), "<a href=\"http://x/?token=[redacted]\">"),
            ("?token=a+token%26&x=1".to_owned(), "?token=[redacted]&x=1"),
            (format!("Code: {TOKEN}!"), "Code: [redacted]!"),
            (format!("token%3D{TOKEN}"), "token%[redacted]"),
            ("token=".to_owned(), "token="),
            ("Order 246290604621824, facade #5d544c, é".to_owned(), "Order 246290604621824, facade #5d544c, é"),
            (String::new(), ""),
        ] {
            assert_eq!(redact(&text), shown);
        }
    }
}
