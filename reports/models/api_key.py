"""Keys of other programs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId

LONGEST_KEY_NAME = 60


class ApiKey(SQLModel, table=True):
    """The key of one other program.

    Parameters
    ----------
    digest
        SHA-256 of the key, in hexadecimal.
    owner
        The code of the office that has it (``city.city.Owner``); empty for any other program.
    hour_began, posts
        How many reports and updates came with it since then; the count begins again after an hour.
    """

    __tablename__ = "api_keys"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=LONGEST_KEY_NAME, unique=True)
    digest: str = Field(max_length=64, unique=True)
    owner: str = Field(default="", max_length=32, sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""
    hour_began: datetime | None = Field(default=None, sa_type=UtcDateTime)
    posts: int = 0
