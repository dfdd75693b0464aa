"""The driver core: every decision about a call, without a clock, a database or an objective."""

import pytest

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import TrialState
from raystudy.orchestrator.events import (
    CloseIntake,
    Create,
    Created,
    CreateRefused,
    Dropped,
    EndCall,
    Ending,
    IntakeClosed,
    Launch,
    Promoted,
    Returned,
    SaveAttempt,
    Saved,
    SaveFinish,
    SavePause,
    SlotsChanged,
    StopAsked,
    StopRunning,
)
from raystudy.orchestrator.scheduling import Phase, ResumedTrial, Scheduler


def running(core, number, ticket=None):
    """Bring a freshly started trial to RUNNING."""
    assert Launch(number, 1) in core.handle(Created(number if ticket is None else ticket, number))


def started(target, slots, **options):
    """Return a scheduler all of whose first creations are running."""
    core = Scheduler(target=target, slots=slots, **options)
    for action in core.start():
        running(core, action.ticket)
    return core


def test_first_orders_fill_the_slots_and_no_more():
    assert Scheduler(target=10, slots=3).start() == [Create(0), Create(1), Create(2)]


def test_target_below_the_slots_bounds_the_creations():
    assert Scheduler(target=2, slots=8).start() == [Create(0), Create(1)]


def test_call_without_trials_ends_once_the_judge_knows():
    core = Scheduler(target=0, slots=2)
    assert core.start() == [CloseIntake()]
    assert core.handle(IntakeClosed()) == [EndCall()]
    assert core.ended


def test_nothing_left_to_try_is_asked_again_after_each_trial_and_ends_the_call_with_the_last():
    core = Scheduler(target=9, slots=2)
    core.start()
    running(core, 0)
    assert core.handle(CreateRefused(1, is_spent=True)) == []
    assert core.handle(Returned(0, 1, Ending.COMPLETE)) == [SaveFinish(0, TrialState.COMPLETE), Create(2)]
    assert core.handle(CreateRefused(2, is_spent=True)) == []
    assert core.handle(Saved(0)) == [Create(3), Create(4)]
    assert core.handle(CreateRefused(3, is_spent=True)) == []
    assert core.handle(CreateRefused(4, is_spent=True)) == [CloseIntake()]
    assert core.handle(IntakeClosed()) == [EndCall()]


def test_one_slot_creates_the_next_trial_only_after_the_result_is_durable():
    core = started(target=2, slots=1)
    assert core.handle(Returned(0, 1, Ending.COMPLETE)) == [SaveFinish(0, TrialState.COMPLETE)]
    assert core.handle(Saved(0)) == [Create(1)]


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        (Ending.COMPLETE, TrialState.COMPLETE),
        (Ending.PRUNED, TrialState.PRUNED),
        (Ending.FAILED, TrialState.FAIL),
    ],
)
def test_ending_of_the_attempt_is_the_state_of_the_trial(ending, state):
    core = started(target=1, slots=1)
    assert core.handle(Returned(0, 1, ending)) == [SaveFinish(0, state)]


def test_last_creation_closes_the_intake_and_the_last_result_ends_the_call():
    core = Scheduler(target=1, slots=1)
    core.start()
    assert core.handle(Created(0, 0)) == [Launch(0, 1), CloseIntake()]
    assert core.handle(IntakeClosed()) == []
    core.handle(Returned(0, 1, Ending.COMPLETE))
    assert core.handle(Saved(0)) == [EndCall()]


def test_paused_trial_frees_its_slot_once_the_pause_is_durable():
    core = started(target=2, slots=1)
    assert core.handle(Returned(0, 1, Ending.PAUSED)) == [SavePause(0)]
    assert core.phase(0) is Phase.PAUSING
    assert core.handle(Saved(0)) == [Create(1)]
    assert core.phase(0) is Phase.PAUSED


def test_promoted_trial_comes_before_a_new_one():
    core = started(target=3, slots=1)
    core.handle(Returned(0, 1, Ending.PAUSED))
    core.handle(Saved(0))
    running(core, 1)
    assert core.handle(Promoted(0)) == []
    core.handle(Returned(1, 1, Ending.COMPLETE))
    assert core.handle(Saved(1)) == [SaveAttempt(0, 2)]
    assert core.handle(Saved(0)) == [Launch(0, 2)]


