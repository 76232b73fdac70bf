"""The Parquet files of the Spark engine: where they lie below LAKE_URL, and writing, reading and deleting them."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from ml.cli import CommandError, TryLater
from ml.settings import settings

COMPLETE = "_SUCCESS"  # written last, as Spark does: a folder without it was left by a run that was killed
ROWS_PER_FILE = 5_000_000
ROWS_PER_GROUP = 500_000
LATEST_LOAD = """
select load_id, file_digest, loaded_at from ops.raw_loads
where table_name = %s and status in ('loaded', 'replayed') order by load_id desc limit 1
"""


@contextmanager
def _failures() -> Iterator[None]:
    """Failures of the object store or of the disk become TryLater."""
    try:
        yield
    except OSError as error:
        raise TryLater(f"LAKE_URL={settings().lake_url}: {' '.join(str(error).split())[:500]}") from error


def folder_of_raw(conn: psycopg.Connection, table: str) -> str:
    """Folder below LAKE_URL for the rows that `table`, such as raw.payments, has since its last load.

    Its name holds a digest of the load, so that a folder never changes its content.

    Raises:
        CommandError: the table's file is not loaded.
    """
    loaded = "raw.payments" if table == "staging.customers" else table  # which is made from them
    latest = conn.execute(LATEST_LOAD, (loaded,)).fetchone()
    if latest is None:
        raise CommandError(f"{loaded} is not loaded; load the files: make seed")
    return f"{table.replace('.', '/')}/{hashlib.sha256(repr(latest).encode()).hexdigest()[:16]}"


def url(folder: str) -> str:
    """Address of a folder for Spark, which calls the protocol of an S3 store s3a."""
    root = settings().lake_url.rstrip("/")
    return f"{'s3a' + root[2:] if root.startswith('s3://') else root}/{folder}"


def is_complete(folder: str) -> bool:
    """Whether the folder has been written to its end."""
    store, path = _open(folder)
    with _failures():
        return bool(store.get_file_info(f"{path}/{COMPLETE}").type == fs.FileType.File)


def require(folder: str, table: str) -> str:
    """The folder.

    Raises:
        CommandError: the rows of `table` have not been written there.
    """
    if not is_complete(folder):
        raise CommandError(f"{table} as it is loaded is not below LAKE_URL={settings().lake_url}; write it: make seed")
    return folder


def write(folder: str, rows: pa.RecordBatchReader) -> None:
    """Replace the folder by Parquet files of `rows`, in their order."""
    store, path = _open(folder)
    with _failures():
        _delete(store, path)
        ds.write_dataset(
            rows,
            path,
            filesystem=store,
            format="parquet",
            basename_template="part-{i}.parquet",
            use_threads=False,  # which would change the order
            max_rows_per_file=ROWS_PER_FILE,
            max_rows_per_group=ROWS_PER_GROUP,
        )
        store.open_output_stream(f"{path}/{COMPLETE}").close()


def read(folder: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of the folder's files, batch by batch."""
    store, path = _open(folder)
    with _failures():
        files = ds.dataset(path, filesystem=store, format="parquet", exclude_invalid_files=False)
        yield from files.to_batches(columns=list(columns), use_threads=True)


def delete_others(folder: str) -> None:
    """Delete what lies beside the folder: what earlier loads, builds and killed runs have left."""
    store, path = _open(folder)
    with _failures():
        beside = fs.FileSelector(path.rsplit("/", 1)[0], allow_not_found=True)
        for found in store.get_file_info(beside):
            if found.base_name != path.rsplit("/", 1)[1]:
                _delete(store, found.path)


def delete_with_siblings(folder: str) -> None:
    """Delete the folder that it lies in: the folder and what killed runs have left beside it."""
    store, path = _open(folder)
    with _failures():
        _delete(store, path.rsplit("/", 1)[0])


def _s3_options() -> dict[str, Any]:
    """Settings of the S3 store for pyarrow."""
    env = settings()
    return {
        "endpoint_override": env.s3_endpoint_url or None,
        "access_key": env.s3_access_key or None,
        "secret_key": env.s3_secret_key.get_secret_value() or None,
        "region": env.s3_region,
        "request_timeout": 60,
        "connect_timeout": 10,
    }


def _open(folder: str) -> tuple[fs.FileSystem, str]:
    root = urlsplit(settings().lake_url)
    if root.scheme == "s3" and root.netloc:
        return fs.S3FileSystem(**_s3_options()), f"{root.netloc}{root.path.rstrip('/')}/{folder}"
    if root.scheme == "file" and not root.netloc and root.path.startswith("/"):
        return fs.LocalFileSystem(), f"{root.path.rstrip('/')}/{folder}"
    raise CommandError(f"LAKE_URL={settings().lake_url!r}: expected s3://bucket/folder or file:///folder")


def _delete(store: fs.FileSystem, path: str) -> None:
    if store.get_file_info(path).type == fs.FileType.Directory:
        store.delete_dir(path)
