"""A name server that does not answer for some names until it is told to."""

from __future__ import annotations

import socket
import threading
from typing import Any

REAL = socket.getaddrinfo


class SlowNames:
    """Stands in for ``socket.getaddrinfo``: names ``slow-…`` hang, ``.test`` is this machine."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked: list[str] = []
        self.silent = False

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = str(host)
        if name.startswith("slow-") or (self.silent and name.endswith(".test")):
            self.asked.append(name)
            self.go_on.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        if name.endswith(".test"):
            self.asked.append(name)
            return REAL("127.0.0.1", port, *args, **kwargs)
        return REAL(host, port, *args, **kwargs)
