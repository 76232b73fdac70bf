"""What an uploaded CSV file comes to: its scores, its problems by row and column, and why it is refused as a whole."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.scoring import upload, upload_rows
from ml.scoring.upload_layout import Refused
from ml.store.registry import ChurnVersion
from ml.training.pipeline import fit

NUMERIC = ("plata_cuenta_1", "payments_90d", "days_since_activity", "active_days_30d", "mau_mp_1")
FEATURES = (*NUMERIC, "tarjetas")
HEADER = ("customer_id", *FEATURES)
GOOD = ("7", "1500.5", "12", "3", "9", "20", "Ticket")
WHOLE_ROW = ""


@pytest.fixture(scope="module")
def model():
    """A version and its pipeline, fitted on drawn rows."""
    rng = np.random.default_rng(7)
    size = 2000
    frame = pd.DataFrame({name: rng.gamma(2.0, 10.0, size) for name in NUMERIC})
    frame["tarjetas"] = rng.choice(np.array(["Credit Card", "Ticket", None], dtype=object), size)
    risk = frame["days_since_activity"] - frame[["payments_90d", "active_days_30d", "mau_mp_1"]].sum(axis=1) / 3
    risk -= frame["plata_cuenta_1"] / 4
    fitted = fit(frame, (risk + rng.normal(0, 10, size) > 0).astype(np.int8).to_numpy(), np.arange(size) % 5)
    assert set(fitted.features) == set(FEATURES)
    tags = {
        "numeric_features": NUMERIC,
        "categorical_features": ["tarjetas"],
        "threshold": 0.4,
        "categories": {"tarjetas": ["Credit Card", "Ticket"]},
        "training_quantiles": {name: [1.0, 20.25, 60.0] for name in NUMERIC},
        "training_quantiles_at": [0.01, 0.5, 0.99],
    }
    return ChurnVersion("3", "run", None, {name: json.dumps(value) for name, value in tags.items()}), fitted.pipeline


@pytest.fixture
def score(model, tmp_path):
    """Score a file of these bytes and return the result."""

    def run(content: bytes, **options) -> upload.Result:
        path = tmp_path / "uploaded"
        path.write_bytes(content)
        return upload.score_features(path, tmp_path, *model, **options)

    return run


def text(*rows, header=HEADER, delimiter=",", end="\n") -> bytes:
    return "".join(delimiter.join(row) + end for row in (header, *rows)).encode()


def changed(**values: str) -> tuple[str, ...]:
    """The good row with other values."""
    return tuple((dict(zip(HEADER, GOOD, strict=True)) | values).values())


def read(path: Path, delimiter=",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), delimiter=delimiter))


def expected_score(model, **values) -> float:
    row = {"plata_cuenta_1": 1500.5, "payments_90d": 12, "days_since_activity": 3, "active_days_30d": 9, "mau_mp_1": 20}
    frame = pd.DataFrame([{**row, "tarjetas": "Ticket", **values}])
    return float(model[1].predict_proba(frame.astype({"tarjetas": object}))[0, 1])


def test_a_good_row_has_the_pipelines_score_the_versions_decision_and_its_number(model, score):
    result = score(text(GOOD))
    (row,) = read(result.scores_file)
    assert float(row["score"]) == pytest.approx(expected_score(model), abs=1e-12)
    assert int(row["prediction"]) == (expected_score(model) >= 0.4) == result.predicted_churn
    assert (row["row"], row["customer_id"], row["model_version"]) == ("2", "7", "3")
    assert (result.rows, result.scored, result.rejected, result.problems) == (1, 1, 0, [])
    assert (result.version, result.threshold, result.snapshot_date) == ("3", 0.4, None)


def test_an_empty_field_is_a_value_that_is_not_known(model, score):
    result = score(text(changed(plata_cuenta_1="", mau_mp_1=" ", tarjetas="")))
    unknown = expected_score(model, plata_cuenta_1=np.nan, mau_mp_1=np.nan, tarjetas=None)
    assert float(read(result.scores_file)[0]["score"]) == pytest.approx(unknown, abs=1e-12)


ACCEPTED = {
    "another order": text(tuple(reversed(GOOD)), header=tuple(reversed(HEADER))),
    "capitals and blanks in the header": text(GOOD, header=tuple(f" {name.upper()} " for name in HEADER)),
    "without ids": text(GOOD[1:], header=HEADER[1:]),
    "byte order mark and Windows line ends": b"\xef\xbb\xbf" + text(GOOD, end="\r\n"),
    "mixed line ends": text(GOOD, end="\r\n") + text(changed(customer_id="8"))[len(text()) :],
    "no line end at the end": text(GOOD).rstrip(b"\n"),
    "blank lines": text().replace(b"\n", b"\n\n") + b",".join(map(str.encode, GOOD)) + b"\n\n",
    "every field quoted": text(tuple(f'"{field}"' for field in GOOD), header=tuple(f'"{name}"' for name in HEADER)),
    "tabs": text(GOOD, delimiter="\t"),
    "semicolons and decimal comma": text(changed(plata_cuenta_1="1500,5"), delimiter=";"),
    "a whole number with decimals of zero": text(changed(payments_90d="12.0")),
    "blanks around values": text(tuple(f" {field} " for field in GOOD)),
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_other_ways_to_write_the_same_file_give_the_same_score(model, score, content):
    result = score(content)
    assert (result.rejected, result.problems) == (0, [])
    for row in read(result.scores_file, result.layout.delimiter):
        assert float(row["score"].replace(",", ".")) == pytest.approx(expected_score(model), abs=1e-12)


# Fields of the second of three rows, and the column and value that are named.
WRONG_FIELDS = {
    "a word for a number": (changed(plata_cuenta_1="many"), "plata_cuenta_1", "many"),
    "decimal comma between commas": (changed(plata_cuenta_1='"1500,5"'), "plata_cuenta_1", "1500,5"),
    "thousands separator": (changed(plata_cuenta_1='"1,500.5"'), "plata_cuenta_1", "1,500.5"),
    "underscore in a number": (changed(plata_cuenta_1="1_500"), "plata_cuenta_1", "1_500"),
    "below the minimum": (changed(plata_cuenta_1="-0.01"), "plata_cuenta_1", "-0.01"),
    "not a number": (changed(plata_cuenta_1="NaN"), "plata_cuenta_1", "NaN"),
    "infinite": (changed(plata_cuenta_1="inf"), "plata_cuenta_1", "inf"),
    "too large for a float": (changed(plata_cuenta_1="1e999"), "plata_cuenta_1", "1e999"),
    "a fraction of a count": (changed(payments_90d="2.5"), "payments_90d", "2.5"),
    "a count beyond its type": (changed(payments_90d="3000000000"), "payments_90d", "3000000000"),
    "above the maximum": (changed(active_days_30d="31"), "active_days_30d", "31"),
    "empty but required": (changed(payments_90d=""), "payments_90d", ""),
    "NULL in words": (changed(mau_mp_1="NULL"), "mau_mp_1", "NULL"),
    "a formula": (changed(mau_mp_1="=1+1"), "mau_mp_1", "=1+1"),
    "churned already": (changed(days_since_activity="60"), "days_since_activity", "60"),
    "days before the last payment": (changed(days_since_activity="0"), "days_since_activity", "0"),
    "an id that is no number": (changed(customer_id="C-7"), "customer_id", "C-7"),
    "an id of zero": (changed(customer_id="0"), "customer_id", "0"),
    "an id beyond 64 bits": (changed(customer_id="9223372036854775808"), "customer_id", "9223372036854775808"),
    "the same customer again": (changed(customer_id="1"), "customer_id", "1"),
    "too few fields": (GOOD[:3], WHOLE_ROW, "7,1500.5,12"),
    "too many fields": ((*GOOD, "x"), WHOLE_ROW, ",".join((*GOOD, "x"))),
    "a quote that is not closed": (changed(tarjetas='"Ticket'), WHOLE_ROW, ",".join(changed(tarjetas='"Ticket'))),
    "a quote inside a field": (changed(tarjetas='Tic"ket'), WHOLE_ROW, ",".join(changed(tarjetas='Tic"ket'))),
    "a NUL byte": (changed(tarjetas="\0"), WHOLE_ROW, ",".join(changed(tarjetas=r"\000"))),
}


@pytest.mark.parametrize(("row", "column", "value"), WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_wrong_field_is_named_by_row_and_column_and_the_other_rows_are_scored(score, row, column, value):
    result = score(text(changed(customer_id="1"), row, changed(customer_id="9")))
    assert [(found.row, found.column, found.value) for found in result.problems] == [(3, column, value)]
    assert all(result.problems[0].expected)
    assert [row["customer_id"] for row in read(result.scores_file)] == ["1", "9"]
    assert (result.rows, result.scored, result.rejected, result.problem_count) == (3, 2, 1, 1)


def test_another_encoding_is_named_by_row(score):
    result = score(text(GOOD) + ",".join(changed(customer_id="8", tarjetas="Crédito")).encode("latin-1") + b"\n")
    assert [(found.row, found.column) for found in result.problems] == [(3, WHOLE_ROW)]
    assert "UTF-8" in result.problems[0].expected.es
    assert result.scored == 1


def test_a_point_between_semicolons_is_refused_since_it_could_be_of_thousands(score):
    balance, payments = changed(plata_cuenta_1="1.500"), changed(payments_90d="1.000", plata_cuenta_1="2")
    result = score(text(balance, payments, delimiter=";"))
    assert [(found.row, found.column) for found in result.problems] == [(2, "plata_cuenta_1"), (3, "payments_90d")]
    assert "con coma decimal y sin separador de miles" in result.problems[0].expected.es
    assert "sin separador de miles" in result.problems[1].expected.es


def test_every_problem_of_a_row_is_listed_and_the_row_counted_once(score):
    result = score(text(changed(payments_90d="x", active_days_30d="-1", mau_mp_1="99")))
    assert [found.column for found in result.problems] == ["payments_90d", "active_days_30d", "mau_mp_1"]
    assert (result.problem_count, result.rejected) == (3, 1)


def test_what_is_expected_is_the_catalogues_limits_in_both_languages(score):
    result = score(text(changed(active_days_30d="x", mau_mp_1="x", plata_cuenta_1="x")))
    assert {found.column: tuple(found.expected) for found in result.problems} == {
        "plata_cuenta_1": (
            "a finite number with a decimal point, 0 or more; empty = not known",
            "un número finito con punto decimal, 0 o más; vacío = no se sabe",
        ),
        "active_days_30d": ("a whole number from 0 to 30", "un número entero de 0 a 30"),
        "mau_mp_1": (
            "a whole number from 0 to 31; empty = not known",
            "un número entero de 0 a 31; vacío = no se sabe",
        ),
    }


def test_the_list_of_problems_is_cut_and_the_file_has_all_of_them(score):
    result = score(text(*(changed(customer_id=str(n), payments_90d="x") for n in range(1, 101))))
    assert (len(result.problems), result.problem_count) == (upload.SHOWN, 100)
    rows = read(result.problems_file)
    assert [row["row"] for row in rows] == [str(n) for n in range(2, 102)]
    assert rows[0] == {
        "row": "2",
        "column": "payments_90d",
        "value": "x",
        "expected": "a whole number from 0 to 2147483647",
        "esperado": "un número entero de 0 a 2147483647",
    }


def test_rows_are_numbered_by_lines_of_the_file_in_both_files(score):
    noted = (*HEADER, "note")
    result = score(
        text(
            (*GOOD, '"two\nlines"'),
            (*changed(customer_id="8", mau_mp_1="x"), ""),
            (*changed(customer_id="9"), ""),
            header=noted,
        )
    )
    assert [found.row for found in result.problems] == [4]
    assert [(row["row"], row["note"]) for row in read(result.scores_file)] == [("2", "two\nlines"), ("5", "")]


REFUSED = {
    "no bytes": (b"", "is empty"),
    "blanks alone": (b"\xef\xbb\xbf \n", "is empty"),
    "a header alone": (text(), "no rows"),
    "a header and blank lines": (text() + b"\n\r\n", "no rows"),
    "an Excel workbook": (b"PK\x03\x04\x14\x00\x06\x00", "Excel workbook"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook"),
    "a gzip archive": (b"\x1f\x8b\x08\x00", "archive"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8 text"),
    "UTF-16": (text(GOOD).decode().encode("utf-16"), "not UTF-8 text"),
    "a header in Latin-1": ("customer_id,año\n1,2\n".encode("latin-1"), "not UTF-8 text"),
    "line ends of old Macs": (text(GOOD, end="\r"), "cannot be read as a header"),
    "an open quote in the header": (b'customer_id,"note\n1,2\n', "cannot be read as a header"),
    "a header of more than 64 KiB": (b"customer_id," + b"x" * 70_000 + b"\n1,2\n", "cannot be read as a header"),
    "columns of something else": (b"name,age\nAna,33\n", "neither customer_id nor"),
    "rows without a header": (text(GOOD).split(b"\n", 1)[1], "neither customer_id nor"),
    "a column that is missing": (text(GOOD[:-1], header=HEADER[:-1]), "missing: tarjetas"),
    "a column that is there twice": (text((*GOOD, "1"), header=(*HEADER, "PAYMENTS_90D")), "twice: payments_90d"),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_file_of_rows_is_refused_with_the_reason(score, tmp_path, content, reason):
    with pytest.raises(Refused, match=reason) as refused:
        score(content)
    assert refused.value.template.es.count("{}") == len(refused.value.values)
    assert [path.name for path in tmp_path.iterdir()] == ["uploaded"]


def test_other_columns_are_passed_on_and_features_of_no_use_are_ignored(score):
    header = (*HEADER, "Segment", "gender", "score", "")
    result = score(text((*GOOD, "north", "male", "0.9", "x"), header=header))
    (row,) = read(result.scores_file)
    assert list(row) == ["row", "customer_id", "Segment", "score", "prediction", "model_version"]
    assert row["Segment"] == "north"
    assert (list(result.layout.passed_on), result.layout.ignored) == (["Segment"], ("gender", "score"))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-5", "-5"),
        ("+54 ", "'+54 "),
        ("+5491144", "+5491144"),
        ("Ana = Eva", "Ana = Eva"),
    ],
)
def test_a_text_that_is_passed_on_is_no_formula(score, given, written):
    result = score(text((*GOOD, given), header=(*HEADER, "note")))
    assert read(result.scores_file)[0]["note"] == written


def test_neither_a_header_nor_a_wrong_value_becomes_a_formula(score):
    result = score(text((*changed(mau_mp_1="=1+1"), "x"), (*changed(customer_id="8"), "x"), header=(*HEADER, "=2+2")))
    assert read(result.problems_file)[0]["value"] == "'=1+1"
    assert "'=2+2" in read(result.scores_file)[0]


def test_texts_that_the_training_has_not_seen_are_named_and_count_as_not_known(model, score):
    result = score(text(changed(tarjetas="Barter"), changed(customer_id="8")))
    assert result.unseen == {"tarjetas": ["Barter"]}
    assert float(read(result.scores_file)[0]["score"]) == pytest.approx(expected_score(model, tarjetas=None), abs=1e-12)


def test_many_rows_in_several_batches_keep_their_order_and_progress_grows_to_one(score, monkeypatch):
    monkeypatch.setattr(upload_rows, "BATCH", 2048)
    monkeypatch.setattr(upload_rows, "RECORDS_A_REPORT", 1000)
    shares: list[float] = []
    rows = [changed(customer_id=str(n), payments_90d="x" if n % 10 == 0 else "12") for n in range(1, 20_001)]
    result = score(text(*rows), progress=shares.append)
    assert (result.rows, result.scored, result.rejected) == (20_000, 18_000, 2_000)
    written = [int(row["row"]) for row in read(result.scores_file)]
    assert written == [n + 1 for n in range(1, 20_001) if n % 10]
    assert shares == sorted(shares)
    assert len(shares) > 15
    assert shares[-1] == 1


def test_nothing_but_the_two_files_stays_behind(score, tmp_path):
    score(text(GOOD))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["problems.csv", "scores.csv", "uploaded"]


@pytest.mark.parametrize("decimal_comma", [False, True])
def test_the_template_is_a_good_file(model, score, decimal_comma):
    result = score(upload.template(model[0], decimal_comma=decimal_comma).encode())
    assert (result.scored, result.rejected) == (1, 0)
    assert result.layout.decimal_comma == decimal_comma
