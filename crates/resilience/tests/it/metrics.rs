//! The exported metrics of a breaker, by name and label.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use souk_resilience::State;

use crate::rig::Rig;

fn recorded(build: impl FnOnce() -> Rig) -> (Rig, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let rig = metrics::with_local_recorder(&recorder, build);
    (rig, recorder.handle())
}

fn assert_shows(handle: &PrometheusHandle, name: &str, label: &str, value: &str) {
    let label = if label.is_empty() { String::new() } else { format!(",{label}") };
    let line = format!("resilience4j_{name}{{service=\"order\",name=\"product\"{label}}} {value}");
    let text = handle.render();
    assert!(text.lines().any(|shown| shown == line), "no {line} in\n{text}");
}

#[test]
fn a_new_breaker_shows_all_its_series() {
    let (_rig, handle) = recorded(Rig::small);
    for state in State::ALL {
        let value = if state == State::Closed { "1" } else { "0" };
        assert_shows(&handle, "circuitbreaker_state", &format!("state=\"{}\"", state.label()), value);
    }
    for kind in ["failed", "successful"] {
        assert_shows(&handle, "circuitbreaker_buffered_calls", &format!("kind=\"{kind}\""), "0");
        assert_shows(&handle, "circuitbreaker_slow_calls", &format!("kind=\"{kind}\""), "0");
    }
    assert_shows(&handle, "circuitbreaker_failure_rate", "", "-1");
    assert_shows(&handle, "circuitbreaker_slow_call_rate", "", "-1");
    assert_shows(&handle, "circuitbreaker_not_permitted_calls_total", "kind=\"not_permitted\"", "0");
}

#[test]
fn calls_update_the_series() {
    let (rig, handle) = recorded(Rig::small);
    rig.call(200, true);
    rig.call(300, false);
    rig.ok();
    rig.breaker.acquire().unwrap().ignore();
    assert_shows(&handle, "circuitbreaker_buffered_calls", "kind=\"successful\"", "2");
    assert_shows(&handle, "circuitbreaker_buffered_calls", "kind=\"failed\"", "1");
    assert_shows(&handle, "circuitbreaker_slow_calls", "kind=\"successful\"", "1");
    assert_shows(&handle, "circuitbreaker_slow_calls", "kind=\"failed\"", "1");
    rig.fail();
    assert_shows(&handle, "circuitbreaker_failure_rate", "", "50");
    assert_shows(&handle, "circuitbreaker_slow_call_rate", "", "50");
    assert_shows(&handle, "circuitbreaker_state", "state=\"open\"", "1");
    assert_shows(&handle, "circuitbreaker_state", "state=\"closed\"", "0");
    assert!(rig.is_denied());
    assert_shows(&handle, "circuitbreaker_not_permitted_calls_total", "kind=\"not_permitted\"", "1");
    assert_shows(&handle, "circuitbreaker_calls_seconds_count", "kind=\"successful\"", "2");
    assert_shows(&handle, "circuitbreaker_calls_seconds_sum", "kind=\"successful\"", "0.2");
    assert_shows(&handle, "circuitbreaker_calls_seconds_count", "kind=\"failed\"", "2");
    assert_shows(&handle, "circuitbreaker_calls_seconds_count", "kind=\"ignored\"", "1");
}

#[test]
fn closing_resets_the_series() {
    let (rig, handle) = recorded(Rig::opened);
    rig.wait_over();
    (0..3).for_each(|_| rig.ok());
    assert_shows(&handle, "circuitbreaker_state", "state=\"closed\"", "1");
    assert_shows(&handle, "circuitbreaker_buffered_calls", "kind=\"successful\"", "0");
    assert_shows(&handle, "circuitbreaker_failure_rate", "", "-1");
}

#[test]
fn a_disabled_breaker_records_nothing() {
    let (rig, handle) = recorded(Rig::small);
    rig.breaker.transition_to(State::Disabled).unwrap();
    rig.call(5, true);
    assert!(!handle.render().contains("calls_seconds_count{service=\"order\",name=\"product\",kind=\"successful\"} 1"));
}
