//! Every event that crosses a service, and the topology that carries them.
