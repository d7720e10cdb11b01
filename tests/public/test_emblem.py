"""The city's emblem and colour are on every page; without them the pages have Todoke's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from channels.email.render import render as as_mail
from channels.webpush.render import render as as_push
from city.city import City, Emblem
from console.models import Role
from public.plain_files import files_of, read_content
from tests.support.notices import a_notice
from tests.support.office import Office


@pytest.fixture
def city(office: Office) -> City:
    return office.context.city.served_at("https://todoke.city.example")


def without(city: City) -> City:
    return city.model_copy(update={"emblem": Emblem(), "emblem_files": {}})


@pytest.mark.parametrize("path", ["/", "/follow", "/n", "/signage?lang=ja", "/console/sign-in"])
async def test_pages_have_the_emblem_and_colour(office: Office, city: City, path: str) -> None:
    browser = await office.browser()
    page = await browser.get(path)
    address = city.emblem_path("svg")
    assert address in page.tree.xpath("//header//img/@src")
    sheets = page.tree.xpath("//link[@rel='stylesheet']/@href")
    [sheet] = {"/city.css", "/look.css"} & set(sheets)
    assert "#1b5e4b" in (await browser.get(sheet)).body
    context = office.app.state.context
    office.app.state.context = replace(context, city=without(context.city))
    plain = await browser.get(path)
    assert "/emblem." not in plain.body
    assert "#1b5e4b" not in plain.body + (await browser.get(sheet)).body


async def test_the_files_are_served_so_that_they_can_do_nothing(office: Office, city: City) -> None:
    browser = await office.browser()
    async with browser.http.get(browser.url + city.emblem_path("svg")) as answer:
        assert answer.content_type == "image/svg+xml"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "sandbox" in policy
        assert await answer.read() == city.emblem_files["svg"]
    assert (await browser.get("/emblem.gif")).status == 404


async def test_staff_see_it_when_they_have_signed_in(office: Office, city: City) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    page = await desk.get("/console/alerts")
    assert city.emblem_path("svg") in page.tree.xpath("//header//img/@src")


async def test_mails_and_notifications_of_news_have_it_and_warnings_keep_their_look(
    office: Office, city: City
) -> None:
    now = office.clock.now()
    news = a_notice(now, "news", level=0, kind="", topic="events")
    warning = a_notice(now, "warning", level=4, emergency=True)
    drill = a_notice(now, "drill", level=0, kind="", topic="events", drill=True)
    picture = city.emblem_path("png")
    page = "https://todoke.city.example/n/1"
    assert as_push(news, "ja", city, page)[0]["payload"]["emblem"] == picture
    for other in (warning, drill):
        assert "emblem" not in as_push(other, "ja", city, page)[0]["payload"]
    assert "emblem" not in as_push(news, "ja", without(city), page)[0]["payload"]
    html = as_mail(news, "ja", city)[0]["html"]
    assert f'src="https://todoke.city.example{picture}"' in html
    assert "3px solid #1b5e4b" in html
    assert "<img" not in as_mail(news, "ja", without(city))[0]["html"]


async def test_plain_files_have_the_colour_and_fetch_nothing(office: Office, city: City) -> None:
    async with office.database.reading() as session:
        content = await read_content(session, city, office.folder, office.clock.now())
    files = dict(files_of(content, city, "https://todoke.city.example"))
    page = files["index.ja.html"].decode()
    assert "--city-colour:#1b5e4b" in page and "<img" not in page
    assert json.loads(files["in-force.json"])["in_force"] == []
