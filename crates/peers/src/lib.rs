//! Typed requests, answers and clients of the services' internal API.
