//! The upstreams: their addresses, and the pooled connections to them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::Either;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::RwLock;
use souk_kit::call::{Chosen, Directory, LocalService, LocalServices, NoInstance};
use souk_values::error_chain;

use crate::{route::Target, upload::Upload};

/// Time that a connection is kept for its next request. Services may close it after 30 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);
/// Time limit of the gateway's own requests.
const OWN_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Size limit of a response to one of them, such as an OpenAPI document.
const MAX_OWN_RESPONSE: usize = 8 * 1024 * 1024;
/// Number of cached addresses above which the cache is cleared: instances come and go.
const MAX_ADDRESSES: usize = 1_024;

/// The upstreams. Cloning shares addresses and connections.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    directory: Directory,
    local: LocalServices,
    client: Client<HttpConnector, Upload>,
    addresses: Arc<RwLock<HashMap<String, UpstreamAddress>>>,
}
/// The body of an upstream's response, from a connection or from this process.
pub(crate) type Download = http_body_util::Either<Incoming, axum::body::Body>;

/// A request without a response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// From a connection.
    #[error(transparent)]
    Connection(#[from] hyper_util::client::legacy::Error),
    /// From a service of this process, which is ending.
    #[error(transparent)]
    Ending(#[from] std::io::Error),
}

impl SendError {
    /// Returns true if no connection could be made, so that nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connection(error) if error.is_connect())
    }
}

#[derive(Debug, Clone)]
struct UpstreamAddress {
    authority: uri::Authority,
    host: HeaderValue,
}

/// An instance that was chosen for one request.
#[derive(Debug)]
pub(crate) struct UpstreamInstance {
    address: UpstreamAddress,
    /// The instance itself, if it is in this process.
    local: Option<LocalService>,
    /// Counts the request as in flight until dropped; `None` for a fixed address.
    pub chosen: Option<Chosen>,
}

impl UpstreamInstance {
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.address.authority == other.address.authority
    }

    /// Excludes the instance for a while, because no connection to it could be made.
    pub fn mark_unreachable(&self) {
        self.chosen.iter().for_each(Chosen::mark_unreachable);
    }
}

impl Upstreams {
    pub fn new(directory: Directory, local: LocalServices, connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            // `send` sets Host.
            .set_host(false)
            .build(connector);
        Self { directory, local, client, addresses: Arc::default() }
    }

    /// Returns the directory of all instances.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub fn choose(&self, target: &Target) -> Result<UpstreamInstance, NoInstance> {
        let (name, chosen) = match target {
            Target::Service(name) => (name, Some(self.directory.choose(name)?)),
            Target::Address(base) => (base, None),
        };
        let base = chosen.as_ref().map_or(name.as_str(), Chosen::base);
        let address = self.address(base).ok_or_else(|| NoInstance(name.clone()))?;
        Ok(UpstreamInstance { address, local: self.local.at(base), chosen })
    }

    fn address(&self, base: &str) -> Option<UpstreamAddress> {
        if let Some(known) = self.addresses.read().get(base) {
            return Some(known.clone());
        }
        let authority: uri::Authority = base.strip_prefix("http://")?.split('/').next()?.parse().ok()?;
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        let address = UpstreamAddress { authority, host };
        let mut addresses = self.addresses.write();
        if addresses.len() >= MAX_ADDRESSES {
            addresses.clear();
        }
        addresses.insert(base.to_owned(), address.clone());
        Some(address)
    }

    /// Sends a request to `instance` and returns the head of its response. A `Host` in `headers` is kept.
    pub fn send(
        &self,
        instance: &UpstreamInstance,
        method: Method,
        path: uri::PathAndQuery,
        headers: HeaderMap,
        body: Upload,
    ) -> impl Future<Output = Result<Response<Download>, SendError>> + use<> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        request.headers_mut().entry(header::HOST).or_insert_with(|| instance.address.host.clone());
        let mut parts = uri::Parts::default();
        parts.scheme = Some(uri::Scheme::HTTP);
        parts.authority = Some(instance.address.authority.clone());
        parts.path_and_query = Some(path);
        // Cannot fail: scheme, authority and path are all set.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        if let Some(service) = instance.local.clone() {
            return Either::Left(async move {
                let response = service.send(request.map(axum::body::Body::new)).await?;
                Ok(response.map(http_body_util::Either::Right))
            });
        }
        let sent = self.client.request(request);
        Either::Right(async move { Ok(sent.await?.map(http_body_util::Either::Left)) })
    }

    /// Sends the gateway's own request for `path` to `service`.
    ///
    /// Errors: the reason why there is no response, for the log.
    pub async fn get(&self, service: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
        let service = Target::Service(service.to_owned());
        self.get_with(&service, path, HeaderMap::new(), OWN_REQUEST_TIMEOUT).await
    }

    /// Sends the gateway's own request for `path` with `headers` to `target`, and waits for the whole response within
    /// `limit`.
    ///
    /// Errors: the reason why there is no response, for the log.
    pub async fn get_with(
        &self,
        target: &Target,
        path: &str,
        headers: HeaderMap,
        limit: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        let instance = self.choose(target).map_err(|error| error.to_string())?;
        let path = uri::PathAndQuery::try_from(path).map_err(|error| error.to_string())?;
        let sent = self.send(&instance, Method::GET, path, headers, Upload::default());
        let whole = async {
            let response = sent.await.map_err(|error| error_chain(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_OWN_RESPONSE).collect().await;
            body.map(|body| (status, body.to_bytes())).map_err(|error| error.to_string())
        };
        let timed = tokio::time::timeout(limit, whole).await;
        timed.unwrap_or_else(|_| Err("it did not respond in time".to_owned()))
    }
}
