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
        The text between two addresses; no address contains it.
    width
        The number of characters of an address, if all have the same. Then planning passes the
        addresses that it read to the sender, in one string. None if the lengths differ:
        the sender looks them up.
    """

    column: str
    separator: str = "\n"
    width: int | None = None

    @property
    def stride(self) -> int:
        """Characters from one address to the next in a joined string; 0 if the lengths differ."""
        return 0 if self.width is None else self.width + len(self.separator)

    def count(self, joined: str) -> int:
        """Return the number of addresses in a joined string, at least one."""
        return joined.count(self.separator) + 1
