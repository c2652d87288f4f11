//! Permissions as extractors: the signature of a handler names its callers.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use souk_values::UserId;

use crate::{
    Problem,
    auth::{Claims, Refused, Role, Verifier},
};

/// A person with any token: guest, customer or admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Id of the user or guest.
    pub user_id: UserId,
    /// Role that the token grants.
    pub role: Role,
    /// Display name; `None` for guests.
    pub username: Option<String>,
}

/// A registered person: customer or admin. Guests get 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// True for admins, who may see and change what belongs to others.
    pub is_admin: bool,
}

/// An admin of the shop. Others get 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Id of the admin.
    pub user_id: UserId,
    /// Display name of the admin.
    pub username: String,
}

/// Another service of the shop, by name. People get 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerService(pub String);

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "auth.forbidden", detail)
}

fn unauthorized(code: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

/// Returns the token of the header `Authorization: Bearer`.
pub(crate) fn bearer(headers: &axum::http::HeaderMap) -> Result<&str, Problem> {
    let missing = || unauthorized("auth.token_missing", "Sign in, and send the token as 'Authorization: Bearer …'.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => Ok(token.trim()),
        _ => Err(missing()),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid => unauthorized("auth.token_invalid", "The token is not valid. Sign in again."),
            Refused::Expired => unauthorized("auth.token_expired", "The token has expired. Refresh it or sign in."),
            Refused::Ended => unauthorized("auth.token_ended", "This sign-in has ended. Refresh the token or sign in."),
            Refused::KeysUnavailable(cause) => Self::unavailable("auth", &cause),
        }
    }
}

fn verifier(parts: &Parts) -> Result<&Verifier, Problem> {
    parts.extensions.get::<Verifier>().ok_or_else(|| Problem::internal(&"no verifier is laid over the routes"))
}

/// Returns the claims of the caller's token. An admin's rights are confirmed, whatever is done with them.
async fn claims(parts: &Parts) -> Result<Arc<Claims>, Problem> {
    let verifier = verifier(parts)?;
    let claims = verifier.verify(bearer(&parts.headers)?).await?;
    if claims.role == Role::Admin {
        verifier.confirm(&claims).await?;
    }
    Ok(claims)
}

/// The life of the caller's token, for a response that lasts longer than a moment.
#[derive(Debug, Clone)]
pub struct TokenLife {
    verifier: Verifier,
    claims: Arc<Claims>,
}

impl TokenLife {
    /// True once the token has expired, or the rights that it proves have ended.
    pub async fn is_over(&self) -> bool {
        self.verifier.check(&self.claims).await.is_err()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TokenLife {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self { claims: claims(parts).await?, verifier: verifier(parts)?.clone() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let claims = claims(parts).await?;
        let user_id = claims.user_id().ok_or_else(|| forbidden("This is for people, not for services."))?;
        Ok(Self { user_id, role: claims.role, username: claims.username.clone() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Customer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Customer | Role::Admin => Ok(Self {
                user_id: caller.user_id,
                username: caller.username.unwrap_or_default(),
                is_admin: caller.role == Role::Admin,
            }),
            Role::Guest | Role::Service => Err(forbidden("Register or sign in to do this.")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.role == Role::Admin {
            Ok(Self { user_id: caller.user_id, username: caller.username.unwrap_or_default() })
        } else {
            Err(forbidden("Only an admin may do this."))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PeerService {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let claims = claims(parts).await?;
        if claims.role == Role::Service {
            Ok(Self(claims.sub.clone()))
        } else {
            Err(forbidden("This is for the shop's services."))
        }
    }
}
