"""What the conversation would say with other words of the city, for those who change them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from bot import messages
from bot.dialogues import children, questions, rubbish, safety, settings
from bot.dialogues.kinds import DialogueState, Known, Located
from bot.messages import Message
from bot.understanding import Understanding
from city.children import ChildTable
from city.city import City
from city.folder import CityFolder
from core.clock import in_japan
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
        case "shelters":
            return _site(folder, city, cells, language, now)
        case "children":
            return _child(folder, city, cells.get("コード", ""), language, now)
        case "ready-answers":
            words = cells.get(language, "")
            return [messages.text(words)] if words else []
        case "emergency-phone":
            known = _known(folder, folder.city, language, now)
            return list(safety.numbers(DialogueState(), known).messages)
        case "offices":
            known = _known(folder, folder.city, language, now)
            return list(safety.person(DialogueState(), known).messages)
        case "topics":
            known = _known(folder, folder.city, language, now)
            return [settings.amounts_card(known.having(topics={cells.get("コード", ""): 0}))]
    return []


def _site(
    folder: CityFolder, city: City, cells: dict[str, str], language: str, now: datetime
) -> list[Message]:
    """Return what somebody reads who stands in front of the site."""
    here = [
        one
        for one in folder.shelters
        if (one.code, one.name) == (cells.get("ID", one.code), cells.get("名称"))
    ]
    if not here:
        return []
    known = replace(_known(folder, city, language, now), shelters=(here[0],))
    at = Located(here[0].longitude, here[0].latitude)
    return list(safety.nearest(DialogueState(), at, known).messages)


def _child(
    folder: CityFolder, city: City, code: str, language: str, now: datetime
) -> list[Message]:
    """Return what parents read who are told of it next."""
    reminders = [one for one in folder.children.reminders if one.code == code]
    today = in_japan(now).date()
    days = (today + timedelta(days=ahead) for ahead in range(400))
    born = next((b for day in days for one in reminders for b in one.born_for(day)), "")
    if not born:
        return []
    known = replace(_known(folder, city, language, now), children=ChildTable(tuple(reminders)))
    return [children.card(known.having(children=(born,)))]


def _area(folder: CityFolder, code: str) -> str:
    return code or next((rule.district for rule in folder.calendar.days), "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def known_with(
    folder: CityFolder, city: City, language: str, now: datetime, understanding: Understanding
) -> Known:
    """Return what the conversation knows of somebody who chose nothing but a language."""
    known = _known(folder, city, language, now)
    return replace(known, places=folder.places, understanding=understanding)


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
