//! Buckets in Redis, shared by all gateways.
//!
//! All buckets of a request are one script, so that a refused request takes nothing. Redis being slow or away is reported
//! once, and costs no request more than [`RESPONSE_TIMEOUT`]; the connection is made again beside the requests.

use std::{
    fmt,
    sync::{Arc, LazyLock, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, RedisResult, Script, aio::MultiplexedConnection,
    io::tcp::TcpSettings,
};
use souk_values::Clock;

use super::{Buckets, Exceeded, Quota, Subject};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time after which a request is counted in memory instead.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(100);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// The generic cell rate algorithm, as in `souk_resilience::RateLimiter`: the value of a key is the time at which the
/// bucket is full again. Times are whole microseconds below 2^53, which Lua's numbers hold exactly. A bucket is never more
/// than empty, so that a gateway whose clock is ahead does not make those of the others wait for its future.
///
/// KEYS: the buckets. ARGV: the time, then for each bucket the time for a request and that for a full bucket. Returns for
/// each bucket the time until it is full, or, of the bucket that refuses for longest, its number and the time to wait.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local now = tonumber(ARGV[1])
        local missing, refused, wait = {}, 0, 0
        for i, key in ipairs(KEYS) do
            local one, size = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
            local full_at = tonumber(redis.call('GET', key) or now)
            missing[i] = math.min(math.max(full_at - now, 0), size) + one
            if missing[i] - size > wait then
                refused, wait = i, missing[i] - size
            end
        end
        if refused > 0 then
            return {refused, wait}
        end
        for i, key in ipairs(KEYS) do
            redis.call('SET', key, string.format('%.0f', now + missing[i]), 'PX', math.ceil(missing[i] / 1000))
        end
        return {0, unpack(missing)}
        ",
    )
});

pub(crate) struct SharedBuckets {
    client: Client,
    /// Begins every key; the hash tag keeps them in one slot of a cluster, as a script requires.
    prefix: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Number of the connection, so that an error ends only the one that it is of.
    number: u64,
    is_connecting: bool,
    /// True once a failure is in the log, until there is a connection again.
    is_reported: bool,
}

impl fmt::Debug for SharedBuckets {
    // The client knows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBuckets").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl SharedBuckets {
    /// Returns buckets in the Redis at `url`; connects when they are first used. Errors: not the URL of a Redis.
    pub fn new(url: &str) -> Result<Arc<Self>, &'static str> {
        if !matches!(url.split_once(':'), Some(("redis" | "rediss", _))) {
            return Err("its scheme is neither redis nor rediss");
        }
        let (url, prefix) = match url.split_once("?prefix=") {
            Some((url, prefix)) => (url, prefix),
            None => (url, "souk:"),
        };
        if prefix.is_empty() || prefix.contains(['{', '}', '&']) {
            return Err("its prefix is empty, or has a brace or more parameters");
        }
        let invalid = |_| "it is not redis://user:password@host:port/database";
        // Requests share a connection, and one must not wait until that of another is acknowledged.
        let nodelay = TcpSettings::default().set_nodelay(true);
        let info = url.into_connection_info().map_err(invalid)?.set_tcp_settings(nodelay);
        let client = Client::open(info).map_err(invalid)?;
        Ok(Arc::new(Self { client, prefix: format!("{prefix}{{limits}}:"), state: Mutex::default() }))
    }

    /// Takes a request from all buckets, or from none. Returns `None` if Redis does not answer.
    pub(super) async fn take(
        self: &Arc<Self>,
        demand: &[(&Buckets, Subject)],
        clock: &dyn Clock,
    ) -> Option<Result<Quota, Exceeded>> {
        let (mut connection, number) = self.connection()?;
        let mut call = TAKE.prepare_invoke();
        call.arg(clock.now().millis().saturating_mul(1_000));
        for (buckets, subject) in demand {
            let (one, size) = times(buckets);
            call.key(self.key(buckets, *subject)).arg(one).arg(size);
        }
        let response: RedisResult<Vec<i64>> = call.invoke_async(&mut connection).await;
        match response {
            Ok(response) => read(demand, &response),
            Err(error) => {
                let mut state = self.state.lock();
                if state.number == number {
                    state.connection = None;
                    state.report(&error);
                }
                None
            }
        }
    }

    fn key(&self, buckets: &Buckets, subject: Subject) -> String {
        let (prefix, name) = (&self.prefix, buckets.name);
        match subject {
            Subject::Address(address) | Subject::Network(address) => format!("{prefix}{name}:{address}"),
            Subject::User(user) => format!("{prefix}{name}:{user}"),
        }
    }

    /// Returns the connection and its number. Without one, it is made in the background.
    fn connection(self: &Arc<Self>) -> Option<(MultiplexedConnection, u64)> {
        let mut state = self.state.lock();
        if let Some(connection) = &state.connection {
            return Some((connection.clone(), state.number));
        }
        if !std::mem::replace(&mut state.is_connecting, true) {
            tokio::spawn(connect(self.client.clone(), Arc::downgrade(self)));
        }
        None
    }

    /// Stores a new connection, or reports why there is none. Returns true if there is one.
    fn learn(&self, connected: RedisResult<MultiplexedConnection>) -> bool {
        let mut state = self.state.lock();
        match connected {
            Ok(connection) => {
                if std::mem::take(&mut state.is_reported) {
                    tracing::info!(service = "gateway", "requests are counted in Redis again");
                }
                state.connection = Some(connection);
                state.number += 1;
                state.is_connecting = false;
                true
            }
            Err(error) => {
                state.report(&error);
                false
            }
        }
    }
}

/// Connects, with pauses, until there is a connection, or the gateway has ended.
async fn connect(client: Client, buckets: Weak<SharedBuckets>) {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    loop {
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        match buckets.upgrade() {
            Some(buckets) if !buckets.learn(connected) => {}
            _ => return,
        }
        // Real time on purpose: the pace of reconnecting is not business logic.
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

impl State {
    fn report(&mut self, error: &redis::RedisError) {
        if !std::mem::replace(&mut self.is_reported, true) {
            tracing::warn!(service = "gateway", error = %error,
                "Redis does not answer: each gateway counts requests in its own memory until it does");
        }
    }
}

/// Returns the time for a request and that for a full bucket, in microseconds.
fn times(buckets: &Buckets) -> (i64, i64) {
    let rate = buckets.config.rate();
    let one = i64::try_from(rate.every.as_micros()).unwrap_or(i64::MAX).max(1);
    (one, one.saturating_mul(i64::from(rate.burst)))
}

/// Returns the outcome that the script responded; `None` for anything that it cannot have responded.
fn read(demand: &[(&Buckets, Subject)], response: &[i64]) -> Option<Result<Quota, Exceeded>> {
    match response {
        [0, missing @ ..] if missing.len() == demand.len() => {
            let left = demand.iter().zip(missing).map(|((buckets, _), missing)| {
                let (one, size) = times(buckets);
                (u32::try_from((size - missing) / one).unwrap_or(0), *buckets)
            });
            let (requests, buckets) = left.min_by_key(|(requests, _)| *requests)?;
            Some(Ok(buckets.quota(requests)))
        }
        [refused, wait] => {
            let (buckets, _) = demand.get(usize::try_from(*refused).ok()?.checked_sub(1)?)?;
            Some(Err(buckets.exceeded(Duration::from_micros(u64::try_from(*wait).ok()?))))
        }
        _ => None,
    }
}
