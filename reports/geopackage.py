"""An export of reports as a GeoPackage, which QGIS, ArcGIS and a city's own GIS open.

A GeoPackage is a SQLite file with tables of its own. Points are in degrees, WGS 84 (EPSG:4326).
(OGC 12-128r18, https://www.geopackage.org/spec131/)
"""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.database import Database
from reports.exports import Export, Row, Wording, exported

APPLICATION_ID, VERSION = 0x47504B47, 10300
"""``GPKG``, and version 1.3."""
WGS_84 = 4326
TABLE = "reports"
_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4326"]]'
)
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
  scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
  mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC,
  min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE reports (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, number TEXT NOT NULL, lead TEXT,
  state TEXT, state_name TEXT, category TEXT, category_name TEXT, department TEXT,
  department_name TEXT, team TEXT, priority INTEGER, due_on DATE, area TEXT, area_name TEXT,
  address TEXT, road TEXT, road_class TEXT, owner TEXT, description TEXT, reporters INTEGER,
  photos INTEGER, created_at DATETIME, updated_at DATETIME, ended_at DATETIME);
"""
_SCHEMA = "http://www.geopackage.org/spec131/#extension_schema"
TITLES = {
    "number": "Number",
    "lead": "Case",
    "state_name": "State",
    "category_name": "Kind",
    "department_name": "Department",
    "team": "Assigned to",
    "priority": "Priority",
    "due_on": "Due",
    "area_name": "District",
    "address": "Address",
    "road": "Road",
    "road_class": "Class of road",
    "owner": "Looked after by",
    "description": "What was said",
    "reporters": "Reporters",
    "photos": "Photos",
    "created_at": "Came in",
    "updated_at": "Last change",
    "ended_at": "Ended",
}
"""What columns are called: as in the CSV (``reports.exports.HEADINGS``)."""
_ROW = f"INSERT INTO {TABLE} VALUES (NULL, {', '.join('?' * 24)})"  # noqa: S608 - all of it ours


async def export_geopackage(
    database: Database,
    export: Export,
    path: Path,
    wording: Wording,
    now: datetime,
    *,
    written: Callable[[int], None] | None = None,
) -> None:
    """Write an export to a new file; a joined report has its case's number in ``lead``.

    Parameters
    ----------
    written
        Called with the number of reports of each part that is written.
    """
    file = await asyncio.to_thread(_File, path)
    try:
        async for rows in exported(database, export):
            await asyncio.to_thread(file.add, rows, wording)
            if written is not None:
                written(len(rows))
        await asyncio.to_thread(file.finish, wording, now)
    finally:
        file.connection.close()


class _File:
    def __init__(self, path: Path) -> None:
        # Each call runs in a thread of its own, one after another.
        self.connection = sqlite3.connect(path, check_same_thread=False)
        self.box: list[float] = []
        self.connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.connection.execute(f"PRAGMA user_version = {VERSION}")
        self.connection.executescript(_TABLES)
        self.connection.executemany(
            "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)",
            [
                ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", None),
                ("Undefined geographic SRS", 0, "NONE", 0, "undefined", None),
                ("WGS 84", WGS_84, "EPSG", WGS_84, _WKT, None),
            ],
        )

    def add(self, rows: Sequence[Row], wording: Wording) -> None:
        self.connection.executemany(_ROW, [self._row(row, wording) for row in rows])

    def _row(self, row: Row, wording: Wording) -> tuple[object, ...]:
        report = row.report
        geometry = None
        if report.longitude is not None and report.latitude is not None:
            geometry = point(report.longitude, report.latitude)
            west, south, east, north = self.box or (180.0, 90.0, -180.0, -90.0)
            self.box = [
                *(min(west, report.longitude), min(south, report.latitude)),
                *(max(east, report.longitude), max(north, report.latitude)),
            ]
        return (
            geometry,
            report.number,
            row.leader,
            report.state.value,
            report.state.staff_name(wording.language),
            report.category,
            wording.category(report.category),
            report.department,
            wording.department(report.department),
            row.team,
            report.priority,
            report.due_on.isoformat() if report.due_on else None,
            report.area,
            wording.area(report.area),
            report.address,
            report.road,
            report.road_class,
            wording.owner(report.owner),
            report.description,
            report.reporters,
            len(row.photos),
            _moment(report.created_at),
            _moment(report.updated_at),
            _moment(report.ended_at) if report.ended_at else None,
        )

    def finish(self, wording: Wording, now: datetime) -> None:
        box: list[float] | list[None] = self.box or [None] * 4
        self.connection.execute(
            "INSERT INTO gpkg_contents VALUES (?, 'features', ?, '', ?, ?, ?, ?, ?, ?)",
            (TABLE, TABLE, _moment(now), *box, WGS_84),
        )
        self.connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POINT', ?, 0, 0)",
            (TABLE, WGS_84),
        )
        tables = ("gpkg_data_columns", "gpkg_data_column_constraints")
        self.connection.executemany(
            "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')",
            [(table, _SCHEMA) for table in tables],
        )
        named = [(column, wording.say(title)) for column, title in TITLES.items()]
        self.connection.executemany(
            f"INSERT INTO gpkg_data_columns VALUES ('{TABLE}', ?, ?, ?, NULL, NULL, NULL)",  # noqa: S608 - ours
            [(column, title, title) for column, title in named],
        )
        self.connection.commit()


def point(longitude: float, latitude: float) -> bytes:
    """Return a point as a GeoPackage keeps it: its header, then WKB, both little-endian."""
    header = struct.pack("<2sBBi", b"GP", 0, 0b1, WGS_84)
    return header + struct.pack("<BIdd", 1, 1, longitude, latitude)


def _moment(at: datetime) -> str:
    """Return a moment in UTC as the specification wants it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
