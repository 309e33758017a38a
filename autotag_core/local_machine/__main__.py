"""`python -m autotag_core.local_machine setup` fetches the JVM parts; with `--tests` also those that only tests need.

`lock` rewrites the lines of jars.lock that go with the installed pyspark.
"""

from __future__ import annotations

import os
import sys
import time

from autotag_core.errors import AutotagError
from autotag_core.local_machine import fetch_all, find_java, lock_jars, needed_folders


def main(arguments: list[str]) -> int:
    """Run one command; 0 when it worked."""
    start = time.monotonic()
    try:
        if arguments in (["setup"], ["setup", "--tests"]):
            java = find_java()
            print(f"java: {java.version}, {java.runtime}", flush=True)
            folders = needed_folders(with_tests="--tests" in arguments)
            fetch_all(lambda line: print(line, flush=True), folders=folders)
        elif arguments == ["lock"]:
            print(f"jars.lock: {len(lock_jars())} files, {time.monotonic() - start:.0f} s", flush=True)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except AutotagError as error:
        print(f"setup: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("setup: interrupted", file=sys.stderr, flush=True)
        os._exit(130)  # without waiting for the fetches: what they have so far is removed with this process
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
