//! Budgets of failed sign-ins, taken before a password is hashed and given back if it was correct.
//!
//! In memory, for each replica: they are about load and guesses by the thousand. The failures that make one user's next
//! attempt wait are in the store.

use std::{net::IpAddr, sync::Arc, time::Duration};

use souk_resilience::{Limited, Rate, RateLimiter};
use souk_values::Clock;

use crate::{error::AuthError, throttle::network};

/// Failures from one address: an office behind one has typos too.
const ADDRESS: Rate = Rate { burst: 30, every: Duration::from_secs(5) };
/// Failures at one name from anywhere but a known device.
const NAME: Rate = Rate { burst: 30, every: Duration::from_secs(120) };
/// Failures at all names from anywhere but known devices: one password tried at many names is slowed, too.
const OVERALL: Rate = Rate { burst: 200, every: Duration::from_millis(50) };
/// Failures of one known device.
const DEVICE: Rate = Rate { burst: 10, every: Duration::from_secs(60) };
/// Requests of one address that reach auth without a gateway, which would limit them.
const DIRECT: Rate = Rate { burst: 100, every: Duration::from_millis(20) };
/// Limit of addresses, names and devices that are remembered.
const CAPACITY: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Budgets {
    addresses: RateLimiter<String>,
    names: RateLimiter<String>,
    overall: RateLimiter<()>,
    devices: RateLimiter<String>,
    direct: RateLimiter<String>,
}

/// A failure that was taken from the budgets, before it is known whether it is one. Dropped, it counts as one.
#[must_use]
#[derive(Debug)]
pub(crate) enum Budgeted {
    Stranger {
        address: String,
        name: String,
    },
    /// Hash of the device's token, or id of a user with a token.
    Known(String),
}

impl Budgets {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        let of = |rate| RateLimiter::new(rate, CAPACITY, Arc::clone(clock));
        let overall = RateLimiter::new(OVERALL, 16, Arc::clone(clock));
        Self { addresses: of(ADDRESS), names: of(NAME), overall, devices: of(DEVICE), direct: of(DIRECT) }
    }

    /// Takes a failure of a stranger who signs in as `name`. Errors: `TooManyAttempts`.
    pub(crate) fn take(&self, from: IpAddr, name: String) -> Result<Budgeted, AuthError> {
        let address = network(from);
        self.addresses.take(address.clone()).map_err(too_many)?;
        if let Err(limited) = self.names.take(name.clone()) {
            self.addresses.give_back(&address);
            return Err(too_many(limited));
        }
        if let Err(limited) = self.overall.take(()) {
            self.addresses.give_back(&address);
            self.names.give_back(&name);
            return Err(too_many(limited));
        }
        Ok(Budgeted::Stranger { address, name })
    }

    /// Takes a failure of a known device, or of a caller with a token. Errors: `TooManyAttempts`.
    pub(crate) fn take_known(&self, key: String) -> Result<Budgeted, AuthError> {
        self.devices.take(key.clone()).map_err(too_many)?;
        Ok(Budgeted::Known(key))
    }

    /// Takes a request of a client that calls auth directly. Errors: `TooManyRequests`.
    pub(crate) fn take_direct(&self, from: IpAddr) -> Result<(), AuthError> {
        let taken = self.direct.take(network(from));
        taken.map(|_| ()).map_err(|limited| AuthError::TooManyRequests(limited.retry_after))
    }

    /// Gives back what turned out to be no failure.
    pub(crate) fn give_back(&self, budgeted: Budgeted) {
        match budgeted {
            Budgeted::Known(key) => self.devices.give_back(&key),
            Budgeted::Stranger { address, name } => {
                self.addresses.give_back(&address);
                self.names.give_back(&name);
                self.overall.give_back(&());
            }
        }
    }

    /// Forgets the failures at `name`: its owner has proved to be someone else than whoever failed.
    pub(crate) fn forgive(&self, name: &str) {
        self.names.fill(&name.to_owned());
    }
}

fn too_many(limited: Limited) -> AuthError {
    AuthError::TooManyAttempts(limited.retry_after)
}

#[cfg(test)]
mod tests {
    use souk_values::ShiftedClock;

    use super::*;

    fn budgets() -> (Arc<ShiftedClock>, Budgets) {
        let clock = ShiftedClock::new(Duration::ZERO);
        let shared: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&clock);
        (clock, Budgets::new(&shared))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    /// Number of failures that are granted, at most 1,000.
    fn granted(mut take: impl FnMut(u32) -> Result<Budgeted, AuthError>) -> u32 {
        (0..1_000).take_while(|number| take(*number).is_ok()).map(|_| 1).sum()
    }

    #[test]
    fn failures_are_limited_by_address_by_name_and_over_all() {
        let (_, budgets) = budgets();
        assert_eq!(granted(|number| budgets.take(address(1), format!("name{number}"))), 30);
        assert_eq!(granted(|number| budgets.take(address(10 + number), "ada".to_owned())), 30);
        let sprayed = granted(|number| budgets.take(address(1_000 + number), format!("other{number}")));
        // Fifty milliseconds that the test takes are worth a token.
        assert!((140..=150).contains(&sprayed), "{sprayed}");
        // A device that the user has signed in from before is none of their business.
        assert_eq!(granted(|_| budgets.take_known("device".to_owned())), 10);
    }

    #[test]
    fn successes_cost_nothing_and_time_and_proof_forgive() {
        let (clock, budgets) = budgets();
        for _ in 0..1_000 {
            let budgeted = budgets.take(address(1), "ada".to_owned()).unwrap();
            budgets.give_back(budgeted);
        }
        assert_eq!(granted(|number| budgets.take(address(1 + number), "ada".to_owned())), 30);
        budgets.forgive("ada");
        assert_eq!(granted(|number| budgets.take(address(100 + number), "ada".to_owned())), 30);
        clock.advance(Duration::from_secs(240));
        assert_eq!(granted(|number| budgets.take(address(100 + number), "ada".to_owned())), 2);
    }
}
