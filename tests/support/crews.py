"""A road department whose crews are out."""

from __future__ import annotations

import io
import itertools
from datetime import timedelta
from typing import Any

import aiohttp
from PIL import Image

from console.models import Role
from core.clock import in_japan
from reports import work
from reports.models import OrderItem, Team, TeamKind
from tests.support.office import Browser, Office, Page

_keys = itertools.count(1)


def a_photo(colour: str = "grey", size: tuple[int, int] = (64, 48)) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, colour).save(output, "JPEG")
    return output.getvalue()


def act(kind: str, item: int | None = None, age_ms: float = 0, **more: Any) -> dict[str, Any]:
    """An act as the phone sends it."""
    said = {"id": f"key{next(_keys):09}", "kind": kind, "age_ms": age_ms, **more}
    return said if item is None else {**said, "item": item}


async def team(office: Office, name: str = "補修1班") -> Team:
    made = Team(name=name, kind=TeamKind.TEAM, created_at=office.clock.now())
    await office.store(made)
    found: Team = next(one for one in await office.rows(Team) if one.name == name)
    return found


async def ordered(
    office: Office, desk: Browser, *numbers: str, day: int = 0, of: str = "補修1班", **more: Any
) -> int:
    """Put cases on an order of a team; return its id."""
    known = {one.name: one for one in await office.rows(Team)}
    crew = known.get(of) or await team(office, of)
    on_day = in_japan(office.clock.now()).date() + timedelta(days=day)
    query = "&".join(f"number={number}" for number in numbers)
    kind = f"&kind={more['kind']}" if "kind" in more else ""
    page = await desk.get(f"/console/orders/new?{query}{kind}")
    made = await desk.submit(
        page, "/console/orders", team=str(crew.id), day=on_day.isoformat(), **more
    )
    assert made.status == 200 and "/console/orders/" in made.url, made.words
    return int(made.url.rpartition("/")[2].partition("#")[0])


async def office_changes(office: Office, number: str, **wanted: Any) -> None:
    """Have somebody of the office change a case."""
    async with office.database.writing() as session:
        await work.change(
            session,
            office.context.city,
            number,
            work.Change(**wanted),
            by="roads@city.example",
            now=office.clock.now(),
        )


async def crew_link(office: Office, desk: Browser, order_id: int) -> str:
    """Make a link for a crew; return its path."""
    page = await desk.get(f"/console/orders/{order_id}")
    page = await desk.submit(page, f"/console/orders/{order_id}/links")
    address = page.tree.xpath("//*[@data-testid='link']/@href")[0]
    public = office.context.settings.public_url
    assert address.startswith(f"{public}/crew/")
    return str(address.removeprefix(public))


def items_of(page: Page) -> list[int]:
    """The places of a crew's page, in their order."""
    return [int(one) for one in page.tree.xpath("//li[@data-item]/@data-item")]


async def outcomes(office: Office) -> list[str]:
    """What crews said of every place of every order."""
    return [item.outcome.value for item in await office.rows(OrderItem)]


async def sent(
    phone: Browser, path: str, *acts: dict[str, Any], body: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Send acts as the page does."""
    address = f"{phone.url}{path}/acts"
    asked = {"data": body} if body is not None else {"json": {"acts": list(acts)}}
    async with phone.http.post(address, **asked) as answer:
        return answer.status, await answer.json()


async def sent_photo(
    phone: Browser, path: str, data: bytes, key: str = "", **asked: Any
) -> tuple[int, dict[str, Any]]:
    """Send a photo as the page does."""
    query = {"id": key or f"photo{next(_keys):09}", "age_ms": "0", **asked}
    address = f"{phone.url}{path}/photo"
    params = {name: str(value) for name, value in query.items()}
    async with phone.http.post(address, params=params, data=data) as answer:
        return answer.status, await answer.json()


async def by_form(phone: Browser, path: str, **fields: Any) -> Page:
    """Send a form as a browser without JavaScript does, with a file if there is one."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        if isinstance(value, bytes):
            form.add_field(name, value, filename="a.jpg", content_type="image/jpeg")
        else:
            form.add_field(name, str(value), content_type="text/plain")
    async with phone.http.post(phone.url + path, data=form) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def at_roads(office: Office) -> Browser:
    return await office.at_desk(Role.ROADS, "roads")
