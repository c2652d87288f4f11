//! The time limit: calls in time, late calls, and their metrics.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;
use souk_resilience::{TimeLimit, TimedOut};
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_millis(100);

#[derive(Debug, PartialEq)]
enum CallError {
    TimedOut(TimedOut),
    Refused,
}

impl From<TimedOut> for CallError {
    fn from(error: TimedOut) -> Self {
        Self::TimedOut(error)
    }
}

async fn result_after(millis: u64, result: Result<u8, CallError>) -> Result<u8, CallError> {
    sleep(Duration::from_millis(millis)).await;
    result
}

#[tokio::test(start_paused = true)]
async fn results_in_time_pass_and_late_ones_do_not() {
    let limit = TimeLimit::new("order", "product", LIMIT);
    assert_eq!(limit.run(result_after(99, Ok(1))).await, Ok(1));
    assert_eq!(limit.run(result_after(99, Err(CallError::Refused))).await, Err(CallError::Refused));
    let started = Instant::now();
    let late = limit.run(result_after(10_000, Ok(1))).await.unwrap_err();
    assert_eq!(late, CallError::TimedOut(TimedOut { limit: LIMIT }));
    assert!(started.elapsed() < Duration::from_millis(110));
    assert_eq!(TimedOut { limit: LIMIT }.to_string(), "no answer within 100 ms");
}

#[tokio::test(start_paused = true)]
async fn a_late_call_is_dropped() {
    let limit = TimeLimit::new("order", "product", LIMIT);
    let held = Arc::new(());
    let watch: Weak<()> = Arc::downgrade(&held);
    let call = async move {
        sleep(Duration::from_secs(10)).await;
        drop(held);
        Ok::<_, CallError>(())
    };
    assert!(limit.run(call).await.is_err());
    assert!(watch.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn each_call_is_counted_by_how_it_ended() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let limit = metrics::with_local_recorder(&recorder, || TimeLimit::new("order", "product", LIMIT));
    for millis in [1, 2, 500] {
        let _ = limit.run(result_after(millis, Ok(1))).await;
    }
    let _ = limit.run(result_after(1, Err(CallError::Refused))).await;
    let text = recorder.handle().render();
    for (kind, count) in [("successful", 2), ("failed", 1), ("timeout", 1)] {
        let line = format!(
            "resilience4j_timelimiter_calls_total{{service=\"order\",name=\"product\",kind=\"{kind}\"}} {count}"
        );
        assert!(text.contains(&line), "no {line} in\n{text}");
    }
}
