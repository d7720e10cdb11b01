"""Whom this machine trusts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.certificates import trusted_here
from tests.support.post_office import new_certificate


def test_the_certificates_are_read_once_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = new_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    first = trusted_here()
    assert trusted_here() is first
    os.utime(new_certificate(tmp_path), ns=(1, 1))
    second = trusted_here()
    assert second is not first
    monkeypatch.delenv("SSL_CERT_FILE")
    assert trusted_here() not in (first, second)
