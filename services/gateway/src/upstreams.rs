//! The services behind: their addresses, and the pooled connections to them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use souk_kit::call::{Chosen, Directory, NoInstance};

use crate::{route::Target, upload::Upload};

/// How long a connection waits for its next request. Below the 30 s after which services may close it.
const IDLE: Duration = Duration::from_secs(25);
/// How long one of the gateway's own questions may take.
const QUESTION: Duration = Duration::from_secs(2);
/// The largest answer to one: a document.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Addresses remembered at most; instances come and go.
const MAX_ADDRESSES: usize = 1_024;

/// The services. Cloning shares addresses and connections.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    directory: Directory,
    client: Client<HttpConnector, Upload>,
    addresses: Arc<RwLock<HashMap<String, Address>>>,
}

/// Where requests are sent.
#[derive(Debug, Clone)]
struct Address {
    authority: uri::Authority,
    host: HeaderValue,
}

/// One instance, chosen for one request.
#[derive(Debug)]
pub(crate) struct Instance {
    address: Address,
    /// Counts as in flight there until dropped. Absent for a fixed address.
    pub chosen: Option<Chosen>,
}

impl Instance {
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.address.authority == other.address.authority
    }

    /// No connection to it could be made: others are chosen for a while.
    pub fn cannot_be_reached(&self) {
        self.chosen.iter().for_each(Chosen::cannot_be_reached);
    }
}

impl Upstreams {
    pub fn new(directory: Directory, connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            // The gateway writes Host itself.
            .set_host(false)
            .build(connector);
        Self { directory, client, addresses: Arc::default() }
    }

    /// One instance of `target`. Errors: none is known.
    pub fn choose(&self, target: &Target) -> Result<Instance, NoInstance> {
        match target {
            Target::Service(name) => {
                let chosen = self.directory.choose(name)?;
                let address = self.address(chosen.base()).ok_or_else(|| NoInstance(name.clone()))?;
                Ok(Instance { address, chosen: Some(chosen) })
            }
            Target::Address(base) => {
                let address = self.address(base).ok_or_else(|| NoInstance(base.clone()))?;
                Ok(Instance { address, chosen: None })
            }
        }
    }

    fn address(&self, base: &str) -> Option<Address> {
        if let Some(known) = self.addresses.read().unwrap_or_else(PoisonError::into_inner).get(base) {
            return Some(known.clone());
        }
        let authority: uri::Authority = base.strip_prefix("http://")?.split('/').next()?.parse().ok()?;
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        let address = Address { authority, host };
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= MAX_ADDRESSES {
            addresses.clear();
        }
        addresses.insert(base.to_owned(), address.clone());
        Some(address)
    }

    /// Sends a request to `instance`; answers once the head of its answer is there.
    pub fn send(
        &self,
        instance: &Instance,
        method: Method,
        path: uri::PathAndQuery,
        headers: HeaderMap,
        body: Upload,
    ) -> impl Future<Output = Result<Response<Incoming>, Error>> + use<> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::HOST, instance.address.host.clone());
        let mut parts = uri::Parts::default();
        parts.scheme = Some(uri::Scheme::HTTP);
        parts.authority = Some(instance.address.authority.clone());
        parts.path_and_query = Some(path);
        // All three parts are there, which is all that is asked of a URI.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        self.client.request(request)
    }

    /// Asks `service` for `path` on the gateway's own behalf. Errors: a sentence why there is no answer.
    pub async fn ask(&self, service: &str, path: &'static str) -> Result<(StatusCode, Bytes), String> {
        let instance = self.choose(&Target::Service(service.to_owned())).map_err(|error| error.to_string())?;
        let path = uri::PathAndQuery::from_static(path);
        let sent = self.send(&instance, Method::GET, path, HeaderMap::new(), Upload::default());
        let whole = async {
            let response = sent.await.map_err(|error| chain(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            body.map(|body| (status, body.to_bytes())).map_err(|error| error.to_string())
        };
        tokio::time::timeout(QUESTION, whole).await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
