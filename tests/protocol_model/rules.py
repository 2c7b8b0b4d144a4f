"""The rules of the session protocol, each of which can be left out to see what it is for."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rules:
    """All hold, unless a test leaves one out. A rule says what is done, not how it fails."""

    # Writing
    finish_checks_that_it_runs: bool = True
    finish_checks_the_turn: bool = True
    finish_raises_the_turn: bool = True
    fail_checks_the_turn: bool = True
    take_over_raises_the_turn: bool = True
    take_over_leaves_the_queue: bool = True
    take_over_respects_the_holder: bool = True
    hand_back_respects_the_holder: bool = True
    reap_raises_the_turn: bool = True
    reap_judges_again_under_the_lock: bool = True
    somebody_reaps: bool = True
    only_the_assistants_session_claims: bool = True
    an_interrupted_text_is_no_answer: bool = True
    stopped_is_settled: bool = True
    stop_checks_the_turn: bool = True
    stop_knows_the_first_turn: bool = True
    retry_checks_what_last_raised_the_turn: bool = True
    fail_leaves_a_word: bool = True
    asking_keeps_the_turn: bool = True
    asking_is_void_under_a_person: bool = True
    a_tool_names_its_turn: bool = True
    cut_takes_the_pad_of_the_running_turn: bool = True
    ok_after_the_commit: bool = True
    post_looks_again_under_the_lock: bool = True

    # Leases
    renews_only_what_it_runs: bool = True
    an_owner_is_one_process: bool = True
    what_was_given_up_is_not_renewed: bool = True
    leaving_claims_for_others: bool = True
    leaving_reaps_nothing: bool = True
    leaving_reaps_for_others: bool = True
    """Where it had begun to reap before it was told to leave."""
    leaving_gives_up_its_leases: bool = True
    handing_over_is_no_attempt: bool = True
    leaving_ends_its_tasks_first: bool = True
    only_the_holder_renews: bool = True
    system_hands_back: bool = True
    system_judges_again_under_the_lock: bool = True
    overdue_sees_past_an_interrupted_text: bool = True

    # conversation_log
    flush_goes_on_from_logged_seq: bool = True
    others_sweep_what_a_dead_node_left: bool = True

    # The scratch pad
    script_compares_turns: bool = True
    script_compares_offsets: bool = True
    replace_never_shrinks: bool = True
    refusal_stops_the_owner: bool = True
    a_change_cuts_its_nodes_own_tasks: bool = True

    # What is shown near its writer
    near_text_is_judged_by_its_turn: bool = True
    near_text_is_judged_by_its_place: bool = True
    near_waits_for_the_first_word_of_the_pad: bool = True
    near_only_while_fresh: bool = True
    a_drop_ends_the_front: bool = True
    a_wish_for_the_whole_ends_the_front: bool = True
    near_text_goes_to_others_too: bool = True

    # Receiving
    seen_events_are_dropped: bool = True
    gap_is_filled_from_the_log: bool = True
    older_turns_are_dropped: bool = True
    higher_turn_reads_the_log: bool = True
    offsets_are_checked: bool = True
    gap_in_the_text_reads_the_pad: bool = True
    shorter_rebase_is_dropped: bool = True
    pad_is_judged_when_read: bool = True
    join_compares_the_pads_turn: bool = True
    growing_turn_empties_the_text: bool = True
    positions_are_checked: bool = True
    join_reads_again_once_it_listens: bool = True
    each_connection_has_its_own_place: bool = True

    @property
    def whatever_is_stale_is_dropped(self) -> bool:
        return (
            self.seen_events_are_dropped
            and self.older_turns_are_dropped
            and self.offsets_are_checked
            and self.shorter_rebase_is_dropped
            and self.growing_turn_empties_the_text
            and self.each_connection_has_its_own_place
        )


ALL = Rules()


def without(*names: str) -> Rules:
    return replace(ALL, **dict.fromkeys(names, False))
