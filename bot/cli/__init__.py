"""The command line. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn, cast

if TYPE_CHECKING:
    import typer

BAD_INPUT = 2
"""The exit code for what a person got wrong or the machine refuses."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``todoke``; what a person got wrong is one clear line and a non-zero exit.

    So is what the machine refuses: a folder that cannot be written, a database that is away.

    Parameters
    ----------
    arguments
        What stands behind ``todoke``; those of this process when not given.
    """
    import typer

    from bot.cli.commands import app
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


def _explain_usage(error: typer.BadParameter) -> NoReturn:
    """Say in one line what is wrong with the command itself, and where its help is."""
    message, context = error.format_message(), error.ctx
    if context is not None and message.startswith(context.get_usage()):
        # A group of commands alone, without a command, is a question for its help.
        print(message, file=sys.stderr)
        sys.exit(BAD_INPUT)
    command = context.command_path if context is not None else "todoke"
    _complain(f"{' '.join(message.split()).rstrip('.')}; see '{command} --help'")


def _is_of_the_database(error: Exception) -> bool:
    """Whether SQLAlchemy or a driver says so; most commands never load them."""
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
