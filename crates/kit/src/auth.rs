//! Authentication and authorization: access tokens verified against auth's public keys, callers as extractors.

mod callers;
mod tokens;
mod verifier;

pub use callers::{Admin, Caller, Customer, PeerService};
pub use tokens::{RemoteJwks, ServiceToken, ServiceTokenRequest, ServiceTokens};
pub use verifier::{AUDIENCE, Claims, ISSUER, JwksSource, Refused, Role, Verifier};
