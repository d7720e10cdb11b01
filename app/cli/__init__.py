"""The command line. Commands import their modules when they run, so that help is fast."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn, cast

if TYPE_CHECKING:
    import typer

BAD_INPUT = 2
"""The exit code for mistakes of a person and refusals of the machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``todoke``; a person's mistake gives one clear line and a non-zero exit code.

    So does a refusal of the machine: a folder that cannot be written, a missing database.

    Parameters
    ----------
    arguments
        The arguments of ``todoke``; by default those of this process.
    """
    if _has_nothing_to_migrate(sys.argv[1:] if arguments is None else arguments):
        return
    import typer

    from app.cli.commands import app
    from core.errors import TodokeError

    try:
        code = app(arguments, prog_name="todoke", standalone_mode=False)
    except TodokeError as error:
        _complain(str(error))
    except typer.Abort:
        _complain("Aborted.", 1)
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        if isinstance(error, typer.BadParameter.__bases__):  # any error of usage
            _explain_usage(cast("typer.BadParameter", error))
        if not _is_of_the_database(error):
            raise
        # Its own message goes on with the statement and where to read about it.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        _complain(f"The database cannot be used: {reason}")
    if code:
        sys.exit(code)


def _has_nothing_to_migrate(arguments: Sequence[str]) -> bool:
    """Answer ``db upgrade`` at once if there is nothing to do, as at nearly every start."""
    if list(arguments) != ["db", "upgrade"]:
        return False
    from app.revision import is_newest, newest_revision
    from core.errors import BadInput
    from core.settings import database_url

    try:
        if not is_newest(database_url()):
            return False
    except BadInput:
        return False  # the command itself says so
    print(f"The database is at revision {newest_revision()}.")
    return True


def _explain_usage(error: typer.BadParameter) -> NoReturn:
    """Print in one line what is wrong with the command, and where its help is."""
    message, context = error.format_message(), error.ctx
    if context is not None and message.startswith(context.get_usage()):
        # A group of commands alone, without a command, is a question for its help.
        print(message, file=sys.stderr)
        sys.exit(BAD_INPUT)
    command = context.command_path if context is not None else "todoke"
    _complain(f"{' '.join(message.split()).rstrip('.')}; see '{command} --help'")


def _is_of_the_database(error: Exception) -> bool:
    """Whether the error is from SQLAlchemy or a driver; most commands never load them."""
    for module, kind in (
        ("sqlalchemy.exc", "DBAPIError"),
        ("sqlite3", "Error"),
        ("psycopg", "Error"),
    ):
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, kind)):
            return True
    return False


def _complain(message: str, code: int = BAD_INPUT) -> NoReturn:
    stop = "" if message.endswith((".", "?", "!")) else "."
    print(f"todoke: {message}{stop}", file=sys.stderr)
    sys.exit(code)
