"""Other programs hear of every change: signed, in order, at least once, and nothing personal."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.audit import AuditEntry
from core.errors import BadInput
from reports import webhook_signatures, webhooks, work
from reports.models import UNDONE, Report, Sending, Webhook, WebhookMessage
from reports.outside import internal_of, outside_session
from reports.states import ReportState
from reports.webhooks import WebhookSender
from reports.work import Change
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.project import PROJECT
from tests.support.receiver import Receiver

SECRET = {"description": "田中です。家の前", "address": "中央1-2-3 田中方"}


@pytest.fixture
async def receiver(office: Office) -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        allow(office, receiver)
        yield receiver


def allow(office: Office, *receivers: Receiver) -> None:
    """Name receivers as the operator names hosts of the city's own network."""
    named = tuple(f"127.0.0.1:{one.port}" for one in receivers)
    settings = replace(office.context.settings, internal_hosts=named)
    object.__setattr__(office.context, "settings", settings)


async def added(office: Office, url: str, name: str = "GIS", **more: Any) -> Webhook:
    async with office.database.writing() as session:
        return await webhooks.add(
            session,
            webhooks.reach_of(office.context),
            name,
            url,
            **{"with_words": False, "actor": "admin", "now": office.clock.now(), **more},
        )


async def changed(office: Office, report: Report, state: ReportState, reason: str = "") -> None:
    async with office.database.writing() as session:
        await work.change(
            session,
            office.context.city,
            report.number,
            Change(state=state, reason=reason),
            by="roads",
            now=office.clock.now(),
        )


async def sent(office: Office) -> None:
    """Have everything sent that is due now."""
    internal = internal_of(office.context.settings.internal_hosts)
    async with outside_session(internal) as http:
        await WebhookSender(office.context, http, seed=1).look()


