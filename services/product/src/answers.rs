//! Answers kept as prepared bytes: what many people read is made once.
//!
//! A list is made again after each edit of the catalogue; a sale may be missing from it for [`MOVES_SHOWN_AFTER`]. A product's
//! page is made again when anything that it shows has changed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_cache::{Weighter, sync::Cache};
use serde::Serialize;
use sha2::{Digest, Sha256};
use souk_values::ProductId;

use crate::{
    index::{CatalogueIndex, Epoch, PageStamp},
    routes::conditional,
};

/// Time for which a list may lack the latest sales.
const MOVES_SHOWN_AFTER: Duration = Duration::from_millis(500);
/// Bytes of each kind of answers that are kept.
const KEPT_BYTES: u64 = 4_000_000;
/// Answers that are expected to fit.
const EXPECTED: usize = 1_000;
/// Longest query whose answer is kept, in bytes.
const MAX_KEY: usize = 300;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A body with its `ETag`.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    body: Bytes,
    tag: HeaderValue,
}

impl Prepared {
    /// Writes `view` as JSON, with a hash of it as the `ETag`.
    pub(crate) fn hashed(view: &impl Serialize) -> Result<Self, serde_json::Error> {
        let body = Bytes::from(serde_json::to_vec(view)?);
        let digits = hex::encode(Sha256::digest(&body));
        // Hexadecimal digits are a valid header.
        let tag = HeaderValue::try_from(format!("\"{digits:.20}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Ok(Self { body, tag })
    }

    pub(crate) fn tagged(view: &impl Serialize, tag: HeaderValue) -> Result<Self, serde_json::Error> {
        Ok(Self { body: Bytes::from(serde_json::to_vec(view)?), tag })
    }

    /// Returns the answer for everyone, or 304 when the caller has it.
    pub(crate) fn response(&self, headers: &HeaderMap) -> Response {
        let common = [(header::ETAG, self.tag.clone()), (header::CACHE_CONTROL, conditional::PUBLIC)];
        if conditional::is_current(headers, &self.tag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(header::CONTENT_TYPE, JSON)], self.body.clone()).into_response()
    }
}

/// Name of a product's page in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PageKey {
    Id(ProductId),
    Slug(String),
}

#[derive(Debug, Clone)]
struct KeptList {
    prepared: Prepared,
    epoch: Epoch,
    made: Instant,
}

#[derive(Debug, Clone)]
struct KeptPage {
    prepared: Prepared,
    stamp: PageStamp,
}

#[derive(Debug, Clone, Copy)]
struct ByBytes;

impl Weighter<String, KeptList> for ByBytes {
    fn weight(&self, key: &String, kept: &KeptList) -> u64 {
        weight(key.len(), &kept.prepared)
    }
}

impl Weighter<PageKey, KeptPage> for ByBytes {
    fn weight(&self, key: &PageKey, kept: &KeptPage) -> u64 {
        let key = if let PageKey::Slug(slug) = key { slug.len() } else { 8 };
        weight(key, &kept.prepared)
    }
}

fn weight(key: usize, prepared: &Prepared) -> u64 {
    u64::try_from(key + prepared.body.len() + 200).unwrap_or(u64::MAX)
}

/// Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Answers(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    lists: Cache<String, KeptList, ByBytes>,
    pages: Cache<PageKey, KeptPage, ByBytes>,
}

impl Default for Answers {
    fn default() -> Self {
        Self(Arc::new(Kept {
            lists: Cache::with_weighter(EXPECTED, KEPT_BYTES, ByBytes),
            pages: Cache::with_weighter(EXPECTED, KEPT_BYTES, ByBytes),
        }))
    }
}

impl Answers {
    /// Returns the kept answer to a query, `key`, unless it is too old.
    pub(crate) fn list(&self, key: &str, index: &CatalogueIndex) -> Option<Prepared> {
        let kept = self.0.lists.get(key)?;
        let now = index.epoch();
        let is_current =
            kept.epoch.edits == now.edits && (kept.epoch.moves == now.moves || kept.made.elapsed() < MOVES_SHOWN_AFTER);
        is_current.then_some(kept.prepared)
    }

    /// Keeps an answer that was made from the index at `epoch`.
    pub(crate) fn keep_list(&self, key: &str, epoch: Epoch, prepared: Prepared) {
        if key.len() <= MAX_KEY {
            self.0.lists.insert(key.to_owned(), KeptList { prepared, epoch, made: Instant::now() });
        }
    }

    /// Returns the kept page of a product, unless it shows something that has changed.
    pub(crate) fn page(&self, key: &PageKey, index: &CatalogueIndex) -> Option<Prepared> {
        let kept = self.0.pages.get(key)?;
        index.is_current(kept.stamp).then_some(kept.prepared)
    }

    pub(crate) fn keep_page(&self, key: PageKey, stamp: PageStamp, prepared: Prepared) {
        self.0.pages.insert(key, KeptPage { prepared, stamp });
    }
}