@pytest.mark.parametrize("while_running", [True, False])
def test_promotion_before_the_pause_is_durable_is_not_forgotten(while_running):
    core = started(target=1, slots=1)
    if while_running:
        core.handle(Promoted(0))
    core.handle(Returned(0, 1, Ending.PAUSED))
    if not while_running:
        core.handle(Promoted(0))
    assert core.handle(Saved(0)) == [SaveAttempt(0, 2)]


def test_paused_trial_that_is_dropped_is_pruned():
    core = started(target=2, slots=2)
    core.handle(Returned(0, 1, Ending.PAUSED))
    core.handle(Saved(0))
    assert core.handle(Dropped(0)) == [SaveFinish(0, TrialState.PRUNED)]


def test_drop_before_the_pause_is_durable_prunes_after_it():
    core = started(target=2, slots=2)
    core.handle(Returned(0, 1, Ending.PAUSED))
    core.handle(Dropped(0))
    assert core.handle(Saved(0)) == [SaveFinish(0, TrialState.PRUNED)]


def test_pruned_paused_trial_holds_no_slot_while_it_is_stored():
    core = started(target=2, slots=1)
    core.handle(Returned(0, 1, Ending.PAUSED))
    core.handle(Dropped(0))
    assert core.handle(Saved(0)) == [SaveFinish(0, TrialState.PRUNED), Create(1)]


def test_lost_attempt_is_tried_again_before_any_new_trial():
    core = started(target=5, slots=1)
    assert core.handle(Returned(0, 1, Ending.LOST)) == [SaveAttempt(0, 2)]
    assert core.handle(Saved(0)) == [Launch(0, 2)]


def test_trial_fails_when_it_is_lost_more_often_than_allowed():
    core = started(target=1, slots=1, max_losses=2)
    for attempt in (1, 2):
        core.handle(Returned(0, attempt, Ending.LOST))
        core.handle(Saved(0))
    assert core.handle(Returned(0, 3, Ending.LOST)) == [SaveFinish(0, TrialState.FAIL)]


def test_return_of_a_replaced_attempt_changes_nothing():
    core = started(target=1, slots=1)
    core.handle(Returned(0, 1, Ending.LOST))
    core.handle(Saved(0))
    assert core.handle(Returned(0, 1, Ending.COMPLETE)) == []
    assert core.phase(0) is Phase.RUNNING


def test_event_of_a_finished_trial_changes_nothing():
    core = started(target=2, slots=2)
    core.handle(Returned(0, 1, Ending.COMPLETE))
    core.handle(Saved(0))
    assert (
        core.handle(Promoted(0)) == core.handle(Dropped(0)) == core.handle(Returned(0, 1, Ending.LOST)) == []
    )


def test_refused_creation_is_made_up_for():
    core = Scheduler(target=1, slots=1)
    core.start()
    assert core.handle(CreateRefused(0)) == [Create(1)]
    assert core.handle(Created(1, 7)) == [Launch(7, 1), CloseIntake()]
    assert core.created == 1


def test_refused_creation_is_not_made_up_for_after_a_stop():
    core = Scheduler(target=5, slots=1)
    core.start()
    assert core.handle(StopAsked(interrupt=False)) == []
    assert core.handle(CreateRefused(0)) == [CloseIntake()]
    assert core.handle(IntakeClosed()) == [EndCall()]


def test_stop_lets_running_trials_finish_and_creates_no_more():
    core = started(target=10, slots=2)
    assert core.handle(StopAsked(interrupt=False)) == [CloseIntake()]
    core.handle(IntakeClosed())
    for number in (0, 1):
        core.handle(Returned(number, 1, Ending.COMPLETE))
    assert core.handle(Saved(0)) == []
    assert core.handle(Saved(1)) == [EndCall()]
    assert core.created == 2


def test_interrupt_stops_running_trials_too():
    core = started(target=10, slots=2)
    assert core.handle(StopAsked(interrupt=True))[0] == StopRunning()


