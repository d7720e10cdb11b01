"""Settings say which variable is wrong, in one sentence."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from core.settings import LINE_API_URL, PUSH_SERVICES, BadSettings, Settings, TranslatorSettings

COMPLETE = {
    "TODOKE_LINE_CHANNEL_SECRET": "secret-of-the-channel",
    "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "token-of-the-channel",
    "TODOKE_SECRET_KEY": "key-of-the-city",
}


def test_defaults_are_lines_own_addresses_and_limits() -> None:
    settings = Settings.from_environment(COMPLETE)
    assert settings.line_api_url == LINE_API_URL
    assert (settings.line_rate_multicast, settings.line_rate_push) == (200, 2000)
    assert settings.trusted_proxies == ("127.0.0.1",)


def test_proxies_are_addresses_and_networks() -> None:
    named = {"TODOKE_TRUSTED_PROXIES": "127.0.0.1, 10.1.0.0/16 ,fd00::/8"}
    settings = Settings.from_environment({**COMPLETE, **named})
    assert settings.trusted_proxies == ("127.0.0.1", "10.1.0.0/16", "fd00::/8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TODOKE_LINE_CHANNEL_SECRET", ""),
        ("TODOKE_LINE_RATE_MULTICAST", "fast"),
        ("TODOKE_LINE_RATE_PUSH", "0"),
        ("TODOKE_LINE_API_URL", "file:///etc/passwd"),
        ("TODOKE_LINE_API_URL", "https://"),
        ("TODOKE_PUBLIC_URL", "https://city.example.jp:http"),
        ("TODOKE_DATABASE_URL", "mysql://localhost/city"),
        ("TODOKE_DATABASE_URL", "sqlite:"),
        ("TODOKE_DATABASE_URL", "sqlite:///:memory:"),
        ("TODOKE_DATABASE_URL", "postgresql://"),
        ("TODOKE_INTERNAL_HOSTS", "gis.city.local"),
        ("TODOKE_INTERNAL_HOSTS", "https://gis.city.local:443"),
        ("TODOKE_INTERNAL_HOSTS", "gis.city.local:0"),
        ("TODOKE_TRUSTED_PROXIES", "*"),
        ("TODOKE_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TODOKE_TRUSTED_PROXIES", "::/0"),
        ("TODOKE_TRUSTED_PROXIES", "10.0.0.1/24"),
        ("TODOKE_TRUSTED_PROXIES", "127.0.0.1,"),
        ("TODOKE_TRUSTED_PROXIES", "proxy.city.example"),
        ("TODOKE_TRANSLATOR", "babelfish"),
        ("TODOKE_TRANSLATOR", "libretranslate"),
        ("TODOKE_TRANSLATOR", "deepl"),
        ("TODOKE_TRANSLATOR", "textra"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=name):
        Settings.from_environment({**COMPLETE, name: value})


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.from_environment({"TODOKE_LINE_RATE_PUSH": "many", "TODOKE_SECRET_KEY": " "})
    named = [fault.split()[0] for fault in refused.value.faults]
    assert named == [
        "TODOKE_LINE_CHANNEL_SECRET",
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN",
        "TODOKE_LINE_RATE_PUSH",
        "TODOKE_SECRET_KEY",
    ]


def test_secrets_do_not_show_when_settings_are_logged_or_refused() -> None:
    address = "postgresql://todoke:hidden@db/todoke"
    shown = repr(Settings.from_environment({**COMPLETE, "TODOKE_DATABASE_URL": address}))
    assert not [value for value in (*COMPLETE.values(), "hidden") if value in shown]
    with pytest.raises(BadSettings) as refused:
        Settings.from_environment({**COMPLETE, "TODOKE_DATABASE_URL": f"x{address}"})
    assert "hidden" not in str(refused.value)


def test_a_translator_is_named_with_what_it_needs() -> None:
    def of(**values: str) -> TranslatorSettings | None:
        named = {f"TODOKE_TRANSLATOR{name}": value for name, value in values.items()}
        return Settings.from_environment({**COMPLETE, **named}).translator

    assert of() is None
    assert of(**{"": " DeepL ", "_KEY": "k"}) == TranslatorSettings(name="deepl", key="k")
    libre = of(**{"": "libretranslate", "_URL": "http://127.0.0.1:5000/"})
    assert libre == TranslatorSettings(name="libretranslate", url="http://127.0.0.1:5000")
    textra = of(**{"": "textra", "_USER": "u", "_KEY": "hidden", "_SECRET": "hidden"})
    assert textra is not None
    assert "hidden" not in repr(textra)
    with pytest.raises(BadSettings, match="TODOKE_TRANSLATOR_USER and TODOKE_TRANSLATOR_SECRET"):
        of(**{"": "textra", "_KEY": "k"})
    with pytest.raises(BadSettings, match="TODOKE_TRANSLATOR_URL"):
        of(**{"": "libretranslate", "_URL": "ftp://x"})


def test_what_is_hardly_meant_is_doubted() -> None:
    weak = Settings.from_environment({**COMPLETE, "TODOKE_PUBLIC_URL": "http://city.example.jp"})
    assert [doubt.split()[0] for doubt in weak.doubts()] == [
        "TODOKE_SECRET_KEY",
        "TODOKE_METRICS_TOKEN",
        "TODOKE_CITY",
        "TODOKE_PUBLIC_URL",
    ]
    good = {
        "TODOKE_SECRET_KEY": "k" * 32,
        "TODOKE_PUBLIC_URL": "https://city.example.jp/",
        "TODOKE_CITY": "/srv/todoke/city",
        "TODOKE_METRICS_TOKEN": "m" * 32,
    }
    assert Settings.from_environment({**COMPLETE, **good}).doubts() == []
    assert Settings.from_environment({**COMPLETE, "TODOKE_SECRET_KEY": "k" * 32}).doubts() == []


PUSH_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
"""The example of RFC 8291."""


def test_web_push_has_a_key_a_subject_and_known_services() -> None:
    assert Settings.from_environment(COMPLETE).push is None
    named = {"TODOKE_VAPID_PRIVATE_KEY": PUSH_KEY, "TODOKE_PUBLIC_URL": "https://city.example"}
    push = Settings.from_environment({**COMPLETE, **named}).push
    assert push is not None
    assert (push.subject, push.services) == ("https://city.example", PUSH_SERVICES)
    assert PUSH_KEY not in repr(push)
    named |= {
        "TODOKE_MAIL_FROM": "City <todoke@city.example>",
        "TODOKE_PUSH_SERVICES": "fcm.googleapis.com, http://127.0.0.1:8123/",
    }
    push = Settings.from_environment({**COMPLETE, **named}).push
    assert push is not None
    assert push.subject == "mailto:todoke@city.example"
    assert push.services == ("fcm.googleapis.com", "http://127.0.0.1:8123")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TODOKE_VAPID_PRIVATE_KEY", "short"),
        ("TODOKE_VAPID_PRIVATE_KEY", f"{PUSH_KEY}x"),
        ("TODOKE_PUSH_SERVICES", "ftp://push.example"),
        ("TODOKE_PUSH_SERVICES", "push.example/path"),
        ("TODOKE_PUSH_SERVICES", "*"),
    ],
)
def test_a_wrong_setting_of_web_push_is_named_and_its_key_is_not(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment({**COMPLETE, "TODOKE_VAPID_PRIVATE_KEY": PUSH_KEY, name: value})
    [fault] = caught.value.faults
    assert fault.startswith(name)
    assert PUSH_KEY not in fault
