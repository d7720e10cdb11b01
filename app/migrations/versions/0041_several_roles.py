"""Several roles of one account, its departments, and its ways to sign in; when the trail's head was
sent elsewhere.

Revision: 0041
Follows: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite takes a text of any length
        op.alter_column("staff", "role", type_=sa.Text(), existing_type=sa.String(length=16))
    for column in (
        sa.Column("departments", sa.Text(), nullable=False, server_default=""),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_in_by", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_subject", sa.String(length=400), nullable=True),
        sa.Column("promotion_asked_by", sa.String(length=254), nullable=True),
    ):
        op.add_column("staff", column)
    op.create_index("uq_staff_provider_subject", "staff", ["provider_subject"], unique=True)
    op.create_table(
        "recovery_codes",
        sa.Column("id", ROW, nullable=False),
        sa.Column("staff_id", ROW, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("staff_id", "hash", name="uq_recovery_codes"),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", ROW, nullable=False),
        sa.Column("staff_id", ROW, nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index("ix_passkeys_staff_id", "passkeys", ["staff_id"])
    op.create_table(
        "audit_heads",
        sa.Column("id", ROW, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_heads_way", "audit_heads", ["way", "sent_at"])
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_at", "audit", ["at"])
