"""Tables of the disaster as it runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId

TO_END = text("ended_at IS NULL")


class ShelterState(StrEnum):
    """What staff say of an evacuation site. A site without a state was not announced."""

    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"


class Offer(StrEnum):
    """What people find at a site."""

    STEP_FREE = "step-free"
    TOILETS = "toilets"
    PETS = "pets"
    BABIES = "babies"
    POWER = "power"


class ShelterStatus(SQLModel, table=True):
    """The present state of one evacuation site, as its acts make it (:class:`ShelterAct`).

    Parameters
    ----------
    shelter
        Its code in ``shelters.csv``.
    drill
        A site has one state for real and one for the drill.
    heads
        People there, as staff counted them; None if they did not.
    offers
        Values of :class:`Offer`.
    """

    __tablename__ = "shelter_statuses"

    shelter: str = Field(primary_key=True, max_length=64)
    drill: bool = Field(sa_column=Column(Boolean, primary_key=True))
    state: ShelterState = Field(sa_type=text_enum(ShelterState))
    heads: int | None = None
    offers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str


class ActKind(StrEnum):
    """What staff say of a site in one act."""

    STATE = "state"
    HEADS = "heads"
    """How many people are there."""
    COUNT = "count"
    """So many more, or fewer."""
    OFFER = "offer"
    NOTE = "note"


IS_NOTE = text("kind = 'note'")


class ShelterAct(SQLModel, table=True):
    """One thing that staff said of an evacuation site. The newest by its own time counts.

    Parameters
    ----------
    link_id, act_key
        The link of the phone that said it, and the phone's own key of the act, so that what is
        sent again is not done again. At the desk there is no link.
    value
        By kind: a value of :class:`ShelterState`; a number of people; a number to add; an
        :class:`Offer` with ``+`` or ``-`` before it; the words.
    at
        When it was said. What comes late is put where it belongs.
    received_at
        When it came.
    actor
        A staff member's address, ``shell:<user>`` or ``link:<number>``.
    """

    __tablename__ = "shelter_acts"
    __table_args__ = (
        UniqueConstraint("link_id", "act_key", name="uq_shelter_acts_key"),
        Index("ix_shelter_acts_site", "shelter", "drill", "kind", "at", "id"),
        Index("ix_shelter_acts_history", "shelter", "drill", "at", "id"),
        Index(
            "ix_shelter_acts_notes",
            "drill",
            "at",
            "id",
            sqlite_where=IS_NOTE,
            postgresql_where=IS_NOTE,
        ),
        Index("ix_shelter_acts_at", "at"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    shelter: str = Field(max_length=64)
    drill: bool
    kind: ActKind = Field(sa_type=text_enum(ActKind))
    value: str = Field(max_length=300)
    at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    link_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("shelter_links.id", ondelete="CASCADE"), nullable=True),
    )
    act_key: str = Field(max_length=40)


class ShelterLink(SQLModel, table=True):
    """A link for the staff at one site, in one world, until it ends or is revoked."""

    __tablename__ = "shelter_links"
    __table_args__ = (Index("ix_shelter_links_site", "shelter", "drill", "made_at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    shelter: str = Field(max_length=64)
    drill: bool
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""


class ShelterPhone(SQLModel, table=True):
    """A browser in which a link was opened: several mean that the link was passed on.

    Parameters
    ----------
    phone
        A random name that the browser keeps in a cookie.
    name
        What it calls itself: iPhone, Android, a computer.
    """

    __tablename__ = "shelter_phones"

    link_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("shelter_links.id", ondelete="CASCADE"), primary_key=True
        )
    )
    phone: str = Field(primary_key=True, max_length=40)
    name: str = Field(default="", max_length=20)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    opened: int = 1


class LifelineKind(StrEnum):
    WATER = "water"
    TOILET = "toilet"
    BATH = "bath"
    CHARGING = "charging"
    SHOP = "shop"
    POWER = "power"
    ROAD = "road"


class LifelineState(StrEnum):
    """How it is; which a kind has is in ``response.lifelines.STATES_OF``."""

    OPEN = "open"
    BUSY = "busy"
    STOPPED = "stopped"
    CLOSED = "closed"


class Lifeline(SQLModel, table=True):
    """Something that people need in a disaster, at one place or in one district.

    Parameters
    ----------
    name
        The place's name, as on the sign.
    area
        The district's code; "" where it is not known.
    longitude, latitude
        Degrees (WGS 84), both or neither.
    opens, closes
        Minutes after midnight in Japan; both or neither. Equal: all day.
    remarks
        Codes of ``public.words.REMARKS``, which have words in every language.
    notes
        Words of staff by language.
    until
        When it ends by itself.
    """

    __tablename__ = "lifelines"
    __table_args__ = (
        Index("ix_lifelines_open", "drill", "until", sqlite_where=TO_END, postgresql_where=TO_END),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: LifelineKind = Field(sa_type=text_enum(LifelineKind))
    drill: bool
    name: str = Field(max_length=80)
    area: str = Field(default="", max_length=32)
    longitude: float | None = None
    latitude: float | None = None
    state: LifelineState = Field(sa_type=text_enum(LifelineState))
    opens: int | None = None
    closes: int | None = None
    remarks: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    notes: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    until: datetime = Field(sa_type=UtcDateTime)
    began_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


OPEN_MODE = text("ended_at IS NULL")


class DisasterMode(SQLModel, table=True):
    """A time in which the city, or some districts, are in a disaster, for real or as a drill.

    At most one is open. ``areas`` are districts' codes; none means the whole city. A drill can be
    for staff only: then no resident sees anything of it.
    """

    __tablename__ = "disaster_modes"
    __table_args__ = (
        Index(
            "ix_disaster_modes_open",
            "drill",
            unique=True,
            sqlite_where=OPEN_MODE,
            postgresql_where=OPEN_MODE,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    staff_only: bool = False
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    began_at: datetime = Field(sa_type=UtcDateTime)
    began_by: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""

    def concerns(self, areas: Iterable[str]) -> bool:
        """Whether it is for a resident with these districts.

        A resident without districts hears of every disaster, and of drills for the whole city.
        """
        if self.staff_only:
            return False
        chosen = set(areas)
        if not self.areas or bool(chosen & set(self.areas)):
            return True
        return not chosen and self.without_area

    @property
    def without_area(self) -> bool:
        """Whether residents without districts are concerned."""
        return not self.drill or not self.areas


class RuleMark(SQLModel, table=True):
    """A danger for which a rule of ``city.toml`` has switched disaster mode on.

    While the danger is in force the rule does not do it again, as staff may have ended it.

    Parameters
    ----------
    rule
        The rule's code.
    danger
        Which danger: the hazard or topic, and of an earthquake the event.
    gravity
        How grave it was at most (``response.by_rule``).
    areas
        Districts that were switched on for it; none means the whole city.
    """

    __tablename__ = "disaster_rule_marks"

    rule: str = Field(primary_key=True, max_length=32)
    danger: str = Field(primary_key=True, max_length=200)
    gravity: int
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)


class Condition(StrEnum):
    """How a household is, in its own words."""

    SAFE = "safe"
    EVACUATED = "evacuated"
    CANNOT_MOVE = "cannot-move"
    IN_NEED = "in-need"


class Whereabouts(StrEnum):
    HOME = "home"
    CAR = "car"
    SHELTER = "shelter"
    RELATIVES = "relatives"


class Need(StrEnum):
    MEDICINE = "medicine"
    WHEELCHAIR = "wheelchair"
    BABY = "baby"
    WATER = "water"


class HouseholdAnswer(SQLModel, table=True):
    """What one household said: how it is, how many, where.

    The last one counts (``newest``); earlier ones stay until the city's retention ends.

    Parameters
    ----------
    origin
        The webhook event that began the answer; later buttons complete the same answer.
    told_ms
        LINE's time of that event, so that an event that comes late does not win.
    area
        The resident's first district at that moment; None if they chose none.
    shelter
        The site's code, if they are at one.
    words, words_message
        What they wrote in their own words, and LINE's id of that message, which can be taken back.
    """

    __tablename__ = "household_answers"
    __table_args__ = (
        UniqueConstraint("resident_id", "origin", name="uq_household_answers_origin"),
        Index(
            "ix_household_answers_newest",
            "resident_id",
            "drill",
            unique=True,
            sqlite_where=text("newest"),
            postgresql_where=text("newest"),
        ),
        # What the desk counts every few seconds is read from this index alone.
        Index(
            "ix_household_answers_counted",
            "drill",
            "area",
            "shelter",
            "condition",
            "people",
            # As the statement says it on SQLite, which compares words.
            sqlite_where=text("newest = 1"),
            postgresql_where=text("newest"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False)
    )
    origin: str = Field(max_length=64)
    told_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    newest: bool
    drill: bool
    condition: Condition = Field(sa_type=text_enum(Condition))
    people: int | None = None
    whereabouts: Whereabouts | None = Field(default=None, sa_type=text_enum(Whereabouts))
    area: str | None = Field(default=None, max_length=32)
    shelter: str | None = Field(default=None, max_length=64)
    words: str = ""
    words_message: str = Field(default="", max_length=40)
    told_at: datetime = Field(sa_type=UtcDateTime, index=True)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class HouseholdNeed(SQLModel, table=True):
    """Something that a household needs."""

    __tablename__ = "household_needs"

    answer_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_answers.id", ondelete="CASCADE"), primary_key=True
        )
    )
    need: Need = Field(sa_column=Column(text_enum(Need), primary_key=True))


STILL_THERE = text("out_at IS NULL")


class CheckIn(SQLModel, table=True):
    """A household came to an evacuation site, and went out again.

    They are at one site at a time.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        Index(
            "ix_check_ins_open",
            "resident_id",
            "drill",
            unique=True,
            sqlite_where=STILL_THERE,
            postgresql_where=STILL_THERE,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    shelter: str = Field(max_length=64)
    drill: bool
    in_at: datetime = Field(sa_type=UtcDateTime, index=True)
    out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CaseState(StrEnum):
    """What becomes of a household's call for help. Nothing else says it in other words."""

    NOTHING = "nothing"
    """They are safe and need nothing; nobody has to do anything."""
    OPEN = "open"
    TAKEN = "taken"
    """A person or a department is on it."""
    DONE = "done"

    @property
    def waits(self) -> bool:
        return self in WAITING_CASES


WAITING_CASES = (CaseState.OPEN, CaseState.TAKEN)


class HouseholdCase(SQLModel, table=True):
    """One household as the desk follows it, for real or in the drill.

    Its last answer says how it is; this row says what the city does about it. It is erased with
    the answers.

    Parameters
    ----------
    urgency
        How grave the last answer is (``response.cases.urgency_of``); 0 needs nothing.
    since
        From when they have been waiting.
    person, department
        Who is on it: a staff member's e-mail, a department's code; "" for nobody.
    version
        Counts the changes, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "household_cases"
    __table_args__ = (
        UniqueConstraint("resident_id", "drill", name="uq_household_cases_resident"),
        Index("ix_household_cases_queue", "drill", "state", "urgency", "since", "id"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False)
    )
    drill: bool
    state: CaseState = Field(sa_type=text_enum(CaseState))
    urgency: int = 0
    since: datetime = Field(sa_type=UtcDateTime)
    person: str = Field(default="", max_length=254)
    department: str = Field(default="", max_length=32)
    version: int = 0
    changed_at: datetime = Field(sa_type=UtcDateTime, index=True)


class CaseStep(StrEnum):
    """What a line of a case's history says."""

    NOTED = "noted"
    TAKEN = "taken"
    DONE = "done"
    REOPENED = "reopened"
    """By staff."""
    WORSE = "worse"
    """The household's answer got worse, and the case is open again."""
    SAFE = "safe"
    """The household said that it needs nothing any more."""
    SENT = "sent"
    """A message went to the household."""


class HouseholdNote(SQLModel, table=True):
    """A line of a case's history; never changed, and erased with the case.

    Parameters
    ----------
    words
        What staff noted, or what was sent, in the language in which it was sent.
    delivery_id
        The delivery of what was sent.
    key
        What made it, so that a form that comes twice makes one line and one message.
    """

    __tablename__ = "household_notes"
    __table_args__ = (UniqueConstraint("case_id", "key", name="uq_household_notes_key"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    case_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_cases.id", ondelete="CASCADE"), nullable=False
        )
    )
    step: CaseStep = Field(sa_type=text_enum(CaseStep))
    by: str
    words: str = ""
    delivery_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="SET NULL"), index=True),
    )
    key: str | None = Field(default=None, max_length=64)
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class HouseholdPhoto(SQLModel, table=True):
    """A photo of a household's answer, re-encoded without metadata; the file has its hash's name.

    Only those who answer households see it.
    """

    __tablename__ = "household_photos"
    __table_args__ = (UniqueConstraint("answer_id", "sha256", name="uq_household_photos_file"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    answer_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_answers.id", ondelete="CASCADE"), nullable=False
        )
    )
    sha256: str = Field(max_length=64, index=True)
    width: int
    height: int
    size: int
    """Bytes on disk."""
    message_id: str = Field(default="", max_length=40)
    """LINE's id of the message that brought it, which can be taken back."""
    created_at: datetime = Field(sa_type=UtcDateTime)


