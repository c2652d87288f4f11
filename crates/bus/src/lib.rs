//! Carries events between services: transports, outbox relay, inbox, dead letters.
