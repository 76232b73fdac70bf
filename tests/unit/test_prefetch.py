"""Making items ahead of their use, in a thread."""

import threading

import pytest

from ml.prefetch import ITEMS_AHEAD, prefetch


def test_items_arrive_in_order():
    assert list(prefetch(range(100))) == list(range(100))


def test_an_error_of_the_producer_reaches_the_consumer():
    def items():
        yield 1
        raise ValueError("the server went away")

    consumed = prefetch(items())
    assert next(consumed) == 1
    with pytest.raises(ValueError, match="went away"):
        next(consumed)


def test_a_consumer_that_stops_ends_the_thread_and_little_was_read_ahead():
    made = []

    def items():
        for number in range(1000):
            made.append(number)
            yield number

    before = threading.active_count()
    consumed = prefetch(items())
    next(consumed)
    consumed.close()
    assert threading.active_count() == before
    assert len(made) <= ITEMS_AHEAD + 3