def test_stop_prunes_what_waits_for_a_slot():
    core = started(target=10, slots=1)
    core.handle(StopAsked(interrupt=True))
    core.handle(IntakeClosed())
    assert core.handle(Returned(0, 1, Ending.LOST)) == [SaveFinish(0, TrialState.PRUNED)]
    assert core.handle(Saved(0)) == [EndCall()]


def test_wind_up_finishes_paused_trials_when_nothing_runs_any_more():
    core = started(target=2, slots=2)
    core.handle(IntakeClosed())
    core.handle(Returned(0, 1, Ending.PAUSED))
    assert core.handle(Saved(0)) == []  # trial 1 may still promote it
    core.handle(Returned(1, 1, Ending.COMPLETE))
    assert core.handle(Saved(1)) == [SaveFinish(0, TrialState.PRUNED)]
    assert core.handle(Saved(0)) == [EndCall()]


def test_paused_trials_wait_until_the_judge_has_answered_the_closing():
    core = started(target=1, slots=1)
    core.handle(Returned(0, 1, Ending.PAUSED))
    assert core.handle(Saved(0)) == []
    assert core.handle(Promoted(0)) == [SaveAttempt(0, 2)]


def test_more_slots_are_filled_at_once_and_fewer_interrupt_nothing():
    core = started(target=10, slots=1)
    assert core.handle(SlotsChanged(3)) == [Create(1), Create(2)]
    running(core, 1)
    running(core, 2)
    core.handle(SlotsChanged(1))
    core.handle(Returned(0, 1, Ending.COMPLETE))
    assert core.handle(Saved(0)) == []
    assert core.count(Phase.RUNNING) == 2


def test_trial_lost_with_the_last_slot_waits_for_the_cluster_to_come_back():
    core = started(target=1, slots=1)
    core.handle(IntakeClosed())
    core.handle(SlotsChanged(0))
    assert core.handle(Returned(0, 1, Ending.LOST)) == []
    assert core.handle(SlotsChanged(1)) == [SaveAttempt(0, 2)]


def test_taken_over_call_resumes_its_trials_before_it_creates_what_is_missing():
    resumed = [ResumedTrial(2, attempt=1, paused=False), ResumedTrial(3, attempt=4, paused=False)]
    core = Scheduler(target=6, slots=3, created=4, resumed=resumed)
    assert core.start() == [SaveAttempt(2, 2), SaveAttempt(3, 5), Create(0)]


def test_taken_over_paused_trial_waits_for_a_promotion():
    core = Scheduler(target=1, slots=1, created=1, resumed=[ResumedTrial(0, attempt=1, paused=True)])
    assert core.start() == [CloseIntake()]
    assert core.handle(Promoted(0)) == [SaveAttempt(0, 2)]


def test_taken_over_paused_trial_is_pruned_when_nothing_can_promote_it():
    core = Scheduler(target=1, slots=1, created=1, resumed=[ResumedTrial(0, attempt=1, paused=True)])
    core.start()
    assert core.handle(IntakeClosed()) == [SaveFinish(0, TrialState.PRUNED)]


def test_taken_over_call_that_had_reached_its_target_just_ends():
    core = Scheduler(target=3, slots=2, created=3)
    assert core.start() == [CloseIntake()]
    assert core.handle(IntakeClosed()) == [EndCall()]


def test_illegal_event_is_refused_with_the_story_of_the_trial():
    core = started(target=1, slots=1)
    core.handle(Promoted(0))
    with pytest.raises(IllegalTransition, match=r"trial 0 .*Saved.*running.*story.*Promoted.*Saved"):
        core.handle(Saved(0))


@pytest.mark.parametrize("event", [Returned(0, 1, Ending.COMPLETE), Returned(0, 1, Ending.PAUSED)])
def test_second_return_of_one_attempt_is_illegal(event):
    core = started(target=1, slots=1)
    core.handle(Returned(0, 1, Ending.COMPLETE))
    with pytest.raises(IllegalTransition, match="trial 0"):
        core.handle(event)
