//! Contract of payment's stores: one list of tests, run on each engine.
//!
//! SQLite always; PostgreSQL and MySQL (or MariaDB) with `SOUK_TEST_MODE=engines`; SQL Server when `SOUK_TEST_MSSQL` is
//! set. Each test has its own database.

macro_rules! on {
    ($engine:ident: $($module:ident::$test:ident)*) => {
        mod $engine {
            use crate::store_fixture::TestDatabase;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(database) = TestDatabase::$engine() {
                        crate::$module::$test(database).await;
                    }
                }
            )*
        }
    };
}

macro_rules! on_every_engine {
    ($($tests:tt)*) => {
        on! { sqlite: $($tests)* }
        on! { postgres: $($tests)* }
        on! { mysql: $($tests)* }
        on! { mssql: $($tests)* }
    };
}

on_every_engine! {
    store_claims::whichever_of_capture_and_cancellation_commits_second_makes_the_refund_due
    store_claims::a_claim_and_a_cancellation_see_each_other
    store_claims::the_store_itself_refuses_a_second_claim
    store_claims::the_store_itself_refuses_a_second_use_of_a_key
    store_claims::a_failed_attempt_releases_the_claim
    store_claims::of_concurrent_claims_on_two_stores_one_is_saved
    store_claims::concurrent_changes_on_two_stores_are_all_saved
    store_claims::an_event_is_applied_once_on_two_stores
    store_claims::an_order_is_inserted_once
    store_reports::order_payments_are_stored_and_read_back_unchanged
    store_reports::a_capture_after_a_failure_is_read_back_as_such
    store_reports::keys_find_the_payments_they_made
    store_schedule::due_rows_are_found_by_age_turn_and_position
    store_schedule::a_turn_is_taken_once
    store_schedule::a_refund_that_succeeded_is_checked_a_day_later
    store_schedule::the_accounts_that_open_rows_need_are_counted
    store_schedule::an_attempt_is_stored_with_its_answer
    store_reports::lists_are_filtered_paged_and_newest_first
    store_reports::days_are_tallied
    store_reports::the_audit_snapshot_is_complete
    store_reports::a_long_text_is_stored_unchanged
    store_outbox::events_are_written_with_their_change
    store_outbox::confirmed_events_are_deleted_and_the_rest_is_claimed_again
    store_outbox::two_relays_hold_different_events
    store_outbox::a_commit_wakes_the_relay
    store_outbox::expired_inbox_events_are_purged
    store_outbox::a_job_is_claimed_once_by_all_replicas
    store_outbox::the_first_reference_of_a_payment_is_kept
    store_outbox::several_processes_open_an_empty_store_concurrently
    store_outbox::opening_for_reading_changes_nothing
}
