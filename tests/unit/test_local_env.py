"""`.env` means the same to the local stack as to Docker Compose."""

from pathlib import Path

import pytest

from local import config
from local.console import Failure


@pytest.fixture
def read(tmp_path: Path):
    def parse(text: str) -> dict[str, str]:
        file = tmp_path / ".env"
        file.write_bytes(text.encode())
        return config.read_env(file)

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
        ("A= # remark", ""),
        ("A='p@ %:/$# x'", "p@ %:/$# x"),
        ("A='kept' # remark", "kept"),
        ('A="two\\nlines"', "two\nlines"),
        ('A="a \\"quote\\""', 'a "quote"'),
        ("A='it\\'s $5'", "it's $5"),
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
        ("A='open", 'line 1: "A=\'open" is not of the form NAME=value, or its quote is not closed'),
        (
            "PASSWORD=pa$word",
            "PASSWORD: $word names no variable above it; a value with a $ of its own stands in 'quotes'",
        ),
        ("A='x' y", "line 1: \"A='x' y\" is not of the form"),
    ],
)
def test_refused(read, text, words):
    with pytest.raises(Failure) as refused:
        read(text)
    assert words in str(refused.value)


def test_file_that_is_not_utf8(tmp_path):
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(Failure, match=r"\.env is not UTF-8"):
        config.read_env(tmp_path / ".env")


def test_later_line_wins(read):
    assert read("A=1\nB=1\nA=2") == {"A": "2", "B": "1"}


def test_no_file(tmp_path):
    assert config.read_env(tmp_path / ".env") == {}
