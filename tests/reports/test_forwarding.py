"""A case goes to another office once, by its endpoint or by mail, and their answer comes back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import Endpoint, Owner
from core.errors import BadInput
from reports import forwarded_photos, forwarding, open311, photos
from reports.api_keys import add_key
from reports.forwarding import PhotoLinks, Wanted, new_key, pictures_of
from reports.models import Forward, ForwardWay, Photo, Report, ReportUpdate, Sending
from reports.office_sender import OfficeSender
from reports.outside import outside_session
from reports.photos import photo_path, store_photo
from reports.states import ReportState
from reports.work import Changed
from simulator.office import KEY
from simulator.office import Office as Prefecture
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

MAIL = "roads@pref.example"
PERSON = {"description": "道路に大きな穴があります", "address": "中央1-2-3"}


@dataclass
class Desk:
    """The city's office, the prefecture's endpoint, and who was told what."""

    office: Office
    prefecture: Prefecture
    told: list[Changed] = field(default_factory=list)

    def know(self, **endpoint: Any) -> None:
        """Have the city's folder name the prefecture's office."""
        owner = Owner(
            code="prefecture",
            names={"ja": "県土木事務所"},
            kinds=("pothole",),
            mail=MAIL,
            open311=Endpoint(
                **{
                    "url": self.prefecture.url,
                    "jurisdiction": "pref.example",
                    "key_setting": "TODOKE_PREF_KEY",
                    "services": {"pothole": "001"},
                    **endpoint,
                }
            ),
        )
        city = self.office.context.city.model_copy(update={"owners": (owner,)})
        object.__setattr__(self.office.context, "city", city)

    async def forward(self, report: Report, **changes: Any) -> Forward:
        wanted: dict[str, Any] = {
            "key": new_key(),
            "owner": "prefecture",
            "way": ForwardWay.OPEN311,
            "reason": "prefecture",
            "words": report.description,
            "photos": (),
            "reply_to": "roads@city.example",
            **changes,
        }
        async with self.office.database.writing() as session:
            return await forwarding.begin(
                session,
                self.office.context.city,
                report.number,
                Wanted(**wanted),
                by="michi@city.example",
                now=self.office.clock.now(),
            )

    async def look(self, **later: float) -> None:
        """Have the service do what is due, some time later."""
        self.office.clock.ahead += timedelta(**later)

        async def tell(_session: AsyncSession, changed: Changed, _now: datetime) -> None:
            self.told.append(changed)

        async with outside_session() as http:
            sender = OfficeSender(
                self.office.context, http, tell, environment={"TODOKE_PREF_KEY": KEY}, seed=1
            )
            await sender.look()

    async def row(self) -> Forward:
        [found] = await self.office.rows(Forward)
        assert isinstance(found, Forward)
        return found

    async def state(self, report: Report) -> ReportState:
        rows = {row.id: row for row in await self.office.rows(Report)}
        state = rows[report.id].state
        assert isinstance(state, ReportState)
        return state

    async def history(self) -> list[str]:
        return [step.note for step in await self.office.rows(ReportUpdate) if step.note]


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[Desk]:
    async with Prefecture() as prefecture:
        office.app.include_router(forwarded_photos.router)
        desk = Desk(office, prefecture)
        desk.know()
        yield desk


async def test_a_case_goes_to_the_endpoint_and_is_theirs_from_then_on(desk: Desk) -> None:
    user = await desk.office.resident("pt")
    report = await reported(desk.office, user, **PERSON)
    await desk.forward(report)
    assert await desk.state(report) is ReportState.NEW, "nothing is said before they have it"
    await desk.look()
    await desk.look()
    [case] = desk.prefecture.cases
    assert case.fields["service_code"] == "001"
    assert case.fields["jurisdiction_id"] == "pref.example"
    assert float(case.fields["lat"]) == pytest.approx(report.latitude, abs=1e-6)
    assert case.fields["description"].startswith(PERSON["description"])
    assert report.number in case.fields["description"]
    assert set(case.fields) == {
        *("api_key", "jurisdiction_id", "service_code", "lat", "long"),
        *("address_string", "description"),
    }, "nothing of the person"
    assert user not in str(case.fields)
    row = await desk.row()
    assert (row.state, row.remote_id) == (Sending.DONE, "P-0001")
    assert await desk.state(report) is ReportState.REFERRED
    [changed] = desk.told
    assert changed.after is ReportState.REFERRED
    steps = await desk.office.rows(ReportUpdate)
    [moved] = [step for step in steps if step.state is ReportState.REFERRED]
    assert (moved.reason, moved.by) == ("prefecture", "michi@city.example")
    assert "P-0001" in moved.note


@pytest.mark.parametrize(
    "fault", ["broken", "busy", "lost", "nonsense", "moved"], ids=lambda fault: fault
)
async def test_they_get_it_once_though_their_server_fails(desk: Desk, fault: str) -> None:
    report = await reported(desk.office, **PERSON)
    setattr(desk.prefecture.faults, fault, 1)
    await desk.forward(report)
    await desk.look()
    row = await desk.row()
    if fault == "moved":
        assert row.state is Sending.FAILED, "a redirect is followed nowhere"
        return
    assert row.state is Sending.TRYING and row.error is not None
    assert await desk.state(report) is ReportState.NEW
    await desk.look(minutes=10)
    assert len(desk.prefecture.cases) == 1
    row = await desk.row()
    assert (row.state, row.remote_id) == (Sending.DONE, "P-0001")
    assert await desk.state(report) is ReportState.REFERRED


async def test_a_sender_that_died_after_the_post_does_not_post_twice(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    async with desk.office.database.writing() as session:
        row = (await session.scalars(select(Forward).with_for_update())).one()
        # As it stood when the answer was on its way.
        row.state, row.sent_at, row.remote_id, row.look_at = Sending.TRYING, None, "", None
        session.add(row)
    await desk.look(minutes=5)
    assert len(desk.prefecture.cases) == 1 and desk.prefecture.posts == 1
    assert (await desk.row()).remote_id == "P-0001"


async def test_the_same_page_sent_twice_forwards_once_and_so_do_two_people(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    key = new_key()
    first, second = await desk.forward(report, key=key), await desk.forward(report, key=key)
    assert first.id == second.id
    with pytest.raises(BadInput, match="has the case already"):
        await desk.forward(report)
    with pytest.raises(BadInput):
        await desk.forward(report, owner="nobody")
    with pytest.raises(BadInput, match="Choose a reason"):
        await desk.forward(report, reason="")
    await desk.look()
    assert desk.prefecture.posts == 1


async def test_a_refusal_is_shown_and_the_case_stays_with_the_city(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    desk.prefecture.faults.refuses = "This road is not ours."
    await desk.forward(report)
    await desk.look()
    row = await desk.row()
    assert row.state is Sending.FAILED and "This road is not ours." in str(row.error)
    assert await desk.state(report) is ReportState.NEW and desk.told == []
    assert any("This road is not ours." in note for note in await desk.history())
    assert row.id is not None
    desk.prefecture.faults.refuses = ""
    async with desk.office.database.writing() as session:
        await forwarding.again(session, row.id, by="michi", now=desk.office.clock.now())
    await desk.look()
    assert await desk.state(report) is ReportState.REFERRED


async def test_without_the_key_it_waits_and_after_a_day_staff_hear_of_it(desk: Desk) -> None:
    desk.know(key_setting="TODOKE_OTHER_KEY")
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    row = await desk.row()
    assert row.state is Sending.TRYING and "TODOKE_OTHER_KEY" in str(row.error)
    assert desk.prefecture.posts == 0
    await desk.look(hours=25)
    assert (await desk.row()).state is Sending.FAILED
    async with desk.office.database.reading() as session:
        assert len(await forwarding.newest(session, 10, to_look_at=True)) == 1


async def test_what_they_say_is_in_the_history_and_closed_is_suggested_to_staff(
    desk: Desk,
) -> None:
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    desk.prefecture.says("P-0001", "open", "来週に補修します")
    await desk.look(minutes=20)
    assert "open: 来週に補修します" in await desk.history()
    desk.prefecture.says("P-0001", "closed", "補修しました")
    await desk.look(hours=13)
    await desk.look(hours=13)
    assert (await desk.history()).count("closed: 補修しました") == 1
    assert await desk.state(report) is ReportState.REFERRED, "staff decide"
    row = await desk.row()
    assert row.closed_at is not None and row.settled_at is None and row.id is not None
    async with desk.office.database.writing() as session:
        changed = await forwarding.settle(
            session,
            desk.office.context.city,
            row.id,
            done=True,
            by="michi",
            now=desk.office.clock.now(),
        )
    assert changed is not None and changed.after is ReportState.DONE
    async with desk.office.database.writing() as session:
        with pytest.raises(BadInput):
            await forwarding.settle(
                session,
                desk.office.context.city,
                row.id,
                done=True,
                by="jiro",
                now=desk.office.clock.now(),
            )


async def test_by_rule_what_they_close_is_done_here(desk: Desk) -> None:
    desk.know(closes=True)
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    desk.prefecture.says("P-0001", "closed")
    await desk.look(minutes=20)
    assert await desk.state(report) is ReportState.DONE
    assert [changed.after for changed in desk.told] == [ReportState.REFERRED, ReportState.DONE]
    assert (await desk.row()).settled_by == forwarding.RULE


async def test_they_are_asked_less_and_less_and_a_silent_one_is_no_trouble(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    desk.prefecture.faults.broken = 3
    waits = []
    for _ in range(3):
        await desk.look(hours=13)
        row = await desk.row()
        assert row.look_at is not None and row.looked_at is not None
        waits.append(row.look_at - row.looked_at)
    assert waits == sorted(waits) and waits[-1] <= timedelta(hours=12)
    assert (await desk.row()).looks_failed == 3
    await desk.look(hours=13)
    assert (await desk.row()).looks_failed == 0


async def test_an_office_that_answers_with_a_token_says_the_number_later(desk: Desk) -> None:
    desk.prefecture.by_token = True
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    assert (await desk.row()).remote_token == "t-P-0001"
    await desk.look(minutes=20)
    row = await desk.row()
    assert (row.remote_id, row.remote_status) == ("P-0001", "open")


@pytest.mark.parametrize("format_", ["json", "xml"])
async def test_two_cities_with_todoke_understand_each_other(desk: Desk, format_: str) -> None:
    """Our own server is the other office, in both formats of the specification."""
    office = desk.office
    office.app.include_router(open311.router)
    async with office.database.writing() as session:
        key = await add_key(session, "The other city", actor="test", now=office.clock.now())
    desk.know(
        url=f"{office.url}/open311/v2",
        jurisdiction=office.context.city.jma.municipality,
        services={},
        format=format_,
    )
    report = await reported(office, **PERSON)
    await desk.forward(report)

    async def tell(_session: AsyncSession, _changed: Changed, _now: datetime) -> None: ...

    async with outside_session() as http:
        sender = OfficeSender(office.context, http, tell, environment={"TODOKE_PREF_KEY": key})
        await sender.look()
        # Theirs is new, so only who posted it may read it; our city is told all the same.
        office.clock.ahead += timedelta(minutes=20)
        await sender.look()
    row = await desk.row()
    theirs = [one for one in await office.rows(Report) if one.number == row.remote_id]
    assert [one.category for one in theirs] == [report.category]
    assert report.number in theirs[0].description
    assert (row.remote_status, row.looks_failed) == ("open", 0)


async def released(office: Office, report: Report) -> Photo:
    async with office.database.writing() as session:
        photo = (
            await session.scalars(
                select(Photo).where(col(Photo.report_id) == report.id).order_by(col(Photo.id))
            )
        ).first()
        assert photo is not None
        photo.released_at = office.clock.now()
        session.add(photo)
    return photo


async def test_a_mail_has_what_is_needed_and_nothing_of_the_person(desk: Desk) -> None:
    office = desk.office
    media = office.context.settings.media_dir
    pictures = (store_photo(media, picture()),)
    user = await office.resident("pt")
    report = await reported(office, user, pictures=pictures, **PERSON)
    photo = await released(office, report)
    await desk.forward(report, way=ForwardWay.MAIL, photos=pictures_of([photo], everything=False))
    await desk.look()
    await desk.look()
    [mail] = office.mails.to(MAIL)
    assert report.number in mail["Subject"] and mail["Reply-To"] == "roads@city.example"
    assert "Auto-Submitted" not in mail
    assert isinstance(mail, EmailMessage)
    body = mail.get_body()
    assert body is not None
    text = body.get_content()
    kind = office.context.city.report_categories[0].names["ja"]
    for wanted in (report.number, kind, PERSON["address"], PERSON["description"]):
        assert wanted in text
    assert re.search(r"https://maps\.gsi\.go\.jp/#18/\d+\.\d+/\d+\.\d+/", text)
    assert user not in text and "pt" not in text.split()
    [attached] = list(mail.iter_attachments())
    assert attached.get_content_type() == "image/jpeg"
    assert attached.get_content() == photo_path(media, photo.sha256).read_bytes()
    row = await desk.row()
    assert row.state is Sending.DONE and row.sent_at is not None and row.look_at is None
    assert await desk.state(report) is ReportState.REFERRED


async def test_a_mail_says_which_pictures_were_too_large_for_it(desk: Desk) -> None:
    media = desk.office.context.settings.media_dir
    stored = tuple(store_photo(media, picture(colour)) for colour in ("red", "green", "blue"))
    report = await reported(desk.office, pictures=stored, **PERSON)
    chosen = tuple(one.sha256 for one in stored)
    for sha256, size in zip(chosen, (3_500_000, 3_600_000, 3_500_000), strict=True):
        photo_path(media, sha256).write_bytes(b"x" * size)
    await desk.forward(report, way=ForwardWay.MAIL, photos=chosen)
    await desk.look()
    [mail] = desk.office.mails.to(MAIL)
    assert isinstance(mail, EmailMessage)
    assert len(list(mail.iter_attachments())) == 2
    body = mail.get_body()
    assert body is not None
    assert "写真：2 枚（添付）、ほか 1 枚（容量のため添付していません）" in body.get_content()


async def test_a_mail_whose_acceptance_was_lost_comes_again_as_the_same_mail(desk: Desk) -> None:
    office = desk.office
    report = await reported(office, **PERSON)
    office.mails.faults.takes_and_fails = 1
    await desk.forward(report, way=ForwardWay.MAIL)
    await desk.look()
    assert (await desk.row()).state is Sending.TRYING
    await desk.look(minutes=10)
    first, second = office.mails.to(MAIL)
    assert first["Message-ID"] == second["Message-ID"]
    assert (await desk.row()).key in first["Message-ID"]
    assert await desk.state(report) is ReportState.REFERRED


async def test_an_address_that_their_server_refuses_is_told_to_staff(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    desk.office.mails.faults.refused.add(MAIL)
    await desk.forward(report, way=ForwardWay.MAIL)
    await desk.look()
    row = await desk.row()
    assert row.state is Sending.FAILED and "550" in str(row.error)
    assert await desk.state(report) is ReportState.NEW


async def test_a_case_that_was_withdrawn_meanwhile_stays_withdrawn(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    async with desk.office.database.writing() as session:
        row = await session.get(Report, report.id, with_for_update=True)
        assert row is not None
        row.state = ReportState.WITHDRAWN
        session.add(row)
    await desk.look()
    assert await desk.state(report) is ReportState.WITHDRAWN and desk.told == []


async def test_only_what_staff_chose_is_fetched_with_the_link_and_only_for_a_while(
    desk: Desk,
) -> None:
    office = desk.office
    pictures = (store_photo(office.context.settings.media_dir, picture()),)
    report = await reported(office, pictures=pictures, **PERSON)
    [photo] = await office.rows(Photo)
    assert pictures_of([photo], everything=False) == ()
    await desk.forward(report, photos=pictures_of([photo], everything=True))
    await desk.look()
    link = desk.prefecture.cases[0].fields["media_url"]
    settings = office.context.settings
    assert link.startswith(f"{settings.public_url}/forwarded/")
    path = link.removeprefix(settings.public_url)
    async with aiohttp.ClientSession() as http:
        async with http.get(office.url + path) as answer:
            assert answer.status == 200 and answer.content_type == "image/jpeg"
            assert await answer.read() == photo_path(settings.media_dir, photo.sha256).read_bytes()
        forged = PhotoLinks("another key", "").page(1, 0)
        second = PhotoLinks(settings.secret_key, "").page((await desk.row()).id or 0, 1)
        for wrong in (forged, second, path.replace(".jpg", "x.jpg"), "/forwarded/x.jpg"):
            async with http.get(office.url + wrong) as answer:
                assert answer.status == 404, wrong
        office.clock.ahead += timedelta(days=61)
        async with http.get(office.url + path) as answer:
            assert answer.status == 404


async def test_words_and_pictures_go_after_the_citys_days(desk: Desk) -> None:
    report = await reported(desk.office, **PERSON)
    await desk.forward(report)
    await desk.look()
    now = desk.office.clock.now()
    assert await forwarding.forget_words(desk.office.database, now - timedelta(days=1)) == 0
    assert await forwarding.forget_words(desk.office.database, now + timedelta(days=1)) == 1
    row = await desk.row()
    assert (row.words, row.photos, row.remote_id) == ("", [], "P-0001")


async def test_a_link_stays_good_though_staff_turn_the_photo_and_ends_if_it_is_taken_back(
    desk: Desk,
) -> None:
    office = desk.office
    settings = office.context.settings
    pictures = (store_photo(settings.media_dir, picture()),)
    report = await reported(office, pictures=pictures, **PERSON)
    [photo] = await office.rows(Photo)
    await desk.forward(report, photos=pictures_of([photo], everything=True))
    row = await desk.row()
    path = PhotoLinks(settings.secret_key, "").page(row.id or 0, 0)
    turned = await photos.turned(settings.media_dir, photo.sha256)
    async with office.database.writing() as session:
        assert await photos.put_turned(
            session,
            photo.id or 0,
            (photo.sha256, ""),
            turned,
            None,
            by="road@city.example",
            now=office.clock.now(),
        )
    async with aiohttp.ClientSession() as http:
        async with http.get(office.url + path) as answer:
            assert answer.status == 200
            there = photo_path(settings.media_dir, turned.sha256).read_bytes()
            assert await answer.read() == there
        async with office.database.writing() as session:
            await session.delete(await session.get_one(Photo, photo.id))
        async with http.get(office.url + path) as answer:
            assert answer.status == 404
