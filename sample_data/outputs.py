"""Output files: written beside the old ones and moved over them when all are complete, never over a user's file."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

MANIFEST = Path("sample_data") / "manifest.json"
WORK_DIR = ".sample_data.tmp"
OPTIONS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")


class OutputError(Exception):
    """The files cannot be written; the message names the file and the way out."""


def append(path: Path, table: pa.Table, *, free_text: bool = False) -> None:
    """Append the rows of a table to a CSV file; texts with commas or quotes are refused unless `free_text`."""
    with path.open("ab") as file:
        if file.tell() == 0:
            file.write((",".join(table.column_names) + "\n").encode())
        if free_text:  # Arrow would quote all texts or none
            table.to_pandas().to_csv(file, header=False, index=False)
        else:
            pyarrow.csv.write_csv(table, file, OPTIONS)


@contextmanager
def replacing(out: Path, files: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give a folder to write `files` in and a manifest to fill; at the end move them into `out`, all or none.

    The manifest's `files` maps each name to its digest. While files are moved it contains the old and the new digest,
    so that the files of a run that is killed there do not count as the user's.

    Raises:
        OutputError: `out` holds one of `files` that this program did not write, or another run is writing there.
    """
    work = out / WORK_DIR
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as at_the_end:
        folder = os.open(out, os.O_RDONLY)
        at_the_end.callback(os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{out}: another run is writing sample data here; wait for its end") from error
        known = _known_digests(out, files)
        at_the_end.callback(shutil.rmtree, work, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
        for file in files:
            (work / file).parent.mkdir(parents=True, exist_ok=True)
        manifest: dict[str, Any] = {}
        yield work, manifest
        _known_digests(out, files)  # a file may have been added meanwhile
        new = {str(file): [digest(work / file)] for file in files}
        both = {name: sorted({*known.get(name, []), *digests}) for name, digests in new.items()}
        _write_manifest(out, {**manifest, "files": both})
        for file in files:
            (work / file).replace(out / file)
        _write_manifest(out, {**manifest, "files": new})


def _known_digests(out: Path, files: tuple[Path, ...]) -> dict[str, list[str]]:
    """Digests of the files that this program wrote; refuses if one that is there is another."""
    known: dict[str, list[str]] = {}
    try:
        known = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{out / MANIFEST} is damaged ({error}); restore it or choose another --out") from error
    present = [file for file in files if (out / file).exists()]
    foreign = [str(file) for file in present if digest(out / file) not in known.get(str(file), [])]
    if foreign:
        raise OutputError(
            f"{', '.join(foreign)} in {out.resolve()}: not written by this generator, or changed since, so kept. "
            f"Move it away to have it generated again, or choose another --out"
        )
    return known


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
