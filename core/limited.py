"""Run another program within the kernel's limits.

``python -m core.limited LIMITS PROGRAM ARGUMENT…``, where ``LIMITS`` is CPU seconds, bytes of
memory and bytes of a file, with commas between them. The program takes the place of this one, so
that its signals and its end are its own.
"""

from __future__ import annotations

import os
import resource
import sys


def main() -> None:
    seconds, memory, size = map(int, sys.argv[1].split(","))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell is what we want)
    except OSError:
        os._exit(127)


if __name__ == "__main__":
    main()
