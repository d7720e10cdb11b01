"""Bodies of the hot calls, put together from prepared bytes.

A test holds them equal to what the models of line-bot-sdk serialise.
"""

from __future__ import annotations


def multicast_body(
    joined_ids: str, messages: bytes, *, silent: bool = False, unit: str = ""
) -> bytes:
    """Return a multicast's body.

    Parameters
    ----------
    joined_ids
        User ids with ``","`` between them, without the first and the last quotation mark.
    messages
        The messages as JSON.
    silent
        Whether phones make no sound.
    unit
        The name under which LINE counts what residents do with it (``channels.line.units``).
    """
    ids, end = joined_ids.encode(), _end(silent, unit)
    return b"".join((b'{"to":["', ids, b'"],"messages":', messages, end))


def push_body(user_id: str, messages: bytes, *, silent: bool = False, unit: str = "") -> bytes:
    """Return a push's body; the rest as for :func:`multicast_body`."""
    return b"".join((b'{"to":"', user_id.encode(), b'","messages":', messages, _end(silent, unit)))


def _end(silent: bool, unit: str) -> bytes:
    counted = f',"customAggregationUnits":["{unit}"]' if unit else ""
    return f',"notificationDisabled":{"true" if silent else "false"}{counted}}}'.encode()
