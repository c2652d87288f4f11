//! Searches a request's head for `Content-Length`. hyper drops that header from chunked requests, but a request with
//! both framings is how one request is smuggled inside another (RFC 9112, section 6.1).

const NAME: &[u8] = b"content-length:";

#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    /// Number of bytes of `NAME` that the current line starts with; `None` if the line is another header.
    matched: Option<usize>,
    is_started: bool,
    is_line_empty: bool,
    has_length: bool,
}

impl HeadScan {
    /// Scans the next bytes. Returns `Some` at the end of the head: true if it has a `Content-Length`.
    pub fn read(&mut self, bytes: &[u8]) -> Option<bool> {
        for byte in bytes {
            match byte {
                b'\n' if self.is_line_empty && self.is_started => return Some(self.has_length),
                b'\n' => {
                    self.matched = Some(0);
                    self.is_line_empty = true;
                }
                b'\r' => {}
                _ => {
                    // Empty lines before the request line are skipped (RFC 9112, section 2.2).
                    self.is_started = true;
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
    fn a_length_is_found_however_the_head_is_split() {
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
