//! Authentication and authorization: access tokens verified against auth's public keys, callers as extractors.

mod callers;
mod ended;
mod signed_token;
mod tokens;
mod verifier;

pub use callers::{Admin, Caller, Customer, PeerService, TokenLife};
pub use ended::{ACCESS_LIFETIME, EndedRights, EndedUser, LISTED_FOR};
pub use signed_token::SignedToken;
pub use tokens::{RemoteAuthority, ServiceToken, ServiceTokenRequest, ServiceTokens, VERIFIER};
pub use verifier::{AUDIENCE, Authority, Claims, ISSUER, Refused, Role, Verifier};
