"""``python -m bot.cli`` is ``todoke``."""

from bot.cli import main

main()
