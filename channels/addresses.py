"""How a medium's addresses are stored, and joined into one string for a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Addresses:
    """How a medium's addresses are stored and joined.

    Parameters
    ----------
    column
        The column of ``residents`` that has a resident's address: text.
    separator
        What stands between two addresses; no address has it in it.
    width
        Characters an address has where all have as many. Then planning hands the addresses
        that it read to the sender, in one string, cut at fixed places. None where they differ:
        the sender looks them up.
    """

    column: str
    separator: str = "\n"
    width: int | None = None

    @property
    def stride(self) -> int:
        """Characters from one address to the next in a joined string; 0 where they differ."""
        return 0 if self.width is None else self.width + len(self.separator)

    def count(self, joined: str) -> int:
        """Return how many addresses a joined string has; it has at least one."""
        return joined.count(self.separator) + 1
