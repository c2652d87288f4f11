//! A service's frame: configuration, telemetry, health, problems, authentication, calls, shutdown.
