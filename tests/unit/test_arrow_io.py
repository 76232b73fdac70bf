"""Reading ahead in a thread, and text columns as codes."""

import threading

import pyarrow as pa
import pytest

from ml.arrow_io import BATCHES_AHEAD, Coded, floats, prefetch


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
    assert len(made) <= BATCHES_AHEAD + 3


def test_codes_stay_the_same_from_batch_to_batch():
    text = Coded()
    first = text.encode(pa.array(["male", None, "female"]))
    second = text.encode(pa.array(["female", "other", "male", None]))
    assert text.decode(first).tolist() == ["male", None, "female"]
    assert text.decode(second).tolist() == ["female", "other", "male", None]
    assert first[2] == second[0]


def test_a_batch_of_nulls_has_codes():
    assert Coded().encode(pa.array([None, None], type=pa.string())).tolist() == [-1, -1]


@pytest.mark.parametrize("type_", [pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()])
def test_numbers_become_floats_and_null_becomes_nan(type_):
    values = floats(pa.array([1, None, 31], type=type_))
    assert values[[0, 2]].tolist() == [1.0, 31.0]
    assert values[1] != values[1]
