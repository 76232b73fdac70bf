"""`.env` means the same to the local stack as to Docker Compose."""

from pathlib import Path

import pytest

from local import dotenv
from local.console import Failure


@pytest.fixture
def read(tmp_path: Path):
    def parse(text: str) -> dict[str, str]:
        file = tmp_path / ".env"
        file.write_bytes(text.encode())
        return dotenv.read(file)

    return parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A=", ""),
        ("A= spaced ", "spaced"),
        ("A=with inner space", "with inner space"),
        ("A=value # remark", "value"),
        ("A=p#w", "p#w"),
        ("A=# remark", ""),
        ("A='p@ %:/$# x'", "p@ %:/$# x"),
        ("A='kept' # remark", "kept"),
        ('A="two\\nlines"', "two\nlines"),
        ('A="a \\"quote\\" and \\$dollar"', 'a "quote" and $dollar'),
        ("export A=exported", "exported"),
        ("A=a=b", "a=b"),
        ("B=x\nA=${B}y$B", "xyx"),
        ("A=price$", "price$"),
        ("A=windows\r", "windows"),
        ("\ufeffA=marked", "marked"),
    ],
)
def test_value(read, line, value):
    assert read(line)["A"] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nnonsense", ".env line 2: 'nonsense' is not of the form NAME=value"),
        ("A='open", "line 1: A: the quote that opens"),
        (
            "PASSWORD=pa$word",
            "PASSWORD: $word names no variable above it; a value with a $ of its own stands in 'quotes'",
        ),
        ("A='x' y", "line 1: A: the quote that opens"),
    ],
)
def test_refused(read, text, words):
    with pytest.raises(Failure) as refused:
        read(text)
    assert words in str(refused.value)


def test_file_that_is_not_utf8(tmp_path):
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(Failure, match=r"\.env is not UTF-8"):
        dotenv.read(tmp_path / ".env")


def test_later_line_wins(read):
    assert read("A=1\nB=1\nA=2") == {"A": "2", "B": "1"}


def test_no_file(tmp_path):
    assert dotenv.read(tmp_path / ".env") == {}
