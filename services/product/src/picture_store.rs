//! The object store of pictures, today a folder, behind a circuit breaker.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::body::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path as Key};
use percent_encoding::percent_decode_str;
use souk_resilience::{Breaker, BreakerConfig, NotPermitted};
use souk_values::Clock;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    gallery::ProductPicture,
    picture::{Encoding, PictureId, PictureSize, Rendered, Rendition, StoredAs, UnreadablePicture, render},
};

/// Timeout of one request to the object store.
const OBJECT_LIMIT: Duration = Duration::from_secs(10);
/// Pictures decoded concurrently: one may allocate a few hundred megabytes.
const RENDERING_LIMIT: usize = 1;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureStoreError {
    #[error(transparent)]
    Unreadable(#[from] UnreadablePicture),
    /// The object store failed or timed out.
    #[error("{0}")]
    Unavailable(String),
    /// The circuit breaker is open.
    #[error(transparent)]
    NotPermitted(#[from] NotPermitted),
}

/// Cloning shares the store.
#[derive(Debug, Clone)]
pub(crate) struct PictureStore {
    folder: Arc<Path>,
    objects: Arc<OnceCell<Arc<dyn ObjectStore>>>,
    breaker: Arc<Breaker>,
    rendering: Arc<Semaphore>,
}

impl PictureStore {
    /// Creates `folder` on first use, so that a service whose folder is missing serves everything but pictures.
    pub(crate) fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder: folder.into(),
            objects: Arc::default(),
            breaker: Breaker::new("product", "pictures", breaker_config(), clock),
            rendering: Arc::new(Semaphore::new(RENDERING_LIMIT)),
        }
    }

    pub(crate) fn breaker(&self) -> Arc<Breaker> {
        Arc::clone(&self.breaker)
    }

    /// Stores all sizes of a picture, durably before it returns. May be repeated.
    pub(crate) async fn put(&self, original: Bytes, encoding: Encoding) -> Result<ProductPicture, PictureStoreError> {
        let (id, Rendered { width, height, renditions }) = self.rendered(original, encoding).await?;
        for Rendition { size, stored_as, bytes } in renditions {
            let key = key(&id, size, stored_as);
            self.guarded(async { self.objects().await?.put(&key, bytes.into()).await }).await?;
        }
        Ok(ProductPicture { url: id.url(), alt: String::new(), width: Some(width), height: Some(height) })
    }

    /// Returns one size of a picture, as WebP if `accepts_webp`; `None` when there is no such picture. Pictures of earlier
    /// releases have no WebP and no medium size: their nearest rendition is returned.
    pub(crate) async fn get(
        &self,
        id: &PictureId,
        size: PictureSize,
        accepts_webp: bool,
    ) -> Result<Option<Bytes>, PictureStoreError> {
        let encodings = [StoredAs::WebP, StoredAs::Fallback].into_iter().skip(usize::from(!accepts_webp));
        let mut keys: Vec<Key> = encodings.map(|stored_as| key(id, size, stored_as)).collect();
        if size == PictureSize::Medium {
            keys.push(key(id, PictureSize::Page, StoredAs::Fallback));
        }
        for key in keys {
            if let Some(bytes) = self.read(key).await? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    async fn read(&self, key: Key) -> Result<Option<Bytes>, PictureStoreError> {
        let get = async {
            match self.objects().await?.get(&key).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.guarded(get).await
    }

    async fn rendered(&self, original: Bytes, encoding: Encoding) -> Result<(PictureId, Rendered), PictureStoreError> {
        let closed = |error| PictureStoreError::Unavailable(format!("the service is stopping: {error}"));
        let permit = Arc::clone(&self.rendering).acquire_owned().await.map_err(closed)?;
        let work = tokio::task::spawn_blocking(move || {
            // A blocking task runs to its end even if the request is dropped; it holds the permit as long.
            let _permit = permit;
            Ok((PictureId::of(&original), render(&original, encoding)?))
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!(error = %error, "decoding a picture panicked");
            Err(UnreadablePicture.into())
        })
    }

    async fn guarded<T>(&self, call: impl Future<Output = object_store::Result<T>>) -> Result<T, PictureStoreError> {
        let permit = self.breaker.acquire()?;
        // Real time: an I/O timeout is not business logic.
        let failure = match tokio::time::timeout(OBJECT_LIMIT, call).await {
            Ok(Ok(value)) => {
                permit.success();
                return Ok(value);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the object store did not answer within {} s", OBJECT_LIMIT.as_secs()),
        };
        permit.failure(&failure);
        Err(PictureStoreError::Unavailable(failure))
    }

    async fn objects(&self) -> object_store::Result<&Arc<dyn ObjectStore>> {
        self.objects.get_or_try_init(|| open(&self.folder)).await
    }
}

/// Opens when half of the last ten requests failed, and lets two requests probe the object store after 10 s.
fn breaker_config() -> BreakerConfig {
    BreakerConfig {
        sliding_window_size: 10,
        minimum_number_of_calls: 5,
        wait_duration_in_open_state: Duration::from_secs(10),
        permitted_number_of_calls_in_half_open_state: 2,
        max_wait_duration_in_half_open_state: Duration::from_secs(60),
        slow_call_duration_threshold: OBJECT_LIMIT,
        ..BreakerConfig::default()
    }
}

async fn open(folder: &Path) -> object_store::Result<Arc<dyn ObjectStore>> {
    let failed = |error| object_store::Error::Generic { store: "folder of pictures", source: Box::new(error) };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    // With fsync: a product that names a picture may be committed right after `put`, and must not outlive its file.
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)))
}

fn key(id: &PictureId, size: PictureSize, stored_as: StoredAs) -> Key {
    Key::from_iter([id.to_string(), format!("{size}{}", stored_as.suffix())])
}

/// Returns the folder `pictures` beside the SQLite file of `store_url`, or in the working directory with another engine.
pub(crate) fn default_folder(store_url: &str) -> PathBuf {
    folder_beside(store_url, "pictures").unwrap_or_else(|| PathBuf::from("pictures"))
}

/// Returns the folder `name` beside the SQLite file of `store_url`; `None` for another engine, and for a store in memory.
pub(crate) fn folder_beside(store_url: &str, name: &str) -> Option<PathBuf> {
    let file = store_url.strip_prefix("sqlite:")?;
    let file = file.trim_start_matches("//").split('?').next().filter(|file| *file != ":memory:")?;
    // SQLx decodes the path of a URL in the same way.
    let file = percent_decode_str(file).decode_utf8_lossy();
    Some(Path::new(&*file).with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_folder_is_beside_the_store() {
        for (url, folder) in [
            ("sqlite:product.db", "pictures"),
            ("sqlite:/data/my%20shop/product.db?mode=rwc", "/data/my shop/pictures"),
            ("sqlite:///data/product.db", "/data/pictures"),
            ("sqlite::memory:", "pictures"),
            ("postgres://db/product", "pictures"),
        ] {
            assert_eq!(default_folder(url), Path::new(folder), "{url}");
        }
        assert_eq!(folder_beside("sqlite:/data/product.db", "index").as_deref(), Some(Path::new("/data/index")));
        assert_eq!(folder_beside("sqlite::memory:", "index"), None);
        assert_eq!(folder_beside("mysql://db/product", "index"), None);
    }
}
