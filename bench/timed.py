"""Time one call in a process of its own: `python -m bench.timed module:function arguments…`."""

import importlib
import json
import resource
import sys
import time
from datetime import date


def main() -> None:
    """Import, then time the call alone; print seconds, peak resident memory in MB and what the call returned."""
    module, function = sys.argv[1].split(":")
    call = getattr(importlib.import_module(module), function)
    arguments = [date.fromisoformat(a) if "-" in a else int(a) for a in sys.argv[2:]]
    started = time.perf_counter()
    result = call(*arguments)
    seconds = time.perf_counter() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak_kb * (1 if sys.platform == "darwin" else 1024)
    print()
    print(json.dumps({"seconds": seconds, "peak_mb": peak_bytes / 1e6, "result": result}, default=str))


if __name__ == "__main__":
    main()
