//! The guarantees of every transport, as one list.

crate::on_each_transport![
    consuming::each_event_is_handled_once_and_those_of_one_subject_in_order,
    consuming::an_unavailable_engine_is_waited_for_and_costs_no_attempt,
    consuming::handled_messages_are_settled_while_others_are_held_and_postponed,
    consuming::unsettled_messages_are_redelivered,
    consuming::a_message_for_a_cancelled_consumer_goes_to_another,
    consuming::a_published_event_sends_a_signal,
    consuming::an_announcement_reaches_its_receivers,
    dead_letters::a_poison_message_becomes_a_dead_letter_and_does_not_block_the_queue,
    dead_letters::an_unreadable_message_becomes_a_dead_letter_unchanged,
    dead_letters::a_failing_message_is_redelivered_with_growing_delays,
    outbox::committed_events_are_published_in_order_and_rolled_back_ones_are_not,
    outbox::published_events_survive_a_restart,
    outbox::an_unreadable_event_becomes_a_dead_letter_and_does_not_stop_the_relay,
    outbox::a_letter_of_an_outbox_that_can_be_read_is_published_by_its_replay,
];
