"""What the city answers: who hears it, in which words, once, and never at night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from channels.models import Batch, Delivery
from core.audit import AuditEntry
from core.clock import JAPAN
from core.errors import Refusal
from core.languages import LANGUAGES
from feeds.texts import machine_translated
from reports import (
    answer_templates,
    answer_words,
    answers,
)
from reports.answer_templates import Template
from reports.answers import Answer
from reports.models import CameBy, Photo, PhotoRole, Report, ReportUpdate
from reports.photo_links import VALID, PhotoLinks, photo_links
from reports.states import ReportState
from subscriptions import residents
from tests.support.answers import (
    BY,
    changed_to,
    follows,
    joined_to,
    photo_after,
    said_to,
)
from tests.support.filed_reports import reported
from tests.support.office import Office


async def test_everybody_of_a_case_hears_in_their_language_with_their_number(
    office: Office,
) -> None:
    """A report, two that were joined to it, and somebody who follows one of these."""
    users = {code: await office.resident(code) for code in ("ja", "ne", "my", "vi")}
    leader = await reported(office, users["ja"])
    second, third = await reported(office, users["ne"]), await reported(office, users["my"])
    await follows(office, second, users["vi"])
    await joined_to(office, leader, second, third)
    told = await changed_to(office, second, ReportState.IN_PROGRESS, Answer())
    assert told.told == 4
    mine = {"ja": leader, "ne": second, "my": third, "vi": second}
    for code, user in users.items():
        [[message]] = await said_to(office, user)
        assert mine[code].number in message["text"]
        begun = answer_words.built_in("working")
        assert begun is not None and begun.text(code) in message["text"]
    assert "mà bạn theo dõi" in office.received(users["vi"])[0][0]["text"]


async def test_each_language_reads_its_own_words_of_every_state(office: Office) -> None:
    """No language falls back to another for what is said by itself."""
    for one in answer_words.BUILT_IN:
        seen = {one.text(code) for code in LANGUAGES}
        assert len(seen) == len(LANGUAGES), one.code
    async with office.database.reading() as session:
        templates = await answer_templates.in_use(session, office.context.city)
    for state in ReportState:
        said = answer_templates.said_by_itself(templates, state.value, "pothole")
        expected = state not in (ReportState.NEW, ReportState.WITHDRAWN)
        assert (said is not None) is expected, state
    assert answer_templates.said_by_itself(templates, answer_words.REOPENED, "pothole")


async def test_a_state_cannot_change_without_words_by_oversight(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    with pytest.raises(Refusal, match="Nobody would hear"):
        await changed_to(office, report, ReportState.DONE, Answer(template=""))
    async with office.database.reading() as session:
        row = await session.get_one(Report, report.id)
    assert row.state is ReportState.NEW, "the whole act is refused"
    silent = Answer(template="", nobody="本人と電話で話した")
    assert (await changed_to(office, report, ReportState.DONE, silent)).told == 0
    assert await said_to(office, user) == []
    notes = [one.note for one in await office.rows(ReportUpdate)]
    assert "本人と電話で話した" in notes
    assert "report.not_told" in {entry.action for entry in await office.audit()}


async def test_the_preview_says_who_hears_what_and_changes_nothing(office: Office) -> None:
    ne, left, blocked = [await office.resident(code) for code in ("ne", "ja", "en")]
    report = await reported(office, ne)
    gone = await reported(office, left)
    phoned, posted = await reported(office), await reported(office)
    async with office.database.writing() as session:
        for one, way in ((phoned, CameBy.TELEPHONE), (posted, CameBy.OPEN311)):
            row = await session.get_one(Report, one.id, with_for_update=True)
            row.came_by = way
            session.add(row)
        for user in (left, blocked):
            await residents.unfollow(session, office.context.city, user, office.clock.now())
    await joined_to(office, report, gone, phoned, posted)
    async with office.database.reading() as session:
        case = await session.get_one(Report, report.id)
        preview = await answers.preview(
            session,
            office.context.city,
            case,
            ReportState.DONE,
            Answer(),
            now=office.clock.now(),
        )
    assert (preview.told, preview.left) == (1, 1)
    assert preview.calls == (phoned.number,)
    assert preview.programs == (posted.number,)
    assert preview.asks and not preview.is_silent
    [group] = preview.groups
    assert (group.language, group.numbers) == ("ne", (report.number,))
    told = await changed_to(office, report, ReportState.DONE, Answer())
    assert (told.told, told.left, told.asked) == (1, 1, 1)
    [push] = await said_to(office, ne)
    assert push[0] == group.messages[0], "what was shown is what arrives"
    async with office.database.reading() as session:
        case = await session.get_one(Report, report.id)
        silent = await answers.preview(
            session,
            office.context.city,
            case,
            ReportState.IN_PROGRESS,
            Answer(template=""),
            now=office.clock.now(),
        )
    assert silent.is_silent


async def test_own_words_say_their_language_or_that_a_machine_translated(office: Office) -> None:
    users = {code: await office.resident(code) for code in ("ja", "th", "en")}
    report = await reported(office, users["ja"])
    for code in ("th", "en"):
        await follows(office, report, users[code])
    answer = Answer(
        words="明日の朝、伺います。", translated={"en": "We come tomorrow morning."}, engine="x"
    )
    await changed_to(office, report, None, answer)
    texts = {code: (await said_to(office, user))[0][0]["text"] for code, user in users.items()}
    assert "明日の朝、伺います。" in texts["ja"] and "日本語" not in texts["ja"]
    thai = answer_words.CATALOGUE.text("th", answer_words.WRITTEN_IN_JAPANESE)
    assert "明日の朝、伺います。" in texts["th"] and thai in texts["th"]
    assert "We come tomorrow morning." in texts["en"]
    assert machine_translated("en") in texts["en"]
    assert "明日" not in texts["en"]


async def test_blanks_are_filled_in_for_each_reader(office: Office) -> None:
    users = {code: await office.resident(code) for code in ("ja", "en", "my")}
    report = await reported(office, users["ja"])
    for code in ("en", "my"):
        await follows(office, report, users[code])
    with pytest.raises(Refusal, match="day of the work"):
        await changed_to(office, report, ReportState.ACCEPTED, Answer(template="planned-day"))
    await changed_to(
        office,
        report,
        ReportState.ACCEPTED,
        Answer(template="planned-day", on=date(2026, 7, 3)),
    )
    texts = {code: (await said_to(office, user))[0][0]["text"] for code, user in users.items()}
    assert "7月3日（金）" in texts["ja"]
    assert "on Fri, Jul 3." in texts["en"]
    assert "{" not in "".join(texts.values())
    own = Template(code="", name="場所つき", texts={"ja": "{number} {kind}、{place}"})
    async with office.database.writing() as session:
        now = office.clock.now()
        stored = await answer_templates.store(
            session, office.context.city, own, seen=0, actor=BY, now=now
        )
    await changed_to(office, report, None, Answer(template=stored.code))
    [_, [english]] = await said_to(office, users["en"])
    # English has no words of its own here: the Japanese comes, and says so.
    assert f"{report.number} 道路の穴・段差、つくば市中央1-1" in english["text"]
    assert "This answer is in Japanese." in english["text"]


async def templates_of(office: Office) -> Sequence[Template]:
    async with office.database.reading() as session:
        return await answer_templates.every(session, office.context.city)


async def test_promise_4_an_answer_waits_for_the_end_of_quiet_hours(office: Office) -> None:
    """At 23:00 nothing leaves; at seven in the morning it does."""
    user = await office.resident("en")
    report = await reported(office, user)
    night = datetime(2026, 6, 16, 23, 0, tzinfo=JAPAN)
    office.clock.ahead += night - office.clock.now()
    told = await changed_to(office, report, ReportState.DONE, Answer())
    assert told.told == 1
    async with office.database.reading() as session:
        case = await session.get_one(Report, report.id)
        preview = await answers.preview(
            session,
            office.context.city,
            case,
            ReportState.IN_PROGRESS,
            Answer(),
            now=office.clock.now(),
        )
        [delivery] = await session.scalars(select(Delivery))
    assert preview.until_morning == 1
    assert delivery.respects_quiet
    assert office.received(user) == []
    # Whoever takes it up at night puts it off until the city's quiet hours are over.
    await office.settled()
    [batch] = await office.rows(Batch)
    assert batch.not_before is not None
    end = office.context.city.quiet_hours.end
    assert batch.not_before.astimezone(JAPAN) == datetime(
        2026, 6, 17, end.hour, end.minute, tzinfo=JAPAN
    )
    assert office.received(user) == []


async def test_the_photo_after_the_work_goes_along_at_an_address_nobody_guesses(
    office: Office,
) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    after = await photo_after(office, report)
    await changed_to(office, report, ReportState.DONE, Answer(photos=(after,)))
    [[text, image, question]] = await said_to(office, user)
    assert "after the work" in text["text"]
    assert question["type"] == "flex"
    assert image["type"] == "image"
    address = image["originalContentUrl"]
    assert address != image["previewImageUrl"]
    path = address.partition("/sent-photo/")[2]
    async with aiohttp.ClientSession() as http:
        for name in (path, f"s-{path}"):
            async with http.get(f"{office.url}/sent-photo/{name}") as found:
                assert found.status == 200
                assert (await found.read()).startswith(b"\xff\xd8")
                assert "noindex" in found.headers["X-Robots-Tag"]
                assert "sandbox" in found.headers["Content-Security-Policy"]
        changed = ("A" if path[3] != "A" else "B").join((path[:3], path[4:]))
        for wrong in (changed, "x.jpg", "%00.jpg", f"{path[:-4]}=.jpg", "é" * 30 + ".jpg"):
            async with http.get(f"{office.url}/sent-photo/{wrong}") as found:
                assert found.status == 404, wrong
        office.clock.ahead += VALID + timedelta(days=2)
        async with http.get(f"{office.url}/sent-photo/{path}") as found:
            assert found.status == 404


async def test_photos_of_residents_and_of_other_cases_never_go_along(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    theirs = await photo_after(office, report, PhotoRole.NEAR)
    other = await photo_after(office, await reported(office))
    after = await photo_after(office, report)
    for state, wrong in ((ReportState.IN_PROGRESS, theirs), (ReportState.DONE, other)):
        await changed_to(office, report, state, Answer(photos=(wrong, after)))
    first, second = await said_to(office, user)
    kinds = [[message["type"] for message in messages] for messages in (first, second)]
    assert kinds == [["text", "image"], ["text", "image", "flex"]]


async def test_a_photo_of_a_resident_is_never_sent_to_another(office: Office) -> None:
    """Not by an address that we made, either."""
    report = await reported(office)
    number = await photo_after(office, report, PhotoRole.NEAR)
    links = PhotoLinks(office.url, office.context.settings.secret_key)
    async with (
        aiohttp.ClientSession() as http,
        http.get(links.address(number, office.clock.now())) as found,
    ):
        assert found.status == 404


async def test_residents_get_the_copy_without_faces_and_nothing_that_is_kept_private(
    office: Office,
) -> None:
    number = await photo_after(office, await reported(office))
    async with office.database.writing() as session:
        photo = await session.get_one(Photo, number)
        assert await answers.sent_photo(session, number) == photo.sha256
        photo.public_sha256 = "f" * 64
        session.add(photo)
        await session.flush()
        assert await answers.sent_photo(session, number) == "f" * 64
        photo.kept_private = True
        session.add(photo)
        await session.flush()
        assert await answers.sent_photo(session, number) is None


def test_line_gets_no_address_that_it_would_refuse(office: Office) -> None:
    settings = replace(office.context.settings, public_url="http://city.example")
    assert photo_links(settings).address(1, office.clock.now()) == ""


async def test_a_changed_template_is_said_and_its_older_words_are_named(office: Office) -> None:
    city, now = office.context.city, office.clock.now()
    before = next(one for one in await templates_of(office) if one.code == "finished")
    assert before.version == 0 and before.missing(city.languages) == []
    changed = Template(
        code="finished",
        name="完了",
        said_when="done",
        by_itself=True,
        texts={**before.texts, "ja": "{kind}の補修が終わりました。", "ne": ""},
    )
    async with office.database.writing() as session:
        with pytest.raises(Refusal, match="of the Japanese is missing"):
            await answer_templates.store(session, city, changed, seen=0, actor=BY, now=now)
    texts = {"ja": "補修が終わりました。", "en": before.texts["en"]}
    good = Template(code="finished", name="完了", said_when="done", by_itself=True, texts=texts)
    async with office.database.writing() as session:
        stored = await answer_templates.store(session, city, good, seen=0, actor=BY, now=now)
        with pytest.raises(Refusal, match="Somebody changed"):
            await answer_templates.store(session, city, good, seen=0, actor=BY, now=now)
    assert stored.version == 1
    assert stored.older(city.languages) == ["en"]
    assert "ne" in stored.missing(city.languages)
    ja, ne = await office.resident("ja"), await office.resident("ne")
    report = await reported(office, ja)
    await follows(office, report, ne)
    await changed_to(office, report, ReportState.DONE, Answer())
    assert "補修が終わりました。" in (await said_to(office, ja))[0][0]["text"]
    nepali = (await said_to(office, ne))[0][0]["text"]
    assert "補修が終わりました。" in nepali
    assert answer_words.CATALOGUE.text("ne", answer_words.WRITTEN_IN_JAPANESE) in nepali
    [entry] = [e for e in await office.audit() if e.action == "report.answered"]
    assert _detail(entry)["template"] == "finished:1"
    async with office.database.writing() as session:
        await answer_templates.withdraw(session, "finished", actor=BY, now=now)
        templates = await answer_templates.in_use(session, city)
    assert answer_templates.said_by_itself(templates, "done", "pothole") is None


def _detail(entry: AuditEntry) -> dict[str, Any]:
    return dict(entry.detail)


async def test_words_for_one_kind_go_before_those_for_all(office: Office) -> None:
    city, now = office.context.city, office.clock.now()
    kind = city.report_categories[0].code
    own = Template(
        code="",
        name="穴",
        said_when="done",
        by_itself=True,
        kinds=(kind,),
        texts={"ja": "穴をふさぎました。"},
    )
    async with office.database.writing() as session:
        await answer_templates.store(session, city, own, seen=0, actor=BY, now=now)
        templates = await answer_templates.in_use(session, city)
    said = answer_templates.said_by_itself(templates, "done", kind)
    other = answer_templates.said_by_itself(templates, "done", "another")
    assert said is not None and said.texts["ja"] == "穴をふさぎました。"
    assert other is not None and other.code == "finished"


@pytest.mark.parametrize("answer", [Answer(template="working"), Answer(words="始めました")])
async def test_words_and_nobody_together_are_refused(office: Office, answer: Answer) -> None:
    """Whoever ticked that nobody is told must not find that everybody was."""
    user = await office.resident("ja")
    report = await reported(office, user)
    both = replace(answer, nobody="重複のため")
    with pytest.raises(Refusal, match="chose words as well"):
        await changed_to(office, report, ReportState.IN_PROGRESS, both)
    assert await office.deliveries() == []
