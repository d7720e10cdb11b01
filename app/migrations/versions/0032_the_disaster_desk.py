"""The disaster desk: acts and links of evacuation sites, lifelines, drills for staff only.

Revision: 0032
Follows: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
KIND = sa.String(length=16)
NOTE = sa.text("kind = 'note'")
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column(
        "disaster_modes",
        sa.Column("staff_only", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "menu_moves",
        sa.Column("without_area", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_table(
        "disaster_rule_marks",
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("danger", sa.String(length=200), nullable=False),
        sa.Column("gravity", sa.Integer(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("rule", "danger"),
    )
    op.create_table(
        "shelter_links",
        sa.Column("id", ROW, nullable=False),
        sa.Column("shelter", sa.String(length=64), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_shelter_links_site", "shelter_links", ["shelter", "drill", "made_at"])
    op.create_index("ix_shelter_links_expires_at", "shelter_links", ["expires_at"])
    op.create_table(
        "shelter_phones",
        sa.Column("link_id", ROW, nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["shelter_links.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "phone"),
    )
    acts = op.create_table(
        "shelter_acts",
        sa.Column("id", ROW, nullable=False),
        sa.Column("shelter", sa.String(length=64), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("link_id", ROW, nullable=True),
        sa.Column("act_key", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["shelter_links.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_id", "act_key", name="uq_shelter_acts_key"),
    )
    op.create_index(
        "ix_shelter_acts_site", "shelter_acts", ["shelter", "drill", "kind", "at", "id"]
    )
    op.create_index("ix_shelter_acts_history", "shelter_acts", ["shelter", "drill", "at", "id"])
    op.create_index(
        "ix_shelter_acts_notes",
        "shelter_acts",
        ["drill", "at", "id"],
        sqlite_where=NOTE,
        postgresql_where=NOTE,
    )
    op.create_index("ix_shelter_acts_at", "shelter_acts", ["at"])
    _begin_histories(acts)
    op.create_table(
        "lifelines",
        sa.Column("id", ROW, nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=32), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("state", KIND, nullable=False),
        sa.Column("opens", sa.Integer(), nullable=True),
        sa.Column("closes", sa.Integer(), nullable=True),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_lifelines_open",
        "lifelines",
        ["drill", "until"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_lifelines_ended_at", "lifelines", ["ended_at"])


def _begin_histories(acts: sa.Table) -> None:
    """What was said of a site before becomes the first acts of its history."""
    before = sa.table(
        "shelter_statuses",
        sa.column("shelter", sa.String()),
        sa.column("drill", sa.Boolean()),
        sa.column("state", sa.String()),
        sa.column("heads", sa.Integer()),
        sa.column("offers", sa.JSON()),
        sa.column("changed_at", MOMENT),
        sa.column("changed_by", sa.String()),
    )
    rows = []
    for one in op.get_bind().execute(sa.select(before)):
        said = [("state", one.state)]
        if one.heads is not None:
            said.append(("heads", str(one.heads)))
        said += [("offer", f"+{offer}") for offer in one.offers]
        rows += [
            {
                "shelter": one.shelter,
                "drill": one.drill,
                "kind": kind,
                "value": value,
                "at": one.changed_at,
                "received_at": one.changed_at,
                "actor": one.changed_by,
                "act_key": f"before-{number}",
            }
            for number, (kind, value) in enumerate(said)
        ]
    if rows:
        op.bulk_insert(acts, rows)
