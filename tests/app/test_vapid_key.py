"""``todoke vapid-key`` makes a key that browsers can subscribe with, and that the settings take."""

from __future__ import annotations

import base64
import json

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from channels.webpush.vapid import Vapid
from core.clock import SystemClock
from core.settings import Settings

NAME = "TODOKE_VAPID_PRIVATE_KEY"


def test_it_prints_a_new_key_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = CliRunner().invoke(app, ["vapid-key"])
    name, _, key = printed.output.strip().partition("=")
    assert (printed.exit_code, name) == (0, NAME)
    public = Vapid(key, "mailto:a@city.example", SystemClock()).public_key
    assert len(base64.urlsafe_b64decode(f"{public}=")) == 65, "an uncompressed point of P-256"
    as_json = json.loads(CliRunner().invoke(app, ["vapid-key", "--json"]).output)
    assert as_json[NAME] != key
    monkeypatch.setenv(NAME, key)
    settings = Settings.from_environment(sends=False)
    assert settings.push is not None and settings.push.private_key == key
    assert key not in repr(settings)
