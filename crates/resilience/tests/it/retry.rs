//! Retry: its conditions, the number of attempts, the pauses and the budget.

use std::{cell::Cell, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use souk_resilience::{Retry, RetryBudget, RetryBudgetConfig, RetryPolicy};
use souk_values::IdGen;
use tokio::time::Instant;

use crate::rig::StillClock;

fn retry_within(budget: &Arc<RetryBudget>, policy: RetryPolicy) -> Retry {
    let random = IdGen::seeded(StillClock::new(), StdRng::seed_from_u64(7));
    Retry::new("order", "product", policy, Arc::clone(budget), random)
}

fn retry() -> Retry {
    retry_within(&RetryBudget::new(RetryBudgetConfig::default(), StillClock::new()), RetryPolicy::default())
}

/// Fails until attempt `succeeds_at`, then returns its number.
async fn run(retry: &Retry, succeeds_at: u32) -> Result<u32, u32> {
    retry.run(async |attempt| if attempt >= succeeds_at { Ok(attempt) } else { Err(attempt) }, |_| true).await
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_in_total() {
    assert_eq!(run(&retry(), 1).await, Ok(1));
    assert_eq!(run(&retry(), 3).await, Ok(3));
    assert_eq!(run(&retry(), 4).await, Err(3));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_retryable_is_returned_immediately() {
    let calls = Cell::new(0);
    let attempt = async |_| {
        calls.set(calls.get() + 1);
        Err::<(), _>("refused")
    };
    assert_eq!(retry().run(attempt, |error| *error != "refused").await, Err("refused"));
    assert_eq!(calls.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn pauses_lie_between_the_attempts() {
    let started = Instant::now();
    assert_eq!(run(&retry(), 3).await, Ok(3));
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(75) && took <= Duration::from_millis(227), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_gets_the_budget_and_no_more() {
    let budget = RetryBudget::new(RetryBudgetConfig { burst: 2, ..RetryBudgetConfig::default() }, StillClock::new());
    let retry = retry_within(&budget, RetryPolicy::default());
    let calls = Cell::new(0);
    for _ in 0..100 {
        let attempt = async |_| {
            calls.set(calls.get() + 1);
            Err::<(), _>(())
        };
        assert_eq!(retry.run(attempt, |()| true).await, Err(()));
    }
    // The first call finds the bucket full, so 99 calls of the 100 add a fifth of a retry each, after 2 in the bucket.
    assert_eq!(calls.get(), 100 + 2 + 19);
}

#[tokio::test(start_paused = true)]
async fn each_second_allows_a_retry_without_traffic() {
    let clock = StillClock::new();
    let config = RetryBudgetConfig { percent: 0, floor_per_second: 1, burst: 1 };
    let retry = retry_within(&RetryBudget::new(config, clock.clone()), RetryPolicy::default());
    assert_eq!(run(&retry, 9).await, Err(2));
    clock.advance_ms(999);
    assert_eq!(run(&retry, 9).await, Err(1));
    clock.advance_ms(1);
    assert_eq!(run(&retry, 9).await, Err(2));
    clock.advance_ms(1_000_000);
    assert_eq!(run(&retry, 9).await, Err(2), "no more accumulate than the burst");
}

#[tokio::test(start_paused = true)]
async fn each_call_is_counted_once_by_how_it_ended() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let retry = metrics::with_local_recorder(&recorder, retry);
    let _ = run(&retry, 1).await;
    let _ = run(&retry, 2).await;
    let _ = run(&retry, 2).await;
    let _ = run(&retry, 9).await;
    let _ = retry.run(async |_| Err::<(), _>(()), |()| false).await;
    let text = recorder.handle().render();
    for (kind, count) in [
        ("successful_without_retry", 1),
        ("successful_with_retry", 2),
        ("failed_without_retry", 1),
        ("failed_with_retry", 1),
    ] {
        let line =
            format!("resilience4j_retry_calls_total{{service=\"order\",name=\"product\",kind=\"{kind}\"}} {count}");
        assert!(text.contains(&line), "no {line} in\n{text}");
    }
}

#[test]
fn its_future_is_send() {
    fn is_send<T: Send>(_: T) {}
    is_send(retry().run(|_| async { Err::<(), _>(()) }, |()| true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn retries_stay_within_the_budget(calls in 1_u32..60, burst in 1_u32..10, percent in 0_u32..=100, pause in 0_i64..200) {
        let clock = StillClock::new();
        let config = RetryBudgetConfig { percent, floor_per_second: 1, burst };
        let retry = retry_within(&RetryBudget::new(config, clock.clone()), RetryPolicy::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let mut retries = 0;
        for _ in 0..calls {
            retries += runtime.block_on(run(&retry, 99)).unwrap_err() - 1;
            clock.advance_ms(pause);
        }
        let seconds = f64::from(calls) * f64::from(u32::try_from(pause).unwrap()) / 1_000.0;
        let most = f64::from(burst) + f64::from(calls * percent) / 100.0 + seconds;
        prop_assert!(f64::from(retries) <= most + 0.001, "{retries} retries, at most {most}");
    }
}
