"""What the conversation would say with other words of the city, for those who change them."""

from __future__ import annotations

from datetime import date, datetime

from bot.dialogues import questions, rubbish
from bot.dialogues.kinds import DialogueState, Known
from bot.messages import Message
from city.city import City
from city.folder import CityFolder
from subscriptions.residents import Preferences


def cards(
    part: str, folder: CityFolder, city: City, cells: dict[str, str], language: str, now: datetime
) -> list[Message]:
    """Return the messages in which a row of a part is read; none for other parts."""
    match part:
        case "exceptions" | "days" | "waste-kinds":
            area = _area(folder, cells.get("地区コード", ""))
            if not area:
                return []
            known = _known(folder, city, language, now, (area,))
            days = [_day(cells.get(name, "")) for name in ("開始日", "振替日")]
            if part != "exceptions" or not any(days):
                return list(rubbish.days(DialogueState(), known).messages)
            return [
                message
                for day in days
                if day is not None
                for message in rubbish.days(DialogueState(), known, day=day).messages
            ]
        case "items":
            known = _known(folder, city, language, now)
            name = cells.get("品目", "").partition("・")[0]
            found = rubbish.things(DialogueState(), known, name)
            return list(found.messages) if found is not None else []
        case "questions":
            known = _known(folder, city, language, now)
            said = questions.answered(DialogueState(), known, cells.get("名前", ""))
            return list(said.messages) if said is not None else []
    return []


def _area(folder: CityFolder, code: str) -> str:
    return code or next((rule.district for rule in folder.calendar.days), "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _known(
    folder: CityFolder, city: City, language: str, now: datetime, areas: tuple[str, ...] = ()
) -> Known:
    preferences = Preferences(
        resident_id=0,
        following=True,
        language=language,
        language_chosen=True,
        areas=areas,
        topics={},
        topics_chosen=True,
        quiet_start=0,
        quiet_end=0,
        digest_hour=None,
    )
    return Known(
        city=city,
        preferences=preferences,
        now=now,
        event_id="preview",
        shelters=folder.shelters,
        calendar=folder.calendar,
        answers=folder.answers,
        children=folder.children,
    )
