//! Where pictures are kept: an object store, today a folder, behind a circuit breaker.

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

use crate::picture::{Encoding, PictureId, Rendition, Size, Unreadable, render};

/// How long the object store may take for one object.
const OBJECT_LIMIT: Duration = Duration::from_secs(10);
/// Pictures decoded at a time: one can take some hundred megabytes.
const RENDERED_AT_ONCE: usize = 1;

/// Why a picture is not kept or not shown.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// It is no picture.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The object store fails.
    #[error("{0}")]
    Away(String),
    /// It failed so often that it is not asked now.
    #[error(transparent)]
    NotNow(#[from] NotPermitted),
}

/// The pictures. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Gallery {
    folder: Arc<Path>,
    objects: Arc<OnceCell<Arc<dyn ObjectStore>>>,
    breaker: Arc<Breaker>,
    rendering: Arc<Semaphore>,
}

impl Gallery {
    /// In `folder`, which is made when it is needed first: without it everything but pictures works.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder: folder.into(),
            objects: Arc::default(),
            breaker: Breaker::new("product", "pictures", breaker_config(), clock),
            rendering: Arc::new(Semaphore::new(RENDERED_AT_ONCE)),
        }
    }

    /// Keeps all sizes of a picture; once it answers they are on disk. May be repeated.
    pub async fn keep(&self, original: Bytes, encoding: Encoding) -> Result<PictureId, GalleryError> {
        let (id, renditions) = self.rendered(original, encoding).await?;
        for Rendition { size, bytes } in renditions {
            let key = key(&id, size);
            self.guarded(async { self.objects().await?.put(&key, bytes.into()).await }).await?;
        }
        Ok(id)
    }

    /// One size of a picture, if there is such a picture.
    pub async fn show(&self, id: &PictureId, size: Size) -> Result<Option<Bytes>, GalleryError> {
        let key = key(id, size);
        let look = async {
            match self.objects().await?.get(&key).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.guarded(look).await
    }

    /// Decoding runs on, and keeps its place, even if the caller goes away.
    async fn rendered(&self, original: Bytes, encoding: Encoding) -> Result<(PictureId, [Rendition; 2]), GalleryError> {
        let closed = |error| GalleryError::Away(format!("no picture is decoded any more: {error}"));
        let place = Arc::clone(&self.rendering).acquire_owned().await.map_err(closed)?;
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            Ok((PictureId::of(&original), render(&original, encoding)?))
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!(error = %error, "decoding a picture panicked");
            Err(Unreadable.into())
        })
    }

    async fn guarded<T>(&self, call: impl Future<Output = object_store::Result<T>>) -> Result<T, GalleryError> {
        let permit = self.breaker.acquire()?;
        // A wait for a disk or the network, not business time: it runs by tokio's timer and not by the injected clock.
        let failure = match tokio::time::timeout(OBJECT_LIMIT, call).await {
            Ok(Ok(answer)) => {
                permit.success();
                return Ok(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the object store took longer than {} s", OBJECT_LIMIT.as_secs()),
        };
        permit.failure();
        Err(GalleryError::Away(failure))
    }

    async fn objects(&self) -> object_store::Result<&Arc<dyn ObjectStore>> {
        self.objects.get_or_try_init(|| open(&self.folder)).await
    }
}

/// Opens when half of the last ten objects failed, and tries again after ten seconds.
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
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)))
}

fn key(id: &PictureId, size: Size) -> Key {
    Key::from_iter([id.to_string(), size.to_string()])
}

/// The folder `pictures` beside the SQLite file at `store_url`; of another engine, in the working folder.
pub fn beside(store_url: &str) -> PathBuf {
    let pictures = Path::new("pictures");
    let Some(file) = store_url.strip_prefix("sqlite:") else { return pictures.to_owned() };
    let file = file.trim_start_matches("//").split('?').next().unwrap_or_default();
    // The engine reads its URL so, too.
    let file = percent_decode_str(file).decode_utf8_lossy();
    Path::new(&*file).with_file_name(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_lie_beside_the_store() {
        for (url, folder) in [
            ("sqlite:product.db", "pictures"),
            ("sqlite:/data/my%20shop/product.db?mode=rwc", "/data/my shop/pictures"),
            ("sqlite:///data/product.db", "/data/pictures"),
            ("sqlite::memory:", "pictures"),
            ("postgres://db/product", "pictures"),
        ] {
            assert_eq!(beside(url), Path::new(folder), "{url}");
        }
    }
}
