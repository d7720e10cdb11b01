"""The short address of a notice: ``PUBLIC_URL/n/CODE``, by which anybody can check that it is true.

Messages of every medium carry it. ``feeds.notice_codes`` says what a code is.
"""

from __future__ import annotations

from city.city import City
from feeds.models import Notice
from feeds.notice_codes import PLACEHOLDER
from feeds.texts import messages as m
from feeds.texts.compose import say

PATH = "/n"


def short_address(public_url: str, notice: Notice) -> str:
    """Return the address at which anybody can check a notice; "" if there is none.

    Parameters
    ----------
    public_url
        ``TODOKE_PUBLIC_URL``, also in ``City.public_url``. Empty where nothing is served: then the
        address is empty.
    notice
        If it is not stored yet, the address has :data:`PLACEHOLDER`. If it was stored before codes
        existed, the address is empty.
    """
    if not public_url:
        return ""
    code = PLACEHOLDER if notice.id is None else notice.code
    return f"{public_url}{PATH}/{code}" if code else ""


def shown_address(address: str) -> str:
    """Return an address as it is printed, to be read and typed: without ``https://``."""
    return address.removeprefix("https://")


def check_line(notice: Notice, language: str, city: City) -> str:
    """Return the line at the end of a message that says where to check it; "" without an address.

    The address is shown to be read from a screenshot and typed; :func:`short_address` is the one to
    open.
    """
    address = short_address(city.public_url, notice)
    return say(language, m.CHECK, address=shown_address(address)) if address else ""
