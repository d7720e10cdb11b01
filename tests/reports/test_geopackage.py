"""An export for the city's GIS is a GeoPackage as the OGC's specification 12-128r18 has it."""

from __future__ import annotations

import sqlite3
import struct
from datetime import UTC, datetime
from pathlib import Path

from city.city import City
from city.folder import load_city
from core.database import Database
from reports.exports import HEADINGS, Wording, begin_export
from reports.geopackage import TITLES, export_geopackage
from reports.models import CameBy
from reports.register import Draft, create_report
from tests.support.project import SAMPLE_CITY

NOW = datetime(2026, 11, 30, 1, 2, 3, 456000, tzinfo=UTC)


async def exported(database: Database, city: City, path: Path) -> sqlite3.Connection:
    async with database.reading() as session:
        export = await begin_export(session)
    await export_geopackage(database, export, path, Wording(city), NOW)
    return sqlite3.connect(path)


async def test_reports_are_points_in_wgs_84(database: Database, tmp_path: Path) -> None:
    city = load_city(SAMPLE_CITY)
    async with database.writing() as session:
        for number, place in enumerate(((140.0766, 36.0835), (140.1, 36.1), None)):
            await create_report(
                session,
                city,
                Draft(
                    category="pothole",
                    origin=str(number),
                    longitude=place[0] if place else None,
                    latitude=place[1] if place else None,
                    description="穴'; DROP TABLE reports",
                    came_by=CameBy.TELEPHONE,
                ),
                resident_id=None,
                language="ja",
                now=NOW,
            )
    made = await exported(database, city, tmp_path / "reports.gpkg")
    assert made.execute("PRAGMA application_id").fetchone() == (0x47504B47,)  # "GPKG"
    assert made.execute("PRAGMA user_version").fetchone() == (10300,)
    assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert made.execute("PRAGMA foreign_key_check").fetchall() == []
    defaults = {row[1]: row[4] for row in made.execute("PRAGMA table_info(gpkg_contents)")}
    assert defaults["last_change"] == "strftime('%Y-%m-%dT%H:%M:%fZ','now')"  # requirement 13
    contents = made.execute(
        "SELECT data_type, min_x, min_y, max_x, max_y, srs_id, last_change FROM gpkg_contents"
    ).fetchall()
    assert contents == [
        ("features", 140.0766, 36.0835, 140.1, 36.1, 4326, "2026-11-30T01:02:03.456Z")
    ]
    assert {row[0] for row in made.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")} == {
        -1,
        0,
        4326,
    }
    rows = made.execute(
        "SELECT geom, category_name, state_name, description FROM reports ORDER BY number"
    ).fetchall()
    # 2.1.3: magic, version, flags (little-endian, no envelope), the reference system; then WKB.
    magic, version, flags, system = struct.unpack_from("<2sBBi", rows[0][0])
    assert (magic, version, flags, system) == (b"GP", 0, 1, 4326)
    assert struct.unpack_from("<BIdd", rows[0][0], 8) == (1, 1, 140.0766, 36.0835)
    assert rows[2][0] is None
    assert rows[0][1:] == ("道路の穴・段差", "受付", "穴'; DROP TABLE reports")


async def test_columns_have_japanese_names_by_the_extension_for_schemas(
    database: Database, tmp_path: Path
) -> None:
    """F.9 of the specification; GIS programs show the name instead of the column."""
    made = await exported(database, load_city(SAMPLE_CITY), tmp_path / "reports.gpkg")
    assert set(made.execute("SELECT table_name, extension_name, scope FROM gpkg_extensions")) == {
        ("gpkg_data_columns", "gpkg_schema", "read-write"),
        ("gpkg_data_column_constraints", "gpkg_schema", "read-write"),
    }
    named = dict(made.execute("SELECT column_name, name FROM gpkg_data_columns"))
    columns = {row[1] for row in made.execute("PRAGMA table_info(reports)")}
    assert named.keys() <= columns and len(set(named.values())) == len(named)
    assert (named["number"], named["state_name"], named["created_at"]) == (
        "番号",
        "状態",
        "受付日時",
    )
    assert set(TITLES.values()) <= set(HEADINGS)


async def test_an_export_without_a_report_is_a_whole_file(
    database: Database, tmp_path: Path
) -> None:
    made = await exported(database, load_city(SAMPLE_CITY), tmp_path / "none.gpkg")
    assert made.execute("SELECT count(*) FROM reports").fetchone() == (0,)
    assert made.execute("SELECT min_x FROM gpkg_contents").fetchone() == (None,)