CORRECTS = text("corrects_id IS NOT NULL")


class RecordEntry(SQLModel, table=True):
    """A line of the running record (クロノロジー). It is never changed and never erased.

    A correction is a line of its own that names the line which it corrects.

    Parameters
    ----------
    at, entered_at
        When it happened, and when the line was written.
    kind
        What it is about: the part of ``code`` before the point; ``line`` for typed words.
    code, facts
        What the service wrote by itself, to be put into words where it is read. Never names,
        needs or words of a household.
    text
        What a person typed.
    actor
        A staff member's e-mail, ``shell:<user>`` or ``rule:<name>``.
    department
        The department that it concerns, or that wrote it; "" for none.
    subject
        What it is about, ``kind:id`` as in the audit trail; "" for nothing.
    source
        What the line was made from, so that it is made once; None for typed lines.
    """

    __tablename__ = "record_entries"
    __table_args__ = (
        Index("ix_record_entries_by_time", "drill", "at", "id"),
        *(
            Index(f"ix_record_entries_by_{name}", "drill", name, "at", "id")
            for name in ("kind", "actor")
        ),
        Index(
            "ix_record_entries_corrections",
            "corrects_id",
            sqlite_where=CORRECTS,
            postgresql_where=CORRECTS,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    at: datetime = Field(sa_type=UtcDateTime)
    entered_at: datetime = Field(sa_type=UtcDateTime, index=True)
    drill: bool
    kind: str = Field(max_length=24)
    code: str = Field(default="", max_length=48)
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    text: str = ""
    actor: str
    department: str = Field(default="", max_length=32)
    subject: str = Field(default="", max_length=80)
    corrects_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("record_entries.id"))
    )
    source: str | None = Field(default=None, max_length=80, unique=True)


