"""The command line. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``todoke``; what a person got wrong is one clear line and a non-zero exit."""
    from bot.cli.commands import app
    from core.errors import TodokeError

    try:
        app(prog_name="todoke")
    except TodokeError as error:
        print(f"todoke: {error}", file=sys.stderr)
        sys.exit(2)
