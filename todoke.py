"""``todoke``: check that our packages are ours, then run the command line.

Our packages have common names (``app``, ``core``, ``city``). A distribution with the same names can
come before them on Python's path, or pip can replace our files with its own. Both would end in an
error that nobody understands. Only this module has a unique name, so the check is here. It imports
nothing of ours before the check.
"""

from __future__ import annotations

import sys
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

PACKAGES = (
    *("core", "city", "subscriptions", "feeds", "channels", "alerts", "response"),
    *("reports", "public", "console", "bot", "app", "simulator"),
)
HOME = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``todoke``, or print one sentence if another distribution is in our place.

    Parameters
    ----------
    arguments
        The arguments of ``todoke``; by default those of this process.
    """
    fault = shadowed()
    if fault:
        print(f"todoke: {fault}", file=sys.stderr)
        sys.exit(2)
    from app.cli import main as run

    run(arguments)


def shadowed(home: Path = HOME) -> str | None:
    """Say which of our packages Python finds elsewhere than in ``home``, or changed; or None."""
    installed = _installed(home)
    for name in PACKAGES:
        file = home / name / "__init__.py"
        spec = PathFinder.find_spec(name) or find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None:
            return (
                f"Python does not find the package {name!r}, which is new or incomplete; "
                "install Todoke again (in a checkout: ./dev install)."
            )
        if found != file:
            return (
                f"Python finds the package {name!r} in {found.parent}, not in {file.parent}; "
                "install Todoke into a virtual environment of its own, and leave PYTHONPATH unset."
            )
        if name in installed and installed[name] != _digest(file):
            return (
                f"{file} is not Todoke's any more, another distribution has written over it; "
                "install Todoke into a virtual environment of its own."
            )
    return None


def _installed(home: Path) -> dict[str, str]:
    """What pip noted of each package's ``__init__.py``; nothing where this is a checkout."""
    noted = {}
    for record in home.glob("todoke-*.dist-info/RECORD"):
        for line in record.read_text("utf-8").splitlines():
            path, _, rest = line.partition(",")
            name, _, file = path.partition("/")
            kind, _, digest = rest.partition(",")[0].partition("=")
            if file == "__init__.py" and kind == "sha256":
                noted[name] = digest
    return noted


def _digest(file: Path) -> str:
    return urlsafe_b64encode(sha256(file.read_bytes()).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    main()
