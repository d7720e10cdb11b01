"""What the city answers: who hears it, in which words, once, and never at night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from sqlmodel import col, select

from channels.line.medium import LINE
from channels.models import Batch, Delivery
from city.context import Context
from core.audit import AuditEntry
from core.clock import JAPAN
from core.errors import Refusal
from core.languages import LANGUAGES
from feeds.texts import machine_translated
from reports import (
    answer_templates,
    answer_words,
    answers,
    following,
    later,
    states,
    verdicts,
    work,
)
from reports.answer_templates import Template
from reports.answers import Answer, Means, Told
from reports.later import Said
from reports.models import RESIDENT, CameBy, Photo, PhotoRole, Report, ReportUpdate, Verdict
from reports.photo_links import VALID, PhotoLinks, photo_links
from reports.photos import CONTENT_TYPE, store_photo
from reports.states import ReportState
from reports.verdicts import Heard
from reports.work import Change
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

BY = "road@city.example"


def means(context: Context) -> Means:
    return Means(context.queue, LINE, photo_links(context.settings))


async def changed_to(
    office: Office, report: Report, state: ReportState | None, answer: Answer, **more: Any
) -> Told:
    """Change a case and tell the residents, as every page does."""
    context, now = office.context, office.clock.now()
    async with office.database.writing() as session:
        wanted = Change(state=state, **more)
        changed = await work.change(session, context.city, report.number, wanted, by=BY, now=now)
        return await answers.tell(
            session, means(context), context.city, changed, answer, by=BY, now=now
        )


async def said_to(office: Office, user: str) -> list[list[dict[str, Any]]]:
    """Return what arrived, push by push, once everything has left."""
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    return office.received(user)


async def number_of(office: Office, user: str) -> int:
    async with office.database.reading() as session:
        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        return found.id


async def joined_to(office: Office, leader: Report, *others: Report) -> None:
    async with office.database.writing() as session:
        for other in others:
            row = await session.get_one(Report, other.id, with_for_update=True)
            row.case_id, row.state = leader.id, ReportState.DUPLICATE
            session.add(row)


async def follows(office: Office, report: Report, user: str) -> None:
    async with office.database.writing() as session:
        await following.join(
            session, report.number, await number_of(office, user), office.clock.now()
        )


async def photo_after(office: Office, report: Report, role: PhotoRole = PhotoRole.AFTER) -> int:
    kept = store_photo(office.context.settings.media_dir, picture())
    photo = Photo(
        report_id=report.id or 0,
        sha256=kept.sha256,
        content_type=CONTENT_TYPE,
        width=kept.width,
        height=kept.height,
        size=kept.size,
        role=role,
        created_at=office.clock.now(),
    )
    async with office.database.writing() as session:
        session.add(photo)
        await session.flush()
        assert photo.id is not None
        return photo.id


async def judged(
    office: Office, user: str, message: dict[str, Any], *, right: bool, **more: Any
) -> verdicts.Judged:
    """Press a button of the question, as the conversation does."""
    key = data_of(message, right=right)["k"]
    now = office.clock.now()
    async with office.database.writing() as session:
        found = await verdicts.judge(
            session,
            office.context.city,
            key,
            await number_of(office, user),
            right=right,
            now=now,
            **more,
        )
        if found.changed is not None:
            await answers.tell_by_itself(
                session,
                means(office.context),
                office.context.city,
                found.changed,
                by=RESIDENT,
                now=now,
                besides={await number_of(office, user)},
            )
        return found


def data_of(message: dict[str, Any], *, right: bool) -> dict[str, str]:
    for tile in message["contents"]["footer"]["contents"]:
        data = dict(parse_qsl(tile["action"]["data"]))
        if data["right"] == ("1" if right else "0"):
            return data
    raise AssertionError(message)


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


async def test_after_a_completion_each_is_asked_once(office: Office) -> None:
    user, follower = await office.resident("en"), await office.resident("pt")
    report = await reported(office, user)
    await follows(office, report, follower)
    await changed_to(office, report, ReportState.DONE, Answer())
    await changed_to(office, report, ReportState.IN_PROGRESS, Answer())
    await changed_to(office, report, ReportState.DONE, Answer())
    for who in (user, follower):
        questions = [m for push in await said_to(office, who) for m in push if m["type"] == "flex"]
        assert len(questions) == 1
    [question] = [m for push in office.received(follower) for m in push if m["type"] == "flex"]
    assert question["altText"] == "O local está em ordem agora?"
    async with office.database.reading() as session:
        row = await session.get_one(Report, report.id)
        assert (row.asked_at is not None, row.judged) == (True, None)


async def test_more_words_after_a_completion_ask_nobody_again(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    more = Answer(words="周りも舗装しました。")
    async with office.database.reading() as session:
        case, city = await session.get_one(Report, report.id), office.context.city
        seen = await answers.preview(session, city, case, None, more, now=office.clock.now())
    [group] = seen.groups
    assert [message["type"] for message in group.messages] == ["text"]
    await changed_to(office, report, None, more)
    first, second = await said_to(office, user)
    assert [message["type"] for message in first] == ["text", "flex"]
    assert [message["type"] for message in second] == ["text"]


async def test_a_yes_is_kept_and_a_no_of_anybody_opens_the_case_again(office: Office) -> None:
    users = [await office.resident(code) for code in ("en", "ne", "ja")]
    leader, second = await reported(office, users[0]), await reported(office, users[1])
    await joined_to(office, leader, second)
    await follows(office, leader, users[2])
    await changed_to(office, leader, ReportState.DONE, Answer())
    asked = {user: (await said_to(office, user))[-1][-1] for user in users}
    yes = await judged(office, users[0], asked[users[0]], right=True)
    assert yes.heard is Heard.RIGHT and yes.changed is None
    # Somebody else's buttons are not theirs.
    strange = await judged(office, users[2], asked[users[0]], right=False)
    assert strange.heard is Heard.OLD
    no = await judged(office, users[1], asked[users[1]], right=False)
    assert (no.heard, no.number) == (Heard.OPENED, second.number)
    again = await judged(office, users[1], asked[users[1]], right=False)
    assert (again.heard, again.changed) == (Heard.IS_OPEN, None)
    async with office.database.reading() as session:
        row = await session.get_one(Report, leader.id)
        theirs = await session.get_one(Report, second.id)
        found = await verdicts.of_case(session, row)
        waiting = await verdicts.said_no(session, 5)
    assert row.state is ReportState.ACCEPTED
    assert (row.judged, theirs.judged) == (False, False)
    assert (found.asked, found.yes, found.no) == (3, 1, 1)
    assert [one.number for one in waiting] == [leader.number]
    reopened = states.REOPENED
    for user, code in ((users[0], "en"), (users[2], "ja")):
        last = (await said_to(office, user))[-1][0]["text"]
        assert states.CATALOGUE.text(code, reopened) in last
    assert len(await said_to(office, users[1])) == 1, "who said it knows it"
    added = [one.added for one in await office.rows(ReportUpdate) if one.added]
    assert added.count("not-right") == 1 and added.count("right") == 1
    # After that no, the next completion asks again.
    await changed_to(office, leader, ReportState.DONE, Answer())
    for user in users:
        assert (await said_to(office, user))[-1][-1]["type"] == "flex"


async def test_of_two_presses_the_newer_counts_in_whatever_order_they_come(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    question = (await said_to(office, user))[0][-1]
    now = office.clock.now()
    await judged(office, user, question, right=True, said_at=now)
    late = await judged(office, user, question, right=False, said_at=now - timedelta(minutes=1))
    assert late.is_late and late.changed is None
    async with office.database.reading() as session:
        row = await session.get_one(Report, report.id)
    assert (row.state, row.judged) == (ReportState.DONE, True)


async def test_what_a_resident_wrote_goes_with_them(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    await judged(office, user, (await said_to(office, user))[0][-1], right=False)
    number, city, now = await number_of(office, user), office.context.city, office.clock.now()
    async with office.database.writing() as session:
        for who, words in ((number, Said("still a hole", "en", "m1")), (number + 1, Said("x"))):
            kept = await verdicts.add_words(session, city, report.number, who, words, now)
            assert kept is (who == number)
    async with office.database.reading() as session:
        [written] = (await verdicts.of_case(session, report)).words
    assert (written.number, written.words) == (report.number, "still a hole")
    async with office.database.writing() as session:
        assert await later.take_back(session, "") == []
        [row] = await later.take_back(session, "m1")
    assert row.id == report.id
    async with office.database.reading() as session:
        assert (await verdicts.of_case(session, report)).words == ()
    async with office.database.writing() as session:
        await residents.erase(session, office.context.city, number, office.clock.now())
    assert await office.rows(Verdict) == []


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


async def test_residents_row_is_never_left_without_the_answer(office: Office) -> None:
    """What is told, the questions and the new state are one transaction."""
    user = await office.resident("en")
    report = await reported(office, user)
    now = office.clock.now()
    with pytest.raises(ZeroDivisionError):
        async with office.database.writing() as session:
            changed = await work.change(
                session,
                office.context.city,
                report.number,
                Change(state=ReportState.DONE),
                by=BY,
                now=now,
            )
            await answers.tell(
                session,
                means(office.context),
                office.context.city,
                changed,
                Answer(),
                by=BY,
                now=now,
            )
            raise ZeroDivisionError
    assert await office.deliveries() == []
    assert await office.rows(Verdict) == []
    async with office.database.reading() as session:
        assert (await session.get_one(Report, report.id)).state is ReportState.NEW
        assert await session.scalar(select(Resident).where(col(Resident.line_user_id) == user))


@pytest.mark.parametrize("answer", [Answer(template="working"), Answer(words="始めました")])
async def test_words_and_nobody_together_are_refused(office: Office, answer: Answer) -> None:
    """Whoever ticked that nobody is told must not find that everybody was."""
    user = await office.resident("ja")
    report = await reported(office, user)
    both = replace(answer, nobody="重複のため")
    with pytest.raises(Refusal, match="chose words as well"):
        await changed_to(office, report, ReportState.IN_PROGRESS, both)
    assert await office.deliveries() == []


async def test_what_residents_wrote_is_erased_in_time_and_their_no_stays(office: Office) -> None:
    user = await office.resident("en")
    report = await reported(office, user)
    await changed_to(office, report, ReportState.DONE, Answer())
    await judged(office, user, (await said_to(office, user))[0][-1], right=False)
    now = office.clock.now()
    async with office.database.writing() as session:
        # As Todoke kept it before words became steps of the report.
        verdict = await session.scalar(select(Verdict))
        assert verdict is not None
        verdict.words = "still a hole"
        session.add(verdict)
    assert await verdicts.forget_words(office.database, now - timedelta(days=1)) == 0
    assert await verdicts.forget_words(office.database, now + timedelta(days=1)) == 1
    [verdict] = await office.rows(Verdict)
    assert (verdict.words, verdict.said) == ("", False)
