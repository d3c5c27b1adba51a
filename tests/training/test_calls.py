"""Calls cover every step once and never run over one after which something is due."""

from hypothesis import given
from hypothesis import strategies as st

from llavataros_jax.training.calls import calls

small = st.integers(0, 40)


@given(start=small, more=small, at_once=st.integers(1, 7), periods=st.lists(small, max_size=3))
def test_no_call_runs_over_a_step_that_something_is_due_after(
    start: int, more: int, at_once: int, periods: list[int]
):
    stop, step = start + more, start
    for count in calls(start, stop, at_once=at_once, periods=periods):
        assert count in (1, at_once)
        inside = range(step + 1, step + count)
        assert not any(period and s % period == 0 for s in inside for period in periods)
        step += count
    assert step == stop


def test_where_nothing_is_in_the_way_a_call_takes_all():
    assert list(calls(0, 20, at_once=4, periods=(10, 0))) == [4, 4, 1, 1, 4, 4, 1, 1]
    assert list(calls(6, 20, at_once=5, periods=(5, 20))) == [1, 1, 1, 1, 5, 5]
