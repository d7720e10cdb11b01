"""Look up host names; a slow lookup does not delay the others.

The event loop looks names up in one small thread pool. Ten names whose server does not answer fill
it for 20 s, and LINE's name waits behind them. Here each name has its own thread, and the number of
threads is limited. An address that was found before is used while the name server is silent.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict

from aiohttp.abc import AbstractResolver, ResolveResult

from core.threads import in_own_thread

MOST_AT_ONCE = 64
"""Names looked up at the same time by one resolver; one thread each."""
MOST_REMEMBERED = 1_000
PATIENCE_SECONDS = 10.0
PATIENCE_WHEN_KNOWN = 0.5
"""How long the last good address is held back, in case there is a newer one."""
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_Key = tuple[str, int]
_Addresses = list[tuple[str, socket.AddressFamily]]


class Names(AbstractResolver):
    """A resolver for one HTTP session; sessions that must not wait for each other have their own.

    Parameters
    ----------
    patience
        Seconds that a caller waits for a name that was never found before.
    patience_when_known
        Seconds after which the address that was found last is good enough.
    """

    def __init__(
        self,
        *,
        patience: float = PATIENCE_SECONDS,
        patience_when_known: float = PATIENCE_WHEN_KNOWN,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._patience = patience
        self._patience_when_known = patience_when_known
        self._most_at_once = most_at_once
        self._asked: dict[_Key, asyncio.Future[_Addresses]] = {}
        self._good: OrderedDict[_Key, _Addresses] = OrderedDict()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``: new ones, or those that were good last.

        Raises
        ------
        OSError
            The name is not known, and never was, or its server does not answer.
        """
        key = (host, int(family))
        known = self._good.get(key)
        try:
            found = await self._found(key, self._patience_when_known if known else self._patience)
        except OSError:
            if not known:
                raise
            found = known
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=_NUMERIC
            )
            for address, kind in found
        ]

    async def _found(self, key: _Key, patience: float) -> _Addresses:
        asked = self._asked.get(key)
        if asked is None:
            if len(self._asked) >= self._most_at_once:
                raise OSError("too many names are being looked up")
            asked = self._asked[key] = in_own_thread(_look_up, *key)
            asked.add_done_callback(lambda done: self._settled(key, done))
        done, _ = await asyncio.wait({asked}, timeout=patience)
        if not done:
            raise OSError(f"the name server does not say within {patience:g} s where {key[0]} is")
        return asked.result()

    def _settled(self, key: _Key, asked: asyncio.Future[_Addresses]) -> None:
        self._asked.pop(key, None)
        if asked.cancelled() or asked.exception() is not None:
            return
        self._good[key] = asked.result()
        self._good.move_to_end(key)
        while len(self._good) > MOST_REMEMBERED:
            self._good.popitem(last=False)

    async def close(self) -> None:
        self._good.clear()


def _look_up(host: str, family: int) -> _Addresses:
    found = socket.getaddrinfo(
        host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    addresses: _Addresses = []
    for kind, _, _, _, address in found:
        # A link-local IPv6 address is complete only with its network interface.
        text = str(address[0])
        scope = address[-1]
        if kind == socket.AF_INET6 and isinstance(scope, int) and scope:
            text = f"{text.partition('%')[0]}%{scope}"
        if (text, kind) not in addresses:
            addresses.append((text, kind))
    if not addresses:
        raise OSError(f"{host} has no address")
    return addresses
