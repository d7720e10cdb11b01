"""The desk that answers residents by chat (``[chat]`` of ``city.toml``)."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from city.parts import Names, Part


class ReadyAnswer(Part):
    """Words that staff send often (``ready-answers.csv``), of a department or ("") of all."""

    code: str
    department: str = ""
    texts: Names


class ChatRules(Part):
    """When the desk answers, who does, and how long a thread waits.

    Parameters
    ----------
    days
        The weekdays on which it begins to answer.
    opens, closes
        From when till when; ``closes`` before ``opens`` is on the next day.
    closed
        Days on which it does not begin: ``2027-02-01``, or ``12-29`` every year.
    departments
        Whose staff answer; none means everybody who may chat.
    alarm_minutes
        A resident who waits longer makes an alarm.
    idle_minutes
        A thread in which the resident does not answer for so long is closed.
    ready
        Answers that are sent often. They stand in a file of their own, which offices change.
    """

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        *("mon", "tue", "wed", "thu", "fri"),
    )
    opens: time = time(8, 30)
    closes: time = time(17, 15)
    holidays_closed: bool = True
    closed: tuple[Annotated[str, Field(pattern=r"^(\d{4}-)?\d{2}-\d{2}$")], ...] = (
        *("12-29", "12-30", "12-31", "01-01", "01-02", "01-03"),
    )
    departments: tuple[str, ...] = ()
    alarm_minutes: int = Field(default=10, ge=1, le=24 * 60)
    idle_minutes: int = Field(default=60, ge=5, le=7 * 24 * 60)
    ready: tuple[ReadyAnswer, ...] = ()

    @field_validator("ready", mode="before")
    @classmethod
    def _not_in_toml(cls, ready: object) -> object:
        if isinstance(ready, list):
            raise ValueError("ready answers stand in ready-answers.csv")
        return ready

    @model_validator(mode="after")
    def _has_hours(self) -> ChatRules:
        if self.opens == self.closes or not self.days:
            raise ValueError("opens and closes are the same, or there are no days")
        return self
