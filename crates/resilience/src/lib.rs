//! Circuit breaker, retry, time limit.
