//! The filter `CircuitBreaker`: a breaker of the route's own, failures by status, and an answer in place of a failed one.

use http::{StatusCode, uri::PathAndQuery};

use crate::{definition::Definition, raw_path};

#[derive(Debug)]
pub(crate) struct BreakerFilter {
    /// Name of the breaker; `None` for that of the route's target.
    pub name: Option<String>,
    /// Path of this gateway that answers when the target does not.
    pub fallback: Option<PathAndQuery>,
    /// Responses that count as failures, and are replaced by the fallback.
    pub statuses: Vec<StatusCode>,
}

impl BreakerFilter {
    pub fn parse(definition: &Definition) -> Result<Self, String> {
        let [name, fallback, statuses] = definition.args(["name", "fallbackUri", "statusCodes"])?;
        let fallback = fallback.map(|uri| {
            let path = uri.strip_prefix("forward:").and_then(|path| path.parse::<PathAndQuery>().ok());
            let is_reachable =
                |path: &PathAndQuery| raw_path::check(path.path()).is_ok() && !raw_path::is_internal(path.path());
            path.filter(is_reachable)
                .ok_or_else(|| format!("{definition}: fallbackUri must be forward:/a/path of this gateway"))
        });
        let status = |text: &str| text.trim().parse().map_err(|_| format!("{definition}: '{text}' is not a status"));
        let statuses = statuses.map(|list| list.split([',', ':']).map(status).collect::<Result<_, String>>());
        Ok(Self {
            name: name.map(str::to_owned),
            fallback: fallback.transpose()?,
            statuses: statuses.transpose()?.unwrap_or_default(),
        })
    }
}
