//! Who is calling: tokens verified against auth's public keys, and what each kind of caller may do.

mod callers;
mod tokens;
mod verifier;

pub use callers::{Admin, Caller, Customer, PeerService};
pub use tokens::{RemoteJwks, ServiceToken, ServiceTokenRequest, ServiceTokens};
pub use verifier::{AUDIENCE, Claims, ISSUER, JwksSource, Refused, Role, Verifier};
