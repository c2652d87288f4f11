//! What every store of payment must do: one list, run on each engine.
//!
//! SQLite always; PostgreSQL and MySQL (or MariaDB) with `SOUK_TEST_MODE=engines`; SQL Server when
//! `SOUK_TEST_MSSQL` is set. Each test has a database of its own.

macro_rules! on {
    ($engine:ident: $($room:ident::$act:ident)*) => {
        mod $engine {
            use crate::store_desk::Place;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $act() {
                    if let Some(place) = Place::$engine() {
                        crate::$room::$act(place).await;
                    }
                }
            )*
        }
    };
}

macro_rules! on_every_engine {
    ($($acts:tt)*) => {
        on! { sqlite: $($acts)* }
        on! { postgres: $($acts)* }
        on! { mysql: $($acts)* }
        on! { mssql: $($acts)* }
    };
}

on_every_engine! {
    store_claims::whichever_of_capture_and_cancellation_commits_second_makes_the_refund_due
    store_claims::a_claim_and_a_cancellation_see_each_other
    store_claims::the_store_itself_refuses_a_second_claim
    store_claims::the_store_itself_refuses_a_second_use_of_a_key
    store_claims::an_attempt_that_failed_gives_the_claim_back
    store_claims::of_many_claims_on_two_stores_at_once_one_holds
    store_claims::changes_on_two_stores_at_once_are_all_there
    store_claims::an_event_has_its_effect_once_on_two_stores
    store_claims::an_order_is_made_known_once
    store_reading::an_account_is_stored_and_read_back_whole
    store_reading::a_captured_failure_is_read_back_as_such
    store_reading::keys_find_what_they_made
    store_reading::what_is_open_is_found_by_age_and_place
    store_reading::lists_are_filtered_paged_and_newest_first
    store_reading::days_are_tallied
    store_reading::everything_is_there_for_the_audit
    store_reading::a_long_text_is_kept_whole
    store_telling::events_are_written_with_what_makes_them_true
    store_telling::what_is_confirmed_is_gone_and_the_rest_comes_again
    store_telling::two_relays_hold_different_events
    store_telling::who_waits_is_woken_by_a_commit
    store_telling::old_events_are_forgotten
    store_telling::the_first_reference_of_a_payment_stays
    store_telling::several_processes_open_an_empty_store_at_once
    store_telling::opening_for_reading_changes_nothing
}
