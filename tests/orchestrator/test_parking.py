"""Which parked trial goes on first, and which never will."""

from raystudy.orchestrator.parking import ParkingLot


def lot_of(*numbers):
    lot = ParkingLot()
    for number in numbers:
        lot.park(number)
    return lot


def test_the_highest_rung_comes_first_then_the_oldest_promotion():
    lot = lot_of(1, 2, 3, 4)
    lot.hear({3: 0, 1: 1}, ())
    lot.hear({2: 1, 4: 0}, ())
    order = []
    while (number := lot.next_promoted()) is not None:
        order.append((number, lot.leave(number)))
    assert order == [(1, 1), (2, 1), (3, 0), (4, 0)]


def test_trial_that_may_go_on_without_a_promotion_comes_after_those_with_one():
    lot = lot_of(1, 2)
    lot.may_go_on(1)
    lot.hear({2: 0}, ())
    assert [lot.next_promoted(), lot.leave(2), lot.next_promoted(), lot.leave(1)] == [2, 0, 1, -1]


def test_a_word_that_came_before_the_trial_was_parked_holds():
    lot = lot_of()
    lot.hear({1: 0}, (2,))
    assert (lot.next_promoted(), lot.next_dropped()) == (None, None)
    lot.park(1)
    lot.park(2)
    assert (lot.next_promoted(), lot.next_dropped()) == (1, 2)


def test_a_promotion_by_the_judge_is_not_forgotten_for_the_users_word():
    lot = lot_of(1)
    lot.hear({1: 2}, ())
    lot.may_go_on(1)
    assert lot.leave(1) == 2


def test_trial_that_has_left_is_not_parked_and_has_no_word():
    lot = lot_of(1, 2)
    lot.hear({1: 0}, (2,))
    lot.leave(1)
    lot.leave(2)
    assert (lot.numbers(), lot.next_promoted(), lot.next_dropped(), 1 in lot) == ([], None, None, False)
