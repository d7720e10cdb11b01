"""Codes that join a mail address with a LINE account: shown at LINE, typed on the mail's page.

A code names the resident at LINE and works for an hour. Only we can make one. Nothing is stored.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from city.context import Context
from subscriptions.models import LINE_MEDIUM, Resident

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without letters that look like digits."""
_LOOKALIKES = str.maketrans("OIL", "011")
_ID_DIGITS, _SEAL_DIGITS = 7, 6
_WINDOW_SECONDS = 1800


class LinkCodes:
    """Makes and reads the codes of one installation.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    """

    def __init__(self, secret_key: str) -> None:
        self._key = f"todoke.public.link-code\n{secret_key}".encode()

    def code(self, resident_id: int, now: datetime) -> str:
        """Return the code of a resident at LINE, such as ``0000-01A-7XK2P9``."""
        return self._code(resident_id, _window(now))

    def resident(self, typed: str, now: datetime) -> int | None:
        """Return whose code this is; None if it is not valid, or not any more."""
        plain = unicodedata.normalize("NFKC", typed[:60]).upper().translate(_LOOKALIKES)
        letters = "".join(one for one in plain if one.isalnum())
        if len(letters) != _ID_DIGITS + _SEAL_DIGITS or not set(letters) <= set(_DIGITS):
            return None
        number = 0
        for letter in letters[:_ID_DIGITS]:
            number = number * 32 + _DIGITS.index(letter)
        for window in (_window(now), _window(now) - 1):
            made = self._code(number, window).replace("-", "")
            if hmac.compare_digest(made.encode(), letters.encode()):
                return number
        return None

    def _code(self, number: int, window: int) -> str:
        seal = int.from_bytes(hmac.digest(self._key, f"{number}:{window}".encode(), "sha256")[:8])
        whole = _written(number, _ID_DIGITS) + _written(seal, _SEAL_DIGITS)
        return f"{whole[:4]}-{whole[4:7]}-{whole[7:]}"


def _written(number: int, digits: int) -> str:
    made = ""
    for _ in range(digits):
        number, last = divmod(number, 32)
        made = _DIGITS[last] + made
    return made


def _window(now: datetime) -> int:
    return int(now.timestamp()) // _WINDOW_SECONDS


@dataclass(frozen=True)
class Joining:
    """What the settings page shows about it.

    Parameters
    ----------
    code
        For a resident at LINE, to be typed on the mail's page; "" for others.
    joined
        Whether a mail address is joined with an account.
    """

    code: str = ""
    joined: bool = False
    only_if_line_fails: bool = False


def joining_of(request: Request, resident: Resident) -> Joining | None:
    """Return it; None where it cannot be done."""
    context: Context = request.app.state.context
    if getattr(request.app.state, "mail_door", None) is None or resident.id is None:
        return None
    if resident.medium == LINE_MEDIUM:
        codes = LinkCodes(context.settings.secret_key)
        return Joining(code=codes.code(resident.id, context.clock.now()))
    if resident.medium != "email":
        return None
    return Joining(
        joined=resident.linked_id is not None, only_if_line_fails=resident.only_if_line_fails
    )
