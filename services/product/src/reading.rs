//! Public reads: from the index and its prepared answers, and from the store as long as the index is not ready.
//!
//! Admins read the store itself: what they edit is what they see.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use souk_values::{PageRequest, ProductId};

use crate::{
    answers::{PageKey, Prepared},
    app::App,
    error::ProductError,
    index::{CatalogueIndex, IndexError, Suggested},
    routes::product_view::ProductPage,
    store::{Filter, ListEntry, SearchResult, Sort},
};

/// Longest time that an act waits until reads show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(3);
/// Products from which on a search gets a thread of its own: with fewer, it is done sooner than a thread has begun.
const MANY_PRODUCTS: usize = 200_000;

impl App {
    /// Returns the index once it has what the store has.
    pub(crate) fn ready_index(&self) -> Option<&CatalogueIndex> {
        self.index.as_ref().filter(|index| index.is_ready())
    }
}

/// Lets an act end once reads show what it changed: who saves a product and looks at its page sees it saved.
pub(crate) async fn show_changes(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_act = !matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if is_act {
        app.store.changes().shown(SHOWN_WITHIN).await;
    }
    response
}

/// Returns the prepared page of a product; `None` when the store has to be read.
pub(crate) fn page(app: &App, key: PageKey) -> Option<Prepared> {
    let index = app.ready_index()?;
    if let Some(kept) = app.answers.page(&key, index) {
        return Some(kept);
    }
    let id = match &key {
        PageKey::Id(id) => *id,
        PageKey::Slug(slug) => or_store(index.product_by_slug(slug))??,
    };
    let (stamp, found) = or_store(index.page(id))??;
    let page = ProductPage::indexed(found);
    let tag = page.tag();
    let prepared = or_store(Prepared::tagged(&page.view(false), tag).map_err(IndexError::from))?;
    app.answers.keep_page(key, stamp, prepared.clone());
    Some(prepared)
}

/// Returns a page of a list of groups; `None` when the store has to be read.
pub(crate) async fn search(app: &App, filter: &Filter, sort: Sort, page: PageRequest) -> Option<SearchResult> {
    let (index, filter) = (app.ready_index()?.clone(), filter.clone());
    or_store(apart(index, move |index| index.search(&filter, sort, page)).await)
}

/// Returns suggestions; `None` when there is no index yet.
pub(crate) async fn suggest(app: &App, query: String) -> Option<Suggested> {
    let index = app.ready_index()?.clone();
    or_store(apart(index, move |index| index.suggest(&query)).await)
}

/// Returns products that go with a product, as [`ProductStore::related`](crate::store::ProductStore::related) orders them;
/// `None` when the store has to be read. Errors: the store's, which alone knows what was bought together.
pub(crate) async fn related(
    app: &App,
    product_id: ProductId,
    count: usize,
) -> Result<Option<Vec<ListEntry>>, ProductError> {
    let Some(index) = app.ready_index().cloned() else { return Ok(None) };
    let Some(group_id) = index.group_of(product_id) else { return Ok(None) };
    let companions = app.store.companions(group_id).await?;
    Ok(or_store(apart(index, move |index| index.related(product_id, &companions, count)).await))
}

/// Returns the visible products of `ids`, in that order; `None` when the store has to be read.
pub(crate) fn products(app: &App, ids: &[ProductId]) -> Option<Vec<ListEntry>> {
    or_store(app.ready_index()?.products_in_order(ids))
}

async fn apart<T: Send + 'static>(
    index: CatalogueIndex,
    work: impl FnOnce(&CatalogueIndex) -> Result<T, IndexError> + Send + 'static,
) -> Result<T, IndexError> {
    if index.products() < MANY_PRODUCTS {
        return work(&index);
    }
    let turn = index.turn().await;
    let search = tokio::task::spawn_blocking(move || {
        let found = work(&index);
        drop(turn);
        found
    });
    search.await.map_err(|_| IndexError::Damaged("a search panicked"))?
}

/// Logs a failure of the index; the store answers instead.
fn or_store<T>(outcome: Result<T, IndexError>) -> Option<T> {
    outcome.inspect_err(|error| tracing::error!(%error, "the index of the catalogue failed; the store answers")).ok()
}
