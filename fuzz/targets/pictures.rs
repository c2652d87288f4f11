//! An uploaded picture: decoded within limits, or refused.
#![no_main]

include!(concat!(env!("OUT_DIR"), "/pictures.rs"));

use libfuzzer_sys::fuzz_target;
use picture::{Encoding, render};

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let encoding = [Encoding::Jpeg, Encoding::Png, Encoding::WebP][usize::from(kind % 3)];
    if let Ok(rendered) = render(bytes, encoding) {
        assert!(rendered.width > 0 && rendered.height > 0);
        assert!(rendered.renditions.iter().all(|rendition| !rendition.bytes.is_empty()));
    }
});
