"""Times one call in a separate process: `python -m bench.timed module:function arguments…`.

Modules before it, as in `first+module:function`, are imported first, so that their import is no part of the call.
"""

import importlib
import json
import resource
import sys
import time
from datetime import date


def main() -> None:
    """Import, then time the call alone; print its seconds, CPU seconds, peak resident MB and result."""
    modules, function = sys.argv[1].split(":")
    call = getattr([importlib.import_module(module) for module in modules.split("+")][-1], function)
    arguments = [date.fromisoformat(a) if "-" in a else int(a) for a in sys.argv[2:]]
    started, cpu_started = time.perf_counter(), time.process_time()
    result = call(*arguments)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    if callable(result):  # the result to compare with the other side, which is not part of the work
        result = result()
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak_kb * (1 if sys.platform == "darwin" else 1024)
    print()
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_bytes / 1e6, "result": result}
    print(json.dumps(figures, default=str))


if __name__ == "__main__":
    main()
