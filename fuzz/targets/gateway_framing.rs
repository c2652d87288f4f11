//! Parsers of the gateway beneath and before hyper: the end of a head, the length of a body, paths.
#![no_main]

#[path = "../../services/gateway/src/head_scan.rs"]
mod head_scan;
#[path = "../../services/gateway/src/path_pattern.rs"]
mod path_pattern;
#[path = "../../services/gateway/src/raw_path.rs"]
mod raw_path;

use head_scan::HeadScan;
use libfuzzer_sys::fuzz_target;
use path_pattern::PathPattern;

fuzz_target!(|data: &[u8]| {
    let (cut, bytes) = data.split_first().map_or((0, data), |(cut, bytes)| (usize::from(*cut), bytes));
    framing(bytes, cut % (bytes.len() + 1));
    if let Ok(text) = std::str::from_utf8(bytes) {
        paths(text);
    }
});

/// A head is classified alike however it is split; and one that hyper's parser finds a length in is never one without.
fn framing(bytes: &[u8], cut: usize) {
    let whole = HeadScan::default().read(bytes);
    let (one, two) = bytes.split_at(cut);
    let mut scan = HeadScan::default();
    let split = scan.read(one).or_else(|| scan.read(two));
    assert_eq!(whole, split, "split at {cut}");
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    if let Ok(httparse::Status::Complete(_)) = request.parse(bytes) {
        let has_length = request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-length"));
        assert!(!(has_length && whole == Some(false)), "a length was overlooked");
    }
}

/// A path that is accepted leads nowhere else once it is decoded, however often.
fn paths(text: &str) {
    let _ = raw_path::is_internal(text);
    if raw_path::check(text).is_ok() {
        let mut decoded = text.as_bytes().to_vec();
        for _ in 0..4 {
            assert!(decoded.split(|byte| *byte == b'/').all(|part| part != b".." && part != b"."), "{text}");
            decoded = percent_encoding::percent_decode(&decoded).collect();
        }
    }
    if let Some((pattern, path)) = text.split_once('\n')
        && let Ok(pattern) = PathPattern::parse(pattern)
    {
        let _ = pattern.matches(path);
    }
}
