"""Cases, work and answers of the road department.

Revision: 0034
Follows: 0033
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _teams()
    _reports()
    _exchange()
    _cases()
    _open()
    _lists()
    _kinds()
    _answers()
    _orders()


def _kinds() -> None:
    op.create_table(
        "kind_versions",
        sa.Column("id", ROW, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_kind_versions_code", "kind_versions", ["code"])
    for name, where in (
        ("ix_kind_versions_in_force", "confirmed_at IS NOT NULL AND ended_at IS NULL"),
        ("ix_kind_versions_proposed", "confirmed_at IS NULL AND ended_at IS NULL"),
    ):
        op.create_index(
            name,
            "kind_versions",
            ["code"],
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", ROW, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("mail", sa.String(length=254), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _reports() -> None:
    _add(
        "reports",
        _text("road", 80),
        _text("road_class", 16),
        sa.Column("is_home", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        _text("japanese"),
        _text("translated_by", 40),
        sa.Column("attributes", sa.JSON(), nullable=False, server_default="[]"),
        _text("contact", 120),
        sa.Column("came_by", sa.String(length=16), nullable=False, server_default="line"),
        sa.Column("forgotten", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("reporters", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("photo_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="3"),
        sa.Column("priority_why", sa.JSON(), nullable=False, server_default="[]"),
        _text("priority_by"),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=True),
        _text("opened_by"),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("began_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("judged", sa.Boolean(), nullable=True),
    )
    # Without a foreign key: SQLite adds one only by making the table anew. Neither table loses rows.
    for name in ("case_id", "team_id"):
        op.add_column("reports", sa.Column(name, ROW, nullable=True))
    joined = sa.text("case_id IS NOT NULL")
    op.create_index(
        "ix_reports_case_id",
        "reports",
        ["case_id"],
        sqlite_where=joined,
        postgresql_where=joined,
    )
    _add(
        "photos",
        sa.Column("dhash", sa.BigInteger(), nullable=True),
        sa.Column("released_at", MOMENT, nullable=True),
        _text("released_by"),
        _text("public_sha256", 64),
    )
    op.create_index("ix_photos_public_sha256", "photos", ["public_sha256"])
    _add(
        "report_updates",
        _text("reason", 32),
        sa.Column("told", sa.Integer(), nullable=False, server_default="0"),
    )
    _fill()


def _exchange() -> None:
    """What goes to other offices and programs, and photos that come from them."""
    report = ("reports", "report_id")
    _table(
        "photo_addresses",
        (report,),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        *_sending(),
    )
    op.create_index("ix_photo_addresses_report_id", "photo_addresses", ["report_id"])
    op.create_index("ix_photo_addresses_due", "photo_addresses", ["state", "not_before"])
    _table(
        "forwards",
        (report,),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("photos", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("reply_to", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        *_sending(),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("first_tried_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("remote_id", sa.String(length=100), nullable=False),
        sa.Column("remote_token", sa.String(length=200), nullable=False),
        sa.Column("remote_status", sa.String(length=16), nullable=False),
        sa.Column("remote_notes", sa.String(), nullable=False),
        sa.Column("remote_at", sa.String(length=40), nullable=False),
        sa.Column("look_at", MOMENT, nullable=True),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("looks_failed", sa.Integer(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_forwards_report_id", "forwards", ["report_id", "id"])
    op.create_index("ix_forwards_due", "forwards", ["state", "not_before"])
    op.create_index("ix_forwards_look", "forwards", ["look_at"])
    unsettled = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_forwards_open",
        "forwards",
        ["id"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    _table(
        "webhooks",
        (),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("with_words", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("off_at", MOMENT, nullable=True),
        sa.Column("off_by", sa.String(), nullable=False),
        sa.Column("off_why", sa.String(), nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("resting_until", MOMENT, nullable=True),
        sa.Column("worked_at", MOMENT, nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.UniqueConstraint("name"),
    )
    _table(
        "webhook_messages",
        (("webhooks", "webhook_id"), report, ("report_updates", "update_id")),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        *_sending(),
        sa.Column("ended_at", MOMENT, nullable=True),
    )
    for name in ("report_id", "update_id"):
        op.create_index(f"ix_webhook_messages_{name}", "webhook_messages", [name])
    due = ["webhook_id", "state", "report_id", "id"]
    op.create_index("ix_webhook_messages_due", "webhook_messages", due)
    op.create_index("ix_webhook_messages_ended", "webhook_messages", ["ended_at"])


def _sending() -> "tuple[sa.Column[Any], ...]":
    """Return the columns of something that is tried until it is done."""
    return (
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )


def _table(name: str, of: "tuple[tuple[str, str], ...]", *parts: "Any") -> None:
    """Make a table with an id, whose rows go with those of the tables ``of``."""
    op.create_table(
        name,
        sa.Column("id", ROW, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        *(sa.Column(column, ROW, nullable=False) for _, column in of),
        *(sa.ForeignKeyConstraint([column], [f"{to}.id"], ondelete="CASCADE") for to, column in of),
        *parts,
    )


def _open() -> None:
    """Photos that staff keep private, who only follows a case, and what public lists choose by."""
    _add(
        "photos",
        sa.Column("kept_private", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _add(
        "report_followers",
        sa.Column("saw", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    for name, more in (("created", ("updated_at",)), ("updated", ())):
        op.create_index(
            f"ix_reports_public_by_{name}",
            "reports",
            [
                *(f"{name}_at", "id", "state", "category", "area", *more, "ended_at"),
                *("hidden", "case_id"),
            ],
            sqlite_where=sa.text("case_id IS NULL AND hidden IS 0"),
            postgresql_where=sa.text("case_id IS NULL AND hidden IS false"),
        )


def _text(name: str, length: int | None = None) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="")


def _cases() -> None:
    """Steps that say what changed, whom a team has, and who was told in the morning."""
    _add(
        "report_updates",
        sa.Column("changes", sa.JSON(), nullable=False, server_default="{}"),
    )
    op.create_table(
        "team_accounts",
        sa.Column("team_id", ROW, nullable=False),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "account"),
    )
    op.create_index("ix_team_accounts_account", "team_accounts", ["account"])
    op.create_table(
        "report_mornings",
        sa.Column("whom", sa.String(length=48), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("whom"),
    )


def _lists() -> None:
    op.create_table(
        "report_filters",
        sa.Column("id", ROW, nullable=False),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=800), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "name"),
    )
    for name in ("team_id", "priority", "road", "came_by", "photo_count", "reporters"):
        op.create_index(f"ix_reports_by_{name}", "reports", [name, "created_at", "id"])
    is_open = sa.text("state IN ('new', 'accepted', 'in-progress')")
    op.create_index(
        "ix_reports_open",
        "reports",
        ["due_on", "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.drop_index("ix_reports_by_cell", "reports")
    op.create_index(
        "ix_reports_by_cell",
        "reports",
        [
            *("cell", "state", "category", "department", "area", "created_at"),
            *("longitude", "latitude", "id", "case_id", "team_id", "priority", "road"),
            *("came_by", "photo_count", "due_on"),
        ],
    )


def _add(table: str, *columns: "sa.Column[Any]") -> None:
    for column in columns:
        op.add_column(table, column)


def _fill() -> None:
    """Work out from what is there what the new columns say of older reports."""
    for statement in (
        "UPDATE reports SET photo_count = "
        "(SELECT count(*) FROM photos WHERE photos.report_id = reports.id)",
        "UPDATE reports SET reporters = 1 + "
        "(SELECT count(*) FROM report_followers WHERE report_followers.report_id = reports.id)",
        "UPDATE reports SET came_by = 'open311' WHERE origin LIKE 'open311:%'",
        *(
            f"UPDATE reports SET {column} = (SELECT min(created_at) FROM report_updates "
            f"WHERE report_updates.report_id = reports.id AND report_updates.state = '{state}')"
            for column, state in (("accepted_at", "accepted"), ("began_at", "in-progress"))
        ),
        "UPDATE reports SET ended_at = (SELECT max(created_at) FROM report_updates "
        "WHERE report_updates.report_id = reports.id AND report_updates.state = reports.state) "
        "WHERE state IN ('done', 'declined', 'withdrawn')",
        "UPDATE reports SET opened_at = (SELECT min(created_at) FROM report_updates "
        'WHERE report_updates.report_id = reports.id AND report_updates."by" <> \'resident\')',
    ):
        op.execute(statement)


def _answers() -> None:
    """What residents are told, what they say to it, and who in the office hears of a report."""
    said_no = sa.text("NOT judged")
    op.create_index(
        "ix_reports_said_no",
        "reports",
        ["updated_at"],
        sqlite_where=said_no,
        postgresql_where=said_no,
    )
    op.create_table(
        "answer_templates",
        sa.Column("id", ROW, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "answer_template_versions",
        sa.Column("template_id", ROW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("said_when", sa.String(length=16), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("by_itself", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("since", sa.JSON(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["answer_templates.id"]),
        sa.PrimaryKeyConstraint("template_id", "version"),
    )
    op.create_table(
        "report_verdicts",
        sa.Column("id", ROW, nullable=False),
        sa.Column("report_id", ROW, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("said", sa.Boolean(), nullable=True),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("words_message", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("report_id", "resident_id", "round"),
    )
    op.create_index("ix_report_verdicts_resident_id", "report_verdicts", ["resident_id"])
    op.create_index("ix_report_verdicts_said_at", "report_verdicts", ["said_at"])
    op.create_table(
        "report_alarms",
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("mails", sa.JSON(), nullable=False),
        sa.Column("chat_form", sa.String(length=16), nullable=False),
        sa.Column("chat_url", sa.String(), nullable=False),
        sa.Column("rhythm", sa.String(length=16), nullable=False),
        sa.Column("quiet_start", sa.Integer(), nullable=True),
        sa.Column("quiet_end", sa.Integer(), nullable=True),
        sa.Column("calls_members", sa.Boolean(), nullable=False),
        sa.Column("again_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("department"),
    )
    op.create_table(
        "reports_heard",
        sa.Column("report_id", ROW, nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("dangerous", sa.Boolean(), nullable=False),
        sa.Column("tellings", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("report_id", "occasion"),
    )
    dangerous = sa.text("dangerous")
    op.create_index(
        "ix_reports_heard_dangerous",
        "reports_heard",
        ["last_at"],
        sqlite_where=dangerous,
        postgresql_where=dangerous,
    )
    op.create_table(
        "staff_notices",
        sa.Column("id", ROW, nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("occasion", sa.String(length=64), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("chat_form", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("retry_key", sa.String(length=36), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_staff_notices_created_at", "staff_notices", ["created_at"])
    op.create_index("ix_staff_notices_department", "staff_notices", ["department", "id"])
    op.create_index(
        "uq_staff_notices_once", "staff_notices", ["occasion", "address_key"], unique=True
    )
    not_ended = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_staff_notices_due",
        "staff_notices",
        ["not_before"],
        sqlite_where=not_ended,
        postgresql_where=not_ended,
    )


def _orders() -> None:
    """Work orders, the links of the crews, what crews say and used, and places of patrols."""
    op.create_table(
        "work_orders",
        sa.Column("id", ROW, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("team_id", ROW, nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("team_id", "kind", "on_day"),
    )
    op.create_index("ix_work_orders_on_day", "work_orders", ["on_day"])
    op.create_table(
        "work_order_items",
        sa.Column("id", ROW, nullable=False),
        sa.Column("order_id", ROW, nullable=False),
        sa.Column("report_id", ROW, nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("outcome_at", MOMENT, nullable=True),
        sa.Column("outcome_words", sa.Text(), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["work_orders.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "report_id"),
    )
    op.create_index("ix_work_order_items_order", "work_order_items", ["order_id", "position"])
    op.create_index("ix_work_order_items_report_id", "work_order_items", ["report_id"])
    op.create_table(
        "work_order_links",
        sa.Column("id", ROW, nullable=False),
        sa.Column("order_id", ROW, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["work_orders.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_work_order_links_order_id", "work_order_links", ["order_id", "id"])
    op.create_index("ix_work_order_links_expires_at", "work_order_links", ["expires_at"])
    op.create_table(
        "work_order_phones",
        sa.Column("link_id", ROW, nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["work_order_links.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "phone"),
    )
    op.create_table(
        "work_order_acts",
        sa.Column("id", ROW, nullable=False),
        sa.Column("link_id", ROW, nullable=False),
        sa.Column("act_key", sa.String(length=40), nullable=False),
        sa.Column("item_id", ROW, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["work_order_links.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], ["work_order_items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_id", "act_key"),
    )
    op.create_index("ix_work_order_acts_item_id", "work_order_acts", ["item_id"])
    op.create_table(
        "work_used",
        sa.Column("item_id", ROW, nullable=False),
        sa.Column("report_id", ROW, nullable=True),
        sa.Column("team_id", ROW, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["work_order_items.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index("ix_work_used_report_id", "work_used", ["report_id"])
    op.create_index("ix_work_used_team_id", "work_used", ["team_id"])
    op.create_table(
        "patrol_places",
        sa.Column("id", ROW, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
