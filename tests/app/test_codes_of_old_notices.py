"""Notices from before codes get one when the database is upgraded: what was sent can be checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import MetaData, create_engine, insert, select

from app.schema import upgrade_now
from feeds.notice_codes import read_code
from tests.support.databases import sync_url


def test_each_old_notice_gets_a_code_of_its_own(database_url: str) -> None:
    upgrade_now(database_url, "0034")
    engine = create_engine(sync_url(database_url))
    tables = MetaData()
    tables.reflect(engine, only=["notices"])
    notices, at = tables.tables["notices"], datetime(2026, 6, 1, tzinfo=UTC)
    empty = json.loads("{}")
    values = {
        "topic": "weather",
        "kind": "",
        "kind_code": "",
        "hazard": "",
        "level": 0,
        "urgency": 0,
        "silent": False,
        "intensity": "",
        "status": "issued",
        "areas": [],
        "drill": False,
        "emergency": False,
        "reported_at": at,
        "event_id": "",
        "url": "",
        "texts": empty,
        "decision": "send",
        "decided_by": "rule:test",
        "created_at": at,
    }
    with engine.begin() as connection:
        connection.execute(
            insert(notices), [{**values, "identity": f"old-{n}"} for n in range(500)]
        )
    upgrade_now(database_url)
    tables = MetaData()
    tables.reflect(engine, only=["notices"])
    with engine.connect() as connection:
        codes = connection.execute(select(tables.tables["notices"].c.code)).scalars().all()
    engine.dispose()
    assert len(set(codes)) == 500
    assert all(read_code(code) == code for code in codes)
