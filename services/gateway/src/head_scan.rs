//! Looks through a request's head for a `Content-Length`, which hyper drops when the request is chunked
//! too: such a request is how one request is smuggled inside another.

const NAME: &[u8] = b"content-length:";

/// Reads one head, piece by piece.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    /// What of `NAME` the present line began with; `None` once it cannot be it.
    matched: Option<usize>,
    is_begun: bool,
    is_line_empty: bool,
    has_length: bool,
}

impl HeadScan {
    /// Takes the next bytes. At the end of the head answers whether it has a `Content-Length`.
    pub fn read(&mut self, bytes: &[u8]) -> Option<bool> {
        for byte in bytes {
            match byte {
                b'\n' if self.is_line_empty && self.is_begun => return Some(self.has_length),
                b'\n' => {
                    self.matched = Some(0);
                    self.is_line_empty = true;
                }
                b'\r' => {}
                _ => {
                    // Empty lines before a request are skipped, so that the first other byte begins it.
                    self.is_begun = true;
                    self.is_line_empty = false;
                    self.matched = self.matched.filter(|at| NAME.get(*at) == Some(&byte.to_ascii_lowercase()));
                    self.matched = self.matched.map(|at| at + 1);
                    self.has_length |= self.matched == Some(NAME.len());
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_seen_however_the_head_is_cut() {
        let with = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nCONTENT-length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello";
        let without = b"POST /content-length: HTTP/1.1\nHost: a\nX-Content-Length: 5\nContent-Lengthy: 4\n\n";
        for cut in 0..without.len() {
            for (head, has_length) in [(&with[..], true), (&without[..], false)] {
                let mut scan = HeadScan::default();
                let (one, two) = head.split_at(cut);
                let ends = [scan.read(one), scan.read(two)];
                assert!(ends.contains(&Some(has_length)), "{cut} {ends:?}");
            }
        }
    }
}
