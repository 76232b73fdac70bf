"""Records of a binary COPY, in whatever chunks they arrive."""

import struct

import numpy as np
import pytest

from ml.binary_copy import HEADER, TRAILER, Records

ROWS = [(7, 1.5, float("nan"), -3), (8, -0.0, 2e300, 2**62)]


def encoded(*rows):
    """The COPY of rows with a customer, doubles and one integer each; None is NULL."""
    data = HEADER
    for customer, *doubles, integer in rows:
        data += struct.pack(">h", 2 + len(doubles)) + struct.pack(">iq", 8, customer)
        for number in doubles:
            data += struct.pack(">i", -1) if number is None else struct.pack(">id", 8, number)
        data += struct.pack(">iq", 8, integer)
    return data + TRAILER


def decoded(data, size):
    """Rows out of `data` in chunks of `size` bytes."""
    records = Records(doubles=2, integers=1)
    rows = []
    for start in range(0, len(data), size):
        for record in records.feed(data[start : start + size]):
            rows.append((record["customer_id"], *record["doubles"]["value"], *record["integers"]["value"]))
    records.end()
    return rows


@pytest.mark.parametrize("size", [1, 2, 19, 20, 21, 47, 48, 49, 10_000])
def test_rows_come_whole_from_chunks_of_any_size(size):
    np.testing.assert_array_equal(decoded(encoded(*ROWS), size), ROWS)


@pytest.mark.parametrize("size", [1, 21, 10_000])
def test_copy_without_rows(size):
    assert decoded(encoded(), size) == []


@pytest.mark.parametrize("rows", [[(7, 1.0, None, 3), *ROWS], [*ROWS, (9, 1.0, None, 3)], [(9, None, None, 3)]])
def test_null_is_refused(rows):
    with pytest.raises(ValueError, match=r"NULL|ends with"):
        decoded(encoded(*rows), 10_000)


def test_another_number_of_fields_is_refused():
    with pytest.raises(ValueError, match="not records of 4 fields"):
        decoded(encoded(*[(row[0], *row[2:]) for row in ROWS]), 10_000)


@pytest.mark.parametrize("missing", [1, 2, 3, 40])
def test_copy_that_is_cut_short_is_refused(missing):
    with pytest.raises(ValueError, match="ends with"):
        decoded(encoded(*ROWS)[:-missing], 10_000)


@pytest.mark.parametrize("data", [b"", HEADER[:7]])
def test_copy_without_a_header_is_refused(data):
    with pytest.raises(ValueError, match="ends with"):
        decoded(data, 10_000)


def test_other_formats_are_refused():
    with pytest.raises(ValueError, match="not a binary COPY"):
        decoded(b"7,1.5,2.0,-3\n8,0.0,1.0,4\n", 10_000)
