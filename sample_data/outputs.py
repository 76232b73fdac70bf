"""Output files: written beside the old ones and moved over them when all are complete, never over a user's file."""

import csv
import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

MANIFEST = Path("sample_data") / "manifest.json"
WORK_DIR = ".sample_data.tmp"
OPTIONS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")


class OutputError(Exception):
    """The files cannot be written; the message names the file and the way out."""


class HashedFile:
    """A CSV file being written, with its SHA-256."""

    def __init__(self, path: Path, header: tuple[str, ...] | list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._file: BinaryIO = path.open("wb")
        self._hash = hashlib.sha256()
        self.write((",".join(header) + "\n").encode())

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._hash.update(data)
        self._file.write(data)

    def write_table(self, table: pa.Table) -> None:
        """Append the rows of an Arrow table, without quotes: no text in it may hold a comma."""
        buffer = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table, buffer, OPTIONS)
        self.write(memoryview(buffer.getvalue()))  # type: ignore[arg-type]
        self.rows += table.num_rows

    def write_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Append rows, with quotes where a text needs them."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self.write(text.getvalue().encode())
        self.rows += len(rows)

    def close(self) -> str:
        """Finish the file and return its digest."""
        self._file.close()
        return f"sha256:{self._hash.hexdigest()}"


@contextmanager
def replacing(out: Path, files: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give a folder to write `files` in and a manifest to fill; at the end move them into `out`, all or none.

    The manifest's `files` maps each name to its digest. While files are moved it contains the old and the new digest,
    so that the files of a run that is killed there do not count as the user's.

    Raises:
        OutputError: `out` holds one of `files` that this program did not write, or another run is writing there.
    """
    out.mkdir(parents=True, exist_ok=True)
    folder = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{out}: another run is writing sample data here; wait for its end") from error
        known = _known_digests(out)
        _refuse_foreign_files(out, files, known)
        work = out / WORK_DIR
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir()
            manifest: dict[str, Any] = {}
            yield work, manifest
            _refuse_foreign_files(out, files, known)  # a file may have been added meanwhile
            new = {name: [digest] for name, digest in manifest["files"].items()}
            both = {name: sorted({*known.get(name, []), *digests}) for name, digests in new.items()}
            _write_manifest(out, {**manifest, "files": both})
            for file in files:
                (out / file).parent.mkdir(parents=True, exist_ok=True)
                (work / file).replace(out / file)
            _write_manifest(out, {**manifest, "files": new})
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(folder)


def _known_digests(out: Path) -> dict[str, list[str]]:
    try:
        known: dict[str, list[str]] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{out / MANIFEST} is damaged ({error}); restore it or choose another --out") from error
    return known


def _refuse_foreign_files(out: Path, files: tuple[Path, ...], known: dict[str, list[str]]) -> None:
    present = [file for file in files if (out / file).exists()]
    foreign = [str(file) for file in present if digest(out / file) not in known.get(str(file), [])]
    if foreign:
        raise OutputError(
            f"{', '.join(foreign)} in {out.resolve()}: not written by this generator, or changed since, so kept. "
            f"Move it away to have it generated again, or choose another --out"
        )


def digest(path: Path) -> str:
    """SHA-256 of a file, in the form that the manifest keeps."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    path = out / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".tmp")
    new.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    new.replace(path)
