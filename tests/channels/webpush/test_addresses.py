"""Endpoints are addresses that strangers chose: none leads inside."""

from __future__ import annotations

import json

import pytest

from channels.webpush.addresses import PushServices, address_of, read_address
from core.errors import BadInput
from core.settings import PUSH_SERVICES
from simulator.push import Browser

SERVICES = PushServices(PUSH_SERVICES)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://fcm.googleapis.com:443/wp/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QGuQ",
        "https://wns2-by3p.notify.windows.com/w/?token=BQ%3d",
    ],
)
def test_the_services_of_the_browsers_are_known(endpoint: str) -> None:
    SERVICES.check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com:x/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://10.0.0.5/x",
        "https://evil.example/fcm.googleapis.com",
        "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://user@fcm.googleapis.com/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://notify.windows.com.evil.example/x",
        "https://evilnotify.windows.com/x",
        "https:///x",
        "file:///etc/passwd",
        "gopher://fcm.googleapis.com/x",
        "//fcm.googleapis.com/x",
        "",
    ],
)
def test_nothing_else_is(endpoint: str) -> None:
    with pytest.raises(BadInput):
        SERVICES.check(endpoint)


def test_an_origin_of_ones_own_is_named_whole() -> None:
    services = PushServices(["http://127.0.0.1:8123"])
    services.check("http://127.0.0.1:8123/push/x")
    for other in (
        "http://127.0.0.1:8124/push/x",
        "http://127.0.0.1/push/x",
        "https://127.0.0.1:8123/",
    ):
        with pytest.raises(BadInput):
            services.check(other)


def test_an_address_is_stored_in_one_form() -> None:
    browser = Browser("t", "https://fcm.googleapis.com/x")
    found = read_address(browser.address())
    assert found.stored() == browser.address()
    padded = {name: f"{value}==" for name, value in json.loads(browser.address()).items()}
    padded["endpoint"] = browser.endpoint
    assert address_of(padded).stored() == browser.address()
    assert "\n" not in found.stored()


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": None},
        {"endpoint": ["https://fcm.googleapis.com/x"]},
        {"endpoint": "https://fcm.googleapis.com/" + "x" * 1000},
        {"endpoint": "https://fcm.googleapis.com/\nX-Header: y"},
        {"endpoint": "https://fcm.googleapis.com/ü"},
        {"p256dh": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "BA" + "A" * 85},  # not on the curve
        {"p256dh": "!" * 87},
        {"p256dh": 7},
        {"auth": "AAAA"},
        {"auth": None},
        {"auth": "é"},
    ],
)
def test_a_wrong_part_is_refused(change: dict[str, object]) -> None:
    good = json.loads(Browser("t", "https://fcm.googleapis.com/x").address())
    address_of(good)
    with pytest.raises(BadInput):
        address_of({**good, **change})


@pytest.mark.parametrize("text", ["", "x", "[]", '"x"', "null", "[" * 100_000])
def test_what_is_no_address_at_all_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_address(text)
