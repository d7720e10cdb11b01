"""Reports that other programs post by Open311 GeoReport v2.

A post needs a key (``todoke api-keys add NAME``). It becomes a report like a resident's, and the
program asks for its state. Of the person only what they report is kept, and not ``email``,
``first_name``, ``last_name``, ``phone``, ``device_id`` and ``account_id``.
(https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.clock import in_japan
from core.text import clean
from core.web import Form
from reports import photo_addresses, questions
from reports.api_keys import count_post, key_called, wait_before_post
from reports.models import ApiKey, CameBy, Report
from reports.open311_formats import Refused
from reports.register import LONGEST_DESCRIPTION, MAX_TEXT, Draft, create_report

LONGEST_URL = 500
AGAIN = timedelta(hours=1)
"""How long a post of the day before is the same one still: it is sent again around midnight too."""
LANGUAGE = "ja"
"""In which a report without a resident is filed."""


@dataclass(frozen=True)
class Posted:
    """What a post says. Degrees, WGS 84; without them there is an address.

    ``attributes`` are the answers to the kind's own questions, as a report keeps them.
    """

    kind: str
    longitude: float | None
    latitude: float | None
    address: str
    description: str
    media_url: str
    attributes: tuple[dict[str, Any], ...] = ()

    def fingerprint(self, day: str) -> str:
        """The same for the same post on the same day."""
        said = [
            self.kind,
            self.longitude,
            self.latitude,
            self.address,
            self.description,
            self.media_url,
            day,
            *self.attributes,
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]


async def key_of_post(session: AsyncSession, form: Form, *, lock: bool = True) -> ApiKey:
    """Return the key of a post, by default locked.

    Raises
    ------
    Refused
        There is none, or it opens nothing.
    """
    text = form.text("api_key")
    if not text:
        raise Refused(403, "api_key was not provided.")
    found = await key_called(session, text, to_post=lock)
    if found is None:
        raise Refused(403, "api_key is not valid.")
    return found


def posted(city: City, form: Form, now: datetime) -> Posted:
    """Read a post.

    Raises
    ------
    Refused
        Something is missing or wrong; the reason names all of it.
    """
    wrong: list[str] = []
    kind = form.text("service_code")
    if not kind:
        wrong.append("service_code was not provided.")
    known = city.kind(kind)
    if kind and known is None:
        raise Refused(404, "service_code is not one of this city's; see services.json.")
    if known is not None and not known.is_offered(in_japan(now).date()):
        wrong.append("service_code is not offered at present; see services.json.")
    elif known is not None and known.message is not None:
        wrong.append("service_code is not taken as a report; see services.json.")
    latitude, longitude = _degrees(form, "lat", 90, wrong), _degrees(form, "long", 180, wrong)
    address = clean(form.text("address_string"), line=True)
    has_place = latitude is not None and longitude is not None
    if not wrong and not has_place and (form.text("lat") or form.text("long")):
        wrong.append("lat and long belong together.")
    if not wrong and not has_place and not address:
        hint = " address_id is not known here." if form.text("address_id") else ""
        wrong.append(f"A place is needed: lat and long, or address_string.{hint}")
    if len(address) > MAX_TEXT:
        wrong.append(f"address_string has at most {MAX_TEXT} characters.")
    answers: tuple[questions.Answered, ...] = ()
    if known is not None:
        answers, wrong_answers = questions.posted(known, form)
        wrong += wrong_answers
    description = clean(form.text("description"))
    if len(description) > LONGEST_DESCRIPTION:
        wrong.append(f"description has at most {LONGEST_DESCRIPTION} characters.")
    media_url = media_url_of(form, wrong)
    if wrong:
        raise Refused(400, " ".join(wrong))
    if latitude is not None and longitude is not None and city.is_outside(longitude, latitude):
        raise Refused(400, "The place lies outside the city.")
    return Posted(
        kind,
        longitude if has_place else None,
        latitude if has_place else None,
        address,
        description,
        media_url,
        tuple(one.to_json() for one in answers),
    )


async def taken_before(
    session: AsyncSession, key: ApiKey, post: Posted, now: datetime
) -> Report | None:
    """Return the report that the same post made, if it came before on this day, or in this hour."""
    origin, at = col(Report.origin), col(Report.created_at)
    of_yesterday = and_(origin == _name(key, post, now - AGAIN), at > now - AGAIN)
    same = or_(origin == _name(key, post, now), of_yesterday)
    newest = select(Report).where(same).order_by(col(Report.id).desc())
    return await session.scalar(newest.limit(1))


def check_rate(key: ApiKey, now: datetime) -> None:
    """Let a key post no more than so much in an hour.

    Raises
    ------
    Refused
        It has; the answer says when it may again.
    """
    if (wait := wait_before_post(key, now)) is not None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        raise Refused(
            429, f"Too many posts with this key; try again in {seconds} s.", retry_after_s=seconds
        )


async def take(
    session: AsyncSession, city: City, key: ApiKey, post: Posted, now: datetime
) -> Report:
    """Store a post as a report. The same post of one key on one day makes one report.

    Raises
    ------
    Refused
        The key has posted too much in this hour.
    """
    if (earlier := await taken_before(session, key, post, now)) is not None:
        return earlier
    check_rate(key, now)
    count_post(key, now)
    report = await create_report(
        session,
        city,
        Draft(
            category=post.kind,
            origin=_name(key, post, now),
            api_key_id=key.id,
            longitude=post.longitude,
            latitude=post.latitude,
            address=post.address,
            description=post.description,
            came_by=CameBy.OPEN311,
            attributes=post.attributes,
        ),
        resident_id=None,
        language=LANGUAGE,
        now=now,
        by=f"open311:{key.name}",
    )
    if post.media_url:
        photo_addresses.add(session, report, post.media_url, by=f"open311:{key.name}", now=now)
    return report


def media_url_of(form: Form, wrong: list[str]) -> str:
    """Return the address of a photo in a post; if it cannot be one, say so in ``wrong``."""
    media_url = form.text("media_url")
    if media_url and not (
        media_url.startswith(("https://", "http://"))
        and len(media_url) <= LONGEST_URL
        and media_url.isprintable()
        and " " not in media_url
    ):
        wrong.append(f"media_url is an address of the web with at most {LONGEST_URL} characters.")
    return media_url


def _name(key: ApiKey, post: Posted, now: datetime) -> str:
    return f"open311:{key.id}:{post.fingerprint(in_japan(now).date().isoformat())}"


def _degrees(form: Form, name: str, most: int, wrong: list[str]) -> float | None:
    text = form.text(name)
    if not text:
        return None
    try:
        number = float(text) if text.isascii() and len(text) <= 30 else math.nan
    except ValueError:
        number = math.nan
    if not abs(number) <= most:
        wrong.append(f"{name} is a number of degrees (WGS 84) between -{most} and {most}.")
        return None
    return number
