//! One line of text for an error and its causes.

use std::error::Error;

/// Returns the message of `error` followed by those of its causes: `a: b: c`. A cause that the text contains already is
/// left out, because many libraries repeat their cause in their own message and others, such as reqwest, never do.
#[must_use]
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Layer {
        message: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(messages: &[&'static str]) -> Layer {
        let (message, rest) = messages.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(layers(rest)));
        Layer { message, source }
    }

    #[test]
    fn each_cause_appears_once() {
        assert_eq!(error_chain(&layers(&["sending failed"])), "sending failed");
        assert_eq!(error_chain(&layers(&["sending", "connecting", "refused"])), "sending: connecting: refused");
        assert_eq!(error_chain(&layers(&["sending: refused", "refused", ""])), "sending: refused");
    }
}
