//! For tests only: starts services, builds data, turns the clock, waits for what is eventual.
