"""Residents of several media, and by which media an alert goes.

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    bind = op.get_bind()
    sqlite = bind.dialect.name == "sqlite"
    last = None
    if sqlite:
        last = bind.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'residents'"))
    # SQLite makes the table anew, and would forget that it never gives a number twice.
    with op.batch_alter_table(
        "residents", table_kwargs={"sqlite_autoincrement": True}
    ) as residents:
        residents.alter_column("line_user_id", existing_type=sa.String(length=64), nullable=True)
        residents.add_column(
            sa.Column("medium", sa.String(length=16), nullable=False, server_default="line")
        )
        residents.add_column(sa.Column("address", sa.String(), nullable=True))
        residents.add_column(sa.Column("linked_id", ROW, nullable=True))
        residents.add_column(
            sa.Column("only_if_line_fails", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        residents.create_foreign_key(
            "fk_residents_linked_id", "residents", ["linked_id"], ["id"], ondelete="SET NULL"
        )
    if last is not None:
        bind.execute(
            sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'residents'"),
            {"last": last},
        )
        bind.execute(
            sa.text(
                "INSERT INTO sqlite_sequence (name, seq) SELECT 'residents', :last "
                "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'residents')"
            ),
            {"last": last},
        )
    for name, columns, unique, where in (
        ("uq_residents_address", ["medium", "address"], True, "address IS NOT NULL"),
        ("ix_residents_elsewhere", ["medium", "id"], False, "address IS NOT NULL"),
        ("ix_residents_linked", ["linked_id"], False, "linked_id IS NOT NULL"),
    ):
        op.create_index(
            name,
            "residents",
            columns,
            unique=unique,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.add_column("alert_drafts", sa.Column("media", sa.JSON(none_as_null=True), nullable=True))
