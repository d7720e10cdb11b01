"""The line between a phone and the service, which can be cut."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class PhoneLine:
    """Passes on what a browser and a service say to each other, until it is cut.

    A browser that is only told to be offline lets its service worker talk on.
    """

    def __init__(self, service: str) -> None:
        address = urlsplit(service)
        self._service = (address.hostname or "127.0.0.1", address.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            _end(self._open)

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        _end([self._listening])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                phone, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(phone,), daemon=True).start()

    def _pass_on(self, phone: socket.socket) -> None:
        with phone, contextlib.suppress(OSError), socket.create_connection(self._service) as far:
            ends = {phone: far, far: phone}
            with self._lock:
                if self._is_cut:
                    return
                self._open |= {*ends}
            try:
                while True:
                    for one in select.select(list(ends), [], [])[0]:
                        if not (said := one.recv(65536)):
                            return
                        ends[one].sendall(said)
            finally:
                with self._lock:
                    self._open -= {*ends}


def _end(sockets: list[socket.socket] | set[socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def line_to(service: str) -> Iterator[PhoneLine]:
    line = PhoneLine(service)
    try:
        yield line
    finally:
        line.close()
