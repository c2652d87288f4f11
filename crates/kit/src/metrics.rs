//! Every metric that all services have: of their process, stores and queues.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use procfs::WithCurrentSystemInfo;
use souk_values::gauge_value;

/// Label `service` of the series of the process, whose CPU and memory its services share.
pub(crate) const PROCESS: &str = "souk";

// Names of Prometheus' client libraries.
const CPU: &str = "process_cpu_seconds_total";
const RESIDENT: &str = "process_resident_memory_bytes";
const VIRTUAL: &str = "process_virtual_memory_bytes";
const FILES: &str = "process_open_fds";
const THREADS: &str = "process_threads";
// OpenTelemetry's name.
const REQUESTS: &str = "http_server_request_duration_seconds";
const CONNECTIONS: &str = "db_client_connections";
const DEAD_LETTERS: &str = "dead_letters";

/// Describes the series.
pub(crate) fn describe() {
    souk_bus::metrics::describe();
    crate::retention::describe();
    describe_counter!(CPU, "Processor time of the process in seconds, user and system");
    describe_gauge!(RESIDENT, "Memory of the process in RAM");
    describe_gauge!(VIRTUAL, "Address space of the process");
    describe_gauge!(FILES, "Open files and sockets of the process");
    describe_gauge!(THREADS, "Threads of the process");
    describe_histogram!(REQUESTS, "Time from a request to the headers of its response, in seconds");
    describe_gauge!(CONNECTIONS, "Connections of a service to its store, by state");
    describe_gauge!(DEAD_LETTERS, "Messages of a queue that no attempt could process");
}

/// Publishes CPU time, memory, threads and files of the process.
pub(crate) fn process() {
    let Ok(me) = procfs::process::Process::myself() else { return };
    let Ok(stat) = me.stat() else { return };
    let seconds = (stat.utime + stat.stime) / procfs::ticks_per_second().max(1);
    counter!(CPU, "service" => PROCESS).absolute(seconds);
    // `gauge_value` takes 32 bits, so bytes go through KiB.
    let bytes = |bytes: u64| gauge_value(bytes / 1024) * 1024.0;
    gauge!(RESIDENT, "service" => PROCESS).set(bytes(stat.rss_bytes().get()));
    gauge!(VIRTUAL, "service" => PROCESS).set(bytes(stat.vsize));
    if let Ok(open) = me.fd_count() {
        gauge!(FILES, "service" => PROCESS).set(gauge_value(open));
    }
    gauge!(THREADS, "service" => PROCESS).set(gauge_value(stat.num_threads));
}

/// Records a request that was answered. `method` and `route` are of closed sets.
pub(crate) fn request(
    service: &'static str,
    method: &'static str,
    route: &str,
    status: StatusCode,
    duration: Duration,
) {
    histogram!(REQUESTS,
        "service" => service,
        "http_request_method" => method,
        "http_route" => route.to_owned(),
        "http_response_status_code" => status.as_str().to_owned())
    .record(duration.as_secs_f64());
}

pub(crate) fn connections(service: &'static str, state: &'static str, count: u32) {
    gauge!(CONNECTIONS, "service" => service, "state" => state).set(f64::from(count));
}

pub(crate) fn dead_letters(service: &'static str, queue: &'static str, count: u64) {
    gauge!(DEAD_LETTERS, "service" => service, "queue" => queue).set(gauge_value(count));
}