class TaskState(StrEnum):
    """What becomes of a task between departments."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    REFUSED = "refused"


class Task(SQLModel, table=True):
    """Something that one department asks of another.

    Parameters
    ----------
    case_id
        The household it is for. Such a task is seen by those who answer households, and is erased
        with the household's answers.
    subject
        What else it is about, ``kind:id``, such as ``danger:3`` or ``record:12``; "" for nothing.
    from_department, to_department
        Codes of the city's departments; "" for the headquarters.
    origin
        The form that made it, so that a form that comes twice makes one task.
    version
        Counts the changes, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_queue", "drill", "state", "due_at", "id"),
        Index("ix_tasks_subject", "subject"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    title: str
    from_department: str = Field(default="", max_length=32)
    to_department: str = Field(default="", max_length=32)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: TaskState = Field(default=TaskState.OPEN, sa_type=text_enum(TaskState))
    taken_by: str = Field(default="", max_length=254)
    case_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("household_cases.id", ondelete="CASCADE"), index=True),
    )
    subject: str = Field(default="", max_length=80)
    origin: str = Field(max_length=64, unique=True)
    version: int = 0
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class TaskNote(SQLModel, table=True):
    """A line of a task's history: what somebody noted, or which state they gave it, and why."""

    __tablename__ = "task_notes"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    task_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    by: str
    state: TaskState | None = Field(default=None, sa_type=text_enum(TaskState))
    words: str = ""
    at: datetime = Field(sa_type=UtcDateTime)


