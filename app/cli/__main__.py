"""``python -m app.cli`` is ``todoke``."""

from todoke import main

main()
