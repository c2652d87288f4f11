//! What every transport promises.

crate::on_each_transport![
    consuming::each_event_is_handled_and_those_of_one_subject_in_their_order,
    consuming::an_engine_that_is_away_is_waited_for_and_nobody_is_blamed,
    consuming::what_worked_is_settled_while_the_rest_is_held_and_put_back_after_long,
    consuming::what_was_taken_and_not_settled_comes_again,
    consuming::what_a_consumer_that_ends_was_about_to_take_goes_to_the_next,
    consuming::who_waits_is_woken,
    consuming::who_listens_is_told,
    dead_letters::a_poison_message_is_put_aside_and_the_queue_goes_on,
    dead_letters::a_message_that_is_no_event_is_put_aside_as_it_is,
    dead_letters::a_message_is_handed_out_again_later_each_time,
    outbox::what_commits_is_published_in_order_and_what_rolls_back_is_not,
    outbox::what_was_published_is_there_after_a_restart,
];