TO_MOVE = text("done_at IS NULL")


class MenuMove(SQLModel, table=True):
    """Residents of one language whose menu must be looked at again, as disaster mode changed.

    It goes through them in the order of their ids, so that a crash continues where it was. Which
    menu somebody gets is decided when it is their turn.

    Parameters
    ----------
    areas
        Districts whose residents are concerned; none means everybody.
    without_area
        Whether residents without districts are concerned.
    through
        The last resident who was moved; 0 before the first.
    moved
        How many were moved.
    """

    __tablename__ = "menu_moves"
    __table_args__ = (
        Index("ix_menu_moves_open", "id", sqlite_where=TO_MOVE, postgresql_where=TO_MOVE),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    language: str = Field(max_length=16)
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    without_area: bool = True
    through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    moved: int = 0
    asked_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StaffMember(SQLModel, table=True):
    """Somebody whom the city can call to work in a disaster. No resident's data refers to them.

    Parameters
    ----------
    department
        The department's code in ``city.toml``.
    team
        A group across departments, such as the first to be called; "" for none.
    mail
        Their mail address; "" if they are reached by LINE alone.
    language
        In which they are told; one of the city's.
    account
        The e-mail address of their account of the console; "" if they have none.
    active
        Who is not active is not told anything.
    """

    __tablename__ = "staff_members"
    __table_args__ = (
        Index("ix_staff_members_department", "department", "name"),
        Index(
            "ix_staff_members_mail",
            "mail",
            unique=True,
            sqlite_where=text("mail <> ''"),
            postgresql_where=text("mail <> ''"),
        ),
        Index(
            "ix_staff_members_account",
            "account",
            unique=True,
            sqlite_where=text("account <> ''"),
            postgresql_where=text("account <> ''"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=64)
    department: str = Field(max_length=32)
    team: str = Field(default="", max_length=32)
    mail: str = Field(default="", max_length=254)
    language: str = Field(default="ja", max_length=16)
    account: str = Field(default="", max_length=254)
    active: bool = True
    added_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class StaffLineLink(SQLModel, table=True):
    """The LINE account that a member of staff joined with a code.

    It is the only place that connects them, and is deleted when they leave the list or block the
    account.
    """

    __tablename__ = "staff_line_links"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    line_user_id: str = Field(unique=True, max_length=64)
    joined_at: datetime = Field(sa_type=UtcDateTime)


class StaffCode(SQLModel, table=True):
    """The code with which a member of staff joins; the newest one counts.

    Parameters
    ----------
    code_hash
        HMAC-SHA-256 of the code, hexadecimal. The code itself is not stored.
    nonce
        With it and the service's secret the code can be shown again.
    """

    __tablename__ = "staff_codes"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    code_hash: str = Field(unique=True, max_length=64)
    nonce: str = Field(max_length=32)
    made_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StaffCodeTry(SQLModel, table=True):
    """A wrong code from somebody's chat, so that nobody can guess for long; kept for a day."""

    __tablename__ = "staff_code_tries"
    __table_args__ = (Index("ix_staff_code_tries_user", "user_hash", "tried_at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    user_hash: str = Field(max_length=64)
    tried_at: datetime = Field(sa_type=UtcDateTime, index=True)


class StaffWay(StrEnum):
    """How a member of staff is reached."""

    LINE = "line"
    MAIL = "mail"


class StaffMessageState(StrEnum):
    """``trying`` is stored before the first attempt: it may have arrived."""

    WAITING = "waiting"
    TRYING = "trying"
    SENT = "sent"
    FAILED = "failed"
    STOPPED = "stopped"


STAFF_MESSAGE_OPEN = text("state IN ('waiting', 'trying')")


class StaffMessage(SQLModel, table=True):
    """One message to one member of staff by one way.

    Parameters
    ----------
    occasion
        What it is for; nobody gets two of one occasion by the same way.
    about
        The subject, ``kind:id``, such as ``call_up:3``.
    address
        The LINE user id or mail address at the time of storing, so that each attempt is the same.
        Erased when the message has ended.
    retry_key
        LINE's retry key, and the left part of the Message-ID.
    content
        Title, text, address and buttons (:class:`response.staff_messages.Words`), as JSON.
    """

    __tablename__ = "staff_messages"
    __table_args__ = (
        UniqueConstraint("occasion", "member_id", "way", name="uq_staff_messages_occasion"),
        Index("ix_staff_messages_about", "about", "member_id"),
        Index(
            "ix_staff_messages_open",
            "not_before",
            sqlite_where=STAFF_MESSAGE_OPEN,
            postgresql_where=STAFF_MESSAGE_OPEN,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    occasion: str = Field(max_length=96)
    about: str = Field(max_length=64)
    drill: bool
    urgent: bool
    way: StaffWay = Field(sa_type=text_enum(StaffWay))
    address: str = Field(max_length=254)
    retry_key: str = Field(unique=True, max_length=36)
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: StaffMessageState = Field(
        default=StaffMessageState.WAITING, sa_type=text_enum(StaffMessageState)
    )
    attempts: int = 0
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    not_before: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class HeldAlarmWish(SQLModel, table=True):
    """A member of staff who wishes to be told when a warning is held."""

    __tablename__ = "held_alarm_wishes"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    wished_at: datetime = Field(sa_type=UtcDateTime)


class StaffAnswer(StrEnum):
    """What a member of staff says to a call-up."""

    COMING = "coming"
    AT_OFFICE = "at-office"
    SAFE = "safe"
    """Safe, but cannot come."""
    CANNOT = "cannot"


class CallUp(SQLModel, table=True):
    """Members of staff were called to work, for real or as a drill.

    Parameters
    ----------
    departments, teams
        Whom it calls: codes of departments and names of teams; none of either means everybody.
    words
        What happened and where to come, as it was typed.
    rule
        The rule of ``city.toml`` that began it; "" if a person did.
    event
        The event of the telegram that began it. An event begins one call-up.
    remind_at
        When those are reminded who have not answered; None once it was done, or for never.
    """

    __tablename__ = "call_ups"
    __table_args__ = (UniqueConstraint("event", "drill", name="uq_call_ups_event"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    departments: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    teams: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    words: str
    rule: str = Field(default="", max_length=64)
    event: str | None = Field(default=None, max_length=160)
    began_at: datetime = Field(sa_type=UtcDateTime, index=True)
    began_by: str
    remind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""


class CalledMember(SQLModel, table=True):
    """A member of staff in a call-up, and their last answer.

    Parameters
    ----------
    asked
        How many times they were asked.
    minutes
        In how many minutes they come, from ``answered_at``; None if they do not come.
    answered_by
        ``line``, ``mail``, or the account of the console that noted it.
    """

    __tablename__ = "called_members"

    call_up_id: int = Field(
        sa_column=Column(RowId, ForeignKey("call_ups.id", ondelete="CASCADE"), primary_key=True)
    )
    member_id: int = Field(
        sa_column=Column(
            RowId,
            ForeignKey("staff_members.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        )
    )
    called_at: datetime = Field(sa_type=UtcDateTime)
    asked: int = 1
    answer: StaffAnswer | None = Field(default=None, sa_type=text_enum(StaffAnswer))
    minutes: int | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str = ""
