"""Codes of notices, for their short addresses.

Revision: 0035
Follows: 0034
"""

import re
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
AT_ONCE = 10_000


def upgrade() -> None:
    op.add_column("notices", sa.Column("code", sa.String(length=8), nullable=True))
    _fill()
    op.create_index("uq_notices_code", "notices", ["code"], unique=True)


def _fill() -> None:
    """Give every notice a code, so that also what was sent before can be found by its page."""
    connection = op.get_bind()
    notices = sa.table("notices", sa.column("id", sa.BigInteger), sa.column("code", sa.String))
    numbers = connection.execute(sa.select(notices.c.id)).scalars().all()
    codes: set[str] = set()
    while len(codes) < len(numbers):
        codes.add(_code())
    rows = [{"number": n, "given": c} for n, c in zip(numbers, codes, strict=True)]
    give = (
        notices.update()
        .where(notices.c.id == sa.bindparam("number"))
        .values(code=sa.bindparam("given"))
    )
    for at in range(0, len(rows), AT_ONCE):
        connection.execute(give, rows[at : at + AT_ONCE])


def _code() -> str:
    """Return a code as ``feeds.notice_codes`` made them when this was written."""
    while True:
        drawn = "".join(secrets.choice(ALPHABET) for _ in range(7))
        total = sum(place * ALPHABET.index(letter) for place, letter in enumerate(drawn, start=1))
        code = drawn + ALPHABET[-total * pow(8, -1, 31) % 31]
        if re.search(r"[A-Z]{3}", code) is None:
            return code
