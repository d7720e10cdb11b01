"""Signing in in a real browser: by the city's OIDC provider, and with a passkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Page, async_playwright, expect

from city.roles import GroupOfStaff, Role, SignInRules
from console.models import Passkey, Staff
from console.sessions import IDLE
from core.sign_in_settings import ProviderSettings
from tests.support.chromium import chromium_address
from tests.support.office import PASSWORD, Office
from tests.support.oidc_provider import CLIENT, SECRET, running_provider

pytestmark = pytest.mark.browser


@asynccontextmanager
async def stranger() -> AsyncIterator[Page]:
    """A tab of a browser in which nobody has signed in."""
    expect.set_options(timeout=20_000)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        context = await chromium.new_context(viewport={"width": 390, "height": 844})
        complaints: list[str] = []
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await chromium.close()
    assert not complaints


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_somebody_signs_in_by_the_citys_own_account_and_out_again(office: Office) -> None:
    way = f"{office.url}/console/sign-in/provider/back"
    async with running_provider(office.clock.now, way) as provider, stranger() as page:
        provider.users["花子"] = {
            "email": "hanako@city.example",
            "email_verified": True,
            "name": "山田 花子",
            "groups": ["koho"],
        }
        groups = (GroupOfStaff(group="koho", roles=(Role.EDITOR,)),)
        office.app.state.context = replace(
            office.context,
            settings=replace(
                office.context.settings,
                public_url=office.url,
                provider=ProviderSettings(
                    issuer=provider.url, client_id=CLIENT, client_secret=SECRET
                ),
            ),
            city=office.context.city.model_copy(update={"sign_in": SignInRules(groups=groups)}),
        )
        await page.goto(f"{office.url}/console/reports")
        await page.get_by_test_id("by-provider").click()
        await expect(page.locator("h1")).to_have_text("市の認証")
        await page.get_by_role("link", name="花子").click()
        await page.wait_for_url(f"{office.url}/console/reports")
        await expect(page.locator("[data-who]")).to_have_text("山田 花子")
        # The session ends over an open page: another tab signs in, and nothing typed is lost.
        await page.goto(f"{office.url}/console/account")
        name = page.locator("form[action='/console/account/name'] [name=name]")
        office.clock.ahead += IDLE + timedelta(minutes=1)
        await name.press_sequentially("市役所 ")
        dialog = page.locator("dialog#over")
        await expect(dialog).to_be_visible()
        async with page.context.expect_page() as opened:
            await dialog.get_by_test_id("other-way").click()
        other = await opened.value
        await other.get_by_test_id("by-provider").click()
        await other.get_by_role("link", name="花子").click()
        await other.wait_for_url("**/console/")
        await dialog.locator("[data-again]").click()
        await expect(dialog).to_be_hidden()
        await expect(name).to_have_value("市役所 山田 花子")
        await page.locator("form[action='/console/sign-out'] button").click()
        await page.get_by_test_id("leave-provider").get_by_role("link").click()
        await expect(page.locator("body")).to_have_text("signed out")
    [staff] = await office.rows(Staff)
    assert staff.roles == (Role.EDITOR,)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_passkey_is_registered_and_signs_in_without_a_password(office: Office) -> None:
    await office.hire(Role.ROADS, "road")
    here = office.url.replace("127.0.0.1", "localhost")
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, public_url=here)
    )
    async with stranger() as page:
        tools = await page.context.new_cdp_session(page)
        await tools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = await tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        await page.goto(f"{here}/console/sign-in")
        form = page.locator("form[action='/console/sign-in']")
        await form.locator("[name=email]").fill("road@city.example")
        await form.locator("[name=password]").fill(PASSWORD)
        await form.locator("button").click()
        await page.wait_for_url("**/console/")
        await page.goto(f"{here}/console/account/passkeys")
        new = page.get_by_test_id("new-passkey")
        await new.locator("[name=name]").fill("この端末")
        await new.locator("[name=present]").fill(PASSWORD)
        await new.locator("button").click()
        await page.wait_for_url("**/console/account?done=passkey-added")
        kept = await tools.send(
            "WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]}
        )
        assert [one["rpId"] for one in kept["credentials"]] == ["localhost"]
        await page.locator("form[action='/console/sign-out'] button").click()
        await page.get_by_test_id("passkey").locator("button").click()
        await page.wait_for_url("**/console/")
        await page.goto(f"{here}/console/account")
        await expect(page.locator("dl.facts").first).to_contain_text("パスキーで")
        # Somebody else's finger: the device does not let it through, and the page says so.
        await page.locator("form[action='/console/sign-out'] button").click()
        verified = {"authenticatorId": made["authenticatorId"], "isUserVerified": False}
        await tools.send("WebAuthn.setUserVerified", verified)
        await page.get_by_test_id("passkey").locator("button").click()
        await expect(page.locator("[data-passkey-said]")).to_be_visible()
    [passkey] = await office.rows(Passkey)
    assert (passkey.name, passkey.used_at is not None) == ("この端末", True)
