"""A stolen database or backup makes no one-time codes; the key can be changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy import update as sql_update
from sqlmodel import col

from console.encryption import PREFIX, Encryption, WrongKey, renew, unreadable
from console.models import Role, Staff
from tests.support.office import Browser, Office
from tests.support.one_time_codes import shows, with_codes

OFFICER = "duty@city.example"


def use(office: Office, key: str, *old: str) -> Encryption:
    """Restart the service with other keys."""
    settings = replace(office.context.settings, secret_key=key, secret_keys_old=old)
    office.app.state.context = replace(office.context, settings=settings)
    return Encryption.of(settings)


async def stored(office: Office) -> str:
    [person] = await office.rows(Staff)
    return person.totp_secret or ""


async def signed_in(office: Office, key: str) -> Browser:
    browser = await office.browser()
    office.clock.ahead += timedelta(minutes=1)  # the app shows another code by then
    page = await browser.sign_in(OFFICER, code=shows(office, key))
    assert page.url.endswith("/console/"), page.words
    return browser


async def test_the_database_does_not_say_the_key_of_the_codes(office: Office) -> None:
    key = await with_codes(office, await office.at_desk(Role.DISASTER, "duty"))
    async with office.database.reading() as session:
        rows = (await session.execute(text("SELECT * FROM staff"))).all()
    assert key not in str(rows)
    assert (await stored(office)).startswith(PREFIX)
    await signed_in(office, key)


async def test_a_key_from_before_is_encrypted_and_nobody_is_signed_out(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    key = pyotp.random_base32()
    async with office.database.writing() as session:
        every = sql_update(Staff).where(col(Staff.totp_secret).is_(None))
        await session.execute(every.values(totp_secret=key))
    await signed_in(office, key)
    encryption = Encryption.of(office.context.settings)
    now = office.clock.now()
    done = await renew(office.database, encryption, now, actor="service")
    assert (done.changed, done.unreadable) == (1, ())
    assert key not in await stored(office)
    assert "/sign-in" not in (await desk.get("/console/")).url
    await signed_in(office, key)
    assert (await renew(office.database, encryption, now, actor="service")).changed == 0
    assert [e.action for e in await office.audit()].count("staff.codes_encrypted") == 1


async def test_the_secret_key_can_be_changed(office: Office) -> None:
    key = await with_codes(office, await office.at_desk(Role.DISASTER, "duty"))
    first = office.context.settings.secret_key
    encryption = use(office, "the second key", first)
    await signed_in(office, key)
    assert (await renew(office.database, encryption, office.clock.now(), actor="x")).changed == 1
    use(office, "the second key")
    await signed_in(office, key)
    assert await unreadable(office.database, Encryption(first)) == [OFFICER]


async def test_a_wrong_secret_key_is_said_to_whoever_has_the_password_and_nobody_else(
    office: Office,
) -> None:
    key = await with_codes(office, await office.at_desk(Role.DISASTER, "duty"))
    encryption = use(office, "a key that is another")
    browser = await office.browser()
    page = await browser.sign_in(OFFICER, code=shows(office, key))
    assert page.status == 503
    assert "TODOKE_SECRET_KEY_OLD" in page.words
    assert "/sign-in" in (await browser.get("/console/")).url
    wrong = await browser.sign_in(OFFICER, "not the password", code=shows(office, key))
    assert wrong.status == 400
    assert "TODOKE_SECRET_KEY" not in wrong.words
    done = await renew(office.database, encryption, office.clock.now(), actor="x")
    assert (done.changed, done.unreadable) == (0, (OFFICER,))


def test_a_key_moved_to_another_account_opens_nothing() -> None:
    encryption = Encryption("a key")
    kept = encryption.encrypt(1, "JBSWY3DPEHPK3PXP")
    assert encryption.decrypt(1, kept) == "JBSWY3DPEHPK3PXP"
    for account, moved in ((2, kept), (1, kept[:-4])):
        with pytest.raises(WrongKey):
            encryption.decrypt(account, moved)
    assert kept != encryption.encrypt(1, "JBSWY3DPEHPK3PXP")
