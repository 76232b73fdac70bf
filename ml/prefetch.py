"""Making items ahead of their use, in a thread."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

ITEMS_AHEAD = 2
Item = TypeVar("Item")


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, made in a thread of their own up to ITEMS_AHEAD ahead; its exceptions are raised here."""
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=ITEMS_AHEAD)
    stopped = threading.Event()
    done = object()

    def put(is_error: bool, item: Any) -> None:
        while not stopped.is_set():
            try:
                ready.put((is_error, item), timeout=0.1)
                return
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put(False, item)
                if stopped.is_set():
                    return
            put(False, done)
        except BaseException as error:
            put(True, error)

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    try:
        while True:
            is_error, item = ready.get()
            if is_error:
                raise item
            if item is done:
                return
            yield item
    finally:
        stopped.set()
        worker.join()
