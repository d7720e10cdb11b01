"""The command line. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``todoke``; what a person got wrong is one clear line and a non-zero exit.

    So is what the machine refuses: a folder that cannot be written, a database that is away.
    """
    from bot.cli.commands import app
    from core.errors import TodokeError

    try:
        app(prog_name="todoke")
    except TodokeError as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
    except Exception as error:
        if not _is_of_the_database(error):
            raise
        # Its own message goes on with the statement and where to read about it.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        _complain(f"The database cannot be used: {reason}.")


def _is_of_the_database(error: Exception) -> bool:
    """Whether SQLAlchemy says so, which most commands never load."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return loaded is not None and isinstance(error, loaded.DBAPIError)


def _complain(message: str) -> None:
    print(f"todoke: {message}", file=sys.stderr)
    sys.exit(2)
