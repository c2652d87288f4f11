//! The files of the config server's repository: YAML and properties.
#![no_main]

#[path = "../../services/config-server/src/backend/error.rs"]
mod backend_error;

mod backend {
    pub use crate::backend_error::BackendError;
}

#[path = "../../services/config-server/src/environment"]
mod environment {
    pub mod document;
    pub mod error;
    pub mod properties;
    pub mod property_sources;
    pub mod scalar;
    pub mod yaml;

    pub mod format {
        pub mod tree;
    }

    use self::{
        document::{Document, ParseError},
        property_sources::Property,
    };

    /// Parses a file, and returns the number of its documents and properties.
    fn measure(parsed: Result<Vec<Document>, ParseError>) -> (usize, usize) {
        let Ok(documents) = parsed else { return (0, 0) };
        assert!(documents.iter().all(|document| !document.is_empty()));
        let properties: Vec<&Property> = documents.iter().flatten().collect();
        (documents.len(), properties.len())
    }

    pub fn read(text: &str) -> [(usize, usize); 2] {
        [measure(yaml::parse(text)), measure(properties::parse(text))]
    }
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let [_, (_, properties)] = environment::read(text);
        assert!(properties <= text.len());
    }
});