def example() -> Callable[[str, dict[str, str], bytes], bool]:
    """Return the function that docs/webhooks.md shows."""
    page = (PROJECT / "docs/webhooks.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[[str, dict[str, str], bytes], bool] = names["is_from_todoke"]
    return found


async def test_every_change_is_told_once_in_order_and_the_documents_example_proves_it(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: office.clock.now().timestamp())
    webhook = await added(office, receiver.url)
    report = await reported(office, await office.resident("pt"), **SECRET)
    await changed(office, report, ReportState.ACCEPTED)
    await changed(office, report, ReportState.DECLINED, "private")
    await sent(office)
    await sent(office)
    assert [each.said["type"] for each in receiver.taken] == [
        "report.created",
        "report.changed",
        "report.changed",
    ]
    changes = [each.said["data"]["change"] for each in receiver.taken]
    assert [(one["state"], one["reason"]) for one in changes] == [
        ("new", ""),
        ("accepted", ""),
        ("declined", "private"),
    ]
    assert {each.number for each in receiver.taken} == {report.number}
    secret, check = webhooks.secret_shown(office.context, webhook), example()
    for each in receiver.taken:
        assert check(secret, each.headers, each.body)
        assert not check(secret, each.headers, each.body + b" ")
        assert not check("whsec_bm90IGl0", each.headers, each.body)
        later = str(int(each.headers["webhook-timestamp"]) + 1)
        assert not check(secret, {**each.headers, "webhook-timestamp": later}, each.body)
    office.clock.ahead += timedelta(minutes=6)
    assert not check(secret, receiver.taken[0].headers, receiver.taken[0].body), "too old"


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """The vector that its libraries test themselves with (``TestWebhookSign`` of the reference)."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    other = base64.b64decode("c2VjcmV0LW9mLWEtcm90YXRlZC1lbmRwb2ludA==")
    at, body = datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    signed = webhook_signatures.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, (secret, other))
    assert signed["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signed["webhook-timestamp"] == "1614265330"
    first, second = signed["webhook-signature"].split(" ")
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,") and second != first


async def test_without_words_it_hears_what_everybody_may_see_and_never_who_reported(
    office: Office, receiver: Receiver
) -> None:
    async with Receiver() as trusted:
        allow(office, receiver, trusted)
        await added(office, receiver.url)
        await added(office, trusted.url, "Crew", with_words=True)
        user = await office.resident("pt")
        report = await reported(office, user, **SECRET)
        await sent(office)
        [public], [words] = receiver.taken, trusted.taken
    for kept in ("田中", "1-2-3", user, '"pt"'):
        assert kept not in public.body.decode()
    assert report.latitude is not None
    said = public.said["data"]["report"]
    assert said["latitude"] == round(report.latitude, 4)
    assert {"number", "state", "category", "department", "created_at"} <= set(said)
    assert "田中です" in words.body.decode() and user not in words.body.decode()
    assert words.said["data"]["report"]["latitude"] == report.latitude


async def test_a_change_that_was_rolled_back_is_not_told(
    office: Office, receiver: Receiver
) -> None:
    await added(office, receiver.url)
    report = await reported(office)
    with pytest.raises(ZeroDivisionError):
        async with office.database.writing() as session:
            await work.change(
                session,
                office.context.city,
                report.number,
                Change(state=ReportState.DONE),
                by="roads",
                now=office.clock.now(),
            )
            raise ZeroDivisionError
    await sent(office)
    assert [each.said["data"]["change"]["state"] for each in receiver.taken] == ["new"]


async def test_a_lost_answer_brings_the_same_message_again(
    office: Office, receiver: Receiver
) -> None:
    await added(office, receiver.url)
    await reported(office)
    receiver.drops = 1
    await sent(office)
    await sent(office)
    assert len(receiver.heard) == 1, "it rests after a failure"
    office.clock.ahead += timedelta(minutes=20)
    await sent(office)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)


async def test_later_changes_of_a_report_wait_for_the_earlier_ones(
    office: Office, receiver: Receiver
) -> None:
    await added(office, receiver.url)
    stuck, other = await reported(office), await reported(office)
    await changed(office, stuck, ReportState.ACCEPTED)
    receiver.refuses = {stuck.number}
    await sent(office)
    assert [each.number for each in receiver.taken] == [other.number]
    assert [each.number for each in receiver.heard].count(stuck.number) == 1
    receiver.refuses = set()
    office.clock.ahead += timedelta(minutes=20)
    await sent(office)
    states = [
        each.said["data"]["change"]["state"]
        for each in receiver.taken
        if each.number == stuck.number
    ]
    assert states == ["new", "accepted"]


async def test_one_that_is_down_holds_up_no_other_and_is_asked_seldom(
    office: Office, receiver: Receiver
) -> None:
    async with Receiver(status=503) as down:
        allow(office, receiver, down)
        await added(office, receiver.url)
        await added(office, down.url, "Down")
        for _ in range(12):
            await reported(office)
        await sent(office)
        assert len(receiver.taken) == 12
        assert 1 <= len(down.heard) <= webhooks.AT_ONCE
        heard = len(down.heard)
        await sent(office)
        assert len(down.heard) == heard
        down.status = 200
        office.clock.ahead += timedelta(minutes=20)
        await sent(office)
        assert {each.number for each in down.taken} == {each.number for each in receiver.taken}
    [gis, back] = sorted(await office.rows(Webhook), key=lambda one: one.name != "GIS")
    assert gis.failing_since is None and back.failing_since is None and back.error is None


async def test_a_message_is_tried_for_a_day_and_then_given_up(
    office: Office, receiver: Receiver
) -> None:
    await added(office, receiver.url)
    report = await reported(office)
    receiver.refuses = {report.number}
    await sent(office)
    office.clock.ahead += timedelta(hours=25)
    receiver.refuses = set()
    await changed(office, report, ReportState.ACCEPTED)
    await sent(office)
    await sent(office)
    assert [each.said["data"]["change"]["state"] for each in receiver.taken] == ["accepted"]
    states = [message.state for message in await office.rows(WebhookMessage)]
    assert states == [Sending.FAILED, Sending.DONE]


async def test_who_does_not_answer_for_days_is_switched_off_and_that_is_to_be_told(
    office: Office, receiver: Receiver
) -> None:
    webhook = await added(office, receiver.url)
    receiver.status = 500
    report = await reported(office)
    await sent(office)
    for _ in range(3):
        office.clock.ahead += timedelta(hours=25)
        await changed(office, report, ReportState.ACCEPTED)
        await changed(office, report, ReportState.IN_PROGRESS)
        await sent(office)
        await sent(office)
    [row] = await office.rows(Webhook)
    assert row.off_by == webhooks.SERVICE and "500" in str(row.off_why)
    waiting = [one for one in await office.rows(WebhookMessage) if one.state in UNDONE]
    assert waiting == []
    before = len(receiver.heard)
    await changed(office, report, ReportState.DONE)
    await sent(office)
    assert len(receiver.heard) == before
    async with office.database.reading() as session:
        assert [one.id for one in await webhooks.untold(session)] == [webhook.id]
    assert webhook.id is not None
    async with office.database.writing() as session:
        await webhooks.switch(session, webhook.id, on=True, actor="admin", now=office.clock.now())
    receiver.status = 200
    await changed(office, report, ReportState.ACCEPTED)
    await sent(office)
    assert [each.said["data"]["change"]["state"] for each in receiver.taken] == ["accepted"]
    acts = [entry.action for entry in await office.rows(AuditEntry)]
    assert [act for act in acts if act.startswith("webhook.")] == [
        "webhook.added",
        "webhook.off",
        "webhook.on",
    ]


async def test_gone_switches_off_at_once(office: Office, receiver: Receiver) -> None:
    await added(office, receiver.url)
    await reported(office)
    receiver.status = 410
    await sent(office)
    [row] = await office.rows(Webhook)
    assert row.off_at is not None


async def test_a_redirect_is_a_failure_and_nobody_goes_there(
    office: Office, receiver: Receiver
) -> None:
    async with Receiver() as inside:
        await added(office, receiver.url)
        await reported(office)
        receiver.status, receiver.headers = 307, {"Location": inside.url}
        await sent(office)
        assert len(receiver.heard) == 1 and inside.heard == []
    [message] = await office.rows(WebhookMessage)
    assert message.status == 307 and message.state is Sending.TRYING


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "url",
    [
        *("", "gis.example/hook", "ftp://gis.example/", "http://gis.example/", "https://"),
        *("https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.0.0.7/"),
        *("https://192.168.1.1:8443/", "https://169.254.169.254/latest", "https://[fd00::1]/"),
        *("https://[::ffff:127.0.0.1]/", "https://me:secret@gis.example/", "https://a b.example/"),
        *("https://gis.example/" + "x" * 500, "https://gis.example:99999/"),
    ],
)
async def test_an_address_that_leads_nowhere_or_inside_is_refused(office: Office, url: str) -> None:
    with pytest.raises(BadInput):
        await added(office, url)
    assert await office.rows(Webhook) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_name_that_leads_inside_is_refused_when_connecting(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was a public one when the webhook was made (DNS rebinding)."""
    await added(office, f"https://rebound.example:{receiver.port}/")

    async def inside(*_: Any, **__: Any) -> list[dict[str, Any]]:
        return [
            {
                "hostname": "rebound.example",
                "host": "127.0.0.1",
                "port": receiver.port,
                "family": 2,
                "proto": 0,
                "flags": 0,
            }
        ]

    monkeypatch.setattr("core.names.Names.resolve", inside)
    await reported(office)
    await sent(office)
    [message] = await office.rows(WebhookMessage)
    assert receiver.heard == []
    assert message.error is not None and message.error.code == "fetch.leads-private"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_while_the_services_key_is_replaced_both_secrets_are_right(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: office.clock.now().timestamp())
    webhook = await added(office, receiver.url)
    before = webhooks.secret_shown(office.context, webhook)
    old = office.context.settings
    settings = replace(old, secret_key="another key", secret_keys_old=(old.secret_key,))
    object.__setattr__(office.context, "settings", settings)
    after = webhooks.secret_shown(office.context, webhook)
    assert before != after
    await reported(office)
    await sent(office)
    [message] = receiver.taken
    check = example()
    assert check(before, message.headers, message.body)
    assert check(after, message.headers, message.body)
    assert before not in repr(await office.rows(Webhook)), "no secret is stored"
