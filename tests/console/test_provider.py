"""Signing in by the city's OIDC provider: who gets in, as what, and how nobody may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from yarl import URL

from city.roles import GroupOfStaff, Role, SignInRules
from console import provider as provider_module
from console.models import Staff
from console.sessions import COOKIE
from core.sign_in_settings import ProviderSettings
from tests.support.office import Browser, Office, Page
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider, new_key, running_provider

HANAKO = {
    "email": "hanako@city.example",
    "email_verified": True,
    "name": "山田 花子",
    "groups": ["koho", "everybody"],
}
GROUPS = (
    GroupOfStaff(group="koho", roles=(Role.EDITOR,), departments=("public-relations",)),
    GroupOfStaff(group="bosai", roles=(Role.DISASTER, Role.VIEWER)),
)
START = "/console/sign-in/provider"


@pytest.fixture
async def provider(office: Office) -> AsyncIterator[OidcProvider]:
    """The city's provider, to which the office is joined."""
    async with running_provider(office.clock.now, f"{office.url}{START}/back") as found:
        found.users["u-1"] = dict(HANAKO)
        settings = ProviderSettings(issuer=found.url, client_id=CLIENT, client_secret=SECRET)
        office.context = replace(
            office.context,
            settings=replace(office.context.settings, public_url=office.url, provider=settings),
            city=office.context.city.model_copy(update={"sign_in": SignInRules(groups=GROUPS)}),
        )
        office.app.state.context = office.context
        yield found


async def at_provider(browser: Browser, back: str = "", user: str = "u-1") -> str:
    """Go to the provider and choose who one is; return the address that it sends one back to."""
    query = {"next": back} if back else {}
    address = URL(browser.url + START).with_query(query)
    async with browser.http.get(address) as answer:
        assert answer.status == 200, await answer.text()
        chosen = answer.url.update_query(user=user)
    async with browser.http.get(chosen, allow_redirects=False) as answer:
        assert answer.status == 302
        return answer.headers["Location"]


async def come_back(browser: Browser, address: str) -> Page:
    return await browser.get(URL(address).path_qs)


async def by_provider(browser: Browser, back: str = "", user: str = "u-1") -> Page:
    return await come_back(browser, await at_provider(browser, back, user))


async def is_out(browser: Browser) -> bool:
    return "/console/sign-in" in (await browser.get("/console/")).url


async def test_groups_say_what_somebody_may(office: Office, provider: OidcProvider) -> None:
    browser = await office.browser()
    page = await by_provider(browser, "/console/account")
    assert page.url.endswith("/console/account")
    assert "広報担当" in page.words
    [staff] = await office.rows(Staff)
    assert (staff.email, staff.name, staff.roles) == (HANAKO["email"], "山田 花子", (Role.EDITOR,))
    assert staff.departments == ("public-relations",)
    assert staff.signed_in_by == "provider"
    acts = [(one.action, one.detail.get("way")) for one in await office.audit()]
    assert acts == [("staff.added", None), ("session.opened", "provider")]


async def test_the_same_person_keeps_the_account_and_gets_what_the_groups_say_now(
    office: Office, provider: OidcProvider
) -> None:
    first = await office.browser()
    await by_provider(first)
    provider.users["u-1"] |= {"email": "yamada@city.example", "groups": ["bosai"]}
    assert not await is_out(first)
    second = await office.browser()
    await by_provider(second)
    [staff] = await office.rows(Staff)
    assert staff.email == HANAKO["email"], "the trail goes on naming them"
    assert staff.roles == (Role.DISASTER, Role.VIEWER)
    assert await is_out(first), "what the old roles opened has ended"
    changed = [one.detail for one in await office.audit() if one.action == "staff.changed"]
    assert [(one["before"]["roles"], one["after"]["roles"]) for one in changed] == [
        (["editor"], ["disaster", "viewer"])
    ]


async def test_whoever_has_no_mapped_group_is_told_so(
    office: Office, provider: OidcProvider
) -> None:
    provider.users["u-1"]["groups"] = ["everybody"]
    browser = await office.browser()
    page = await by_provider(browser)
    assert page.status == 403
    assert "グループ" in page.words
    assert await office.rows(Staff) == []
    assert await is_out(browser)


@pytest.mark.parametrize("claim", ["in the token", "in userinfo"])
async def test_groups_may_be_in_the_token_or_in_userinfo(
    office: Office, provider: OidcProvider, claim: str
) -> None:
    if claim == "in the token":
        provider.in_token = ("sub", "email", "email_verified", "name", "groups")
    await by_provider(await office.browser())
    assert len(await office.rows(Staff)) == 1
    assert ("/userinfo" in provider.asked) is (claim == "in userinfo")


async def post_logout(office: Office, token: str) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{office.url}{START}/sign-out", data={"logout_token": token}) as answer,
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status


async def test_whoever_is_signed_out_there_is_signed_out_here(
    office: Office, provider: OidcProvider
) -> None:
    provider.users["u-2"] = {**HANAKO, "email": "other@city.example"}
    browser, other = await office.browser(), await office.browser()
    await by_provider(browser)
    await by_provider(other, user="u-2")
    token = provider.logout_token("u-1")
    assert await post_logout(office, token) == 200
    assert await is_out(browser) and not await is_out(other)
    # The same token once more ends nothing that was begun since.
    await by_provider(browser)
    assert await post_logout(office, token) == 200
    assert not await is_out(browser)
    assert await post_logout(office, provider.logout_token("nobody")) == 200
    acts = [one.subject for one in await office.audit() if one.action.endswith("by_provider")]
    assert acts == [f"staff:{HANAKO['email']}"]


LOGOUTS: list[tuple[str, dict[str, Any]]] = [
    ("of another issuer", {"iss": "https://provider.example"}),
    ("for somebody else", {"aud": "another client"}),
    ("an ID token", {"nonce": "n"}),
    ("of no event", {"events": None}),
    ("of another event", {"events": {"http://schemas.openid.net/event/other": {}}}),
    ("without a name", {"jti": None}),
    ("of a session alone", {"sub": None, "sid": "s-1"}),
    ("old", {"iat": 1_700_000_000}),
    ("from the future", {"iat": 4_000_000_000}),
    ("without a time", {"iat": None}),
    ("expired", {"exp": 1_700_000_000}),
]


@pytest.mark.parametrize(("what", "faults"), LOGOUTS, ids=[name for name, _ in LOGOUTS])
async def test_a_wrong_logout_token_signs_nobody_out(
    office: Office, provider: OidcProvider, what: str, faults: dict[str, Any]
) -> None:
    browser = await office.browser()
    await by_provider(browser)
    assert await post_logout(office, provider.logout_token("u-1", **faults)) == 400, what
    assert not await is_out(browser)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 3000])
async def test_what_is_no_logout_token_is_refused(
    office: Office, provider: OidcProvider, token: str
) -> None:
    assert await post_logout(office, token) == 400


async def test_a_logout_token_of_another_key_signs_nobody_out(
    office: Office, provider: OidcProvider
) -> None:
    browser = await office.browser()
    await by_provider(browser)
    provider.signed_by = "other"
    assert await post_logout(office, provider.logout_token("u-1")) == 400
    assert not await is_out(browser)


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("of another issuer", {"iss": "https://provider.example"}),
    ("without an issuer", {"iss": None}),
    ("for somebody else", {"aud": "another client"}),
    ("for nobody", {"aud": None}),
    ("for another party", {"aud": [CLIENT, "another"], "azp": "another"}),
    ("of another sign-in", {"nonce": "another"}),
    ("of no sign-in", {"nonce": None}),
    ("expired", {"exp": 1_700_000_000}),
    ("without an end", {"exp": None}),
    ("of nobody", {"sub": None}),
    ("of a number", {"sub": 7}),
    ("for another access token", {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ("from the future", {"iat": 4_000_000_000, "nbf": 4_000_000_000}),
]


@pytest.mark.parametrize(("what", "faults"), FORGED, ids=[name for name, _ in FORGED])
async def test_a_wrong_claim_lets_nobody_in(
    office: Office, provider: OidcProvider, what: str, faults: dict[str, Any]
) -> None:
    provider.faults = faults
    browser = await office.browser()
    page = await by_provider(browser)
    assert page.status == 403, what
    assert await is_out(browser)
    assert await office.rows(Staff) == []
    assert [one.action for one in await office.audit()] == ["session.refused"]


@pytest.mark.parametrize("signer", ["nobody", "client", "public", "other"])
async def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    office: Office, provider: OidcProvider, signer: str
) -> None:
    """No signature; the client's secret, or the public key, as a shared key; a stranger's key."""
    provider.signed_by = signer
    browser = await office.browser()
    assert (await by_provider(browser)).status == 403
    assert await is_out(browser)


async def test_an_answer_counts_once(office: Office, provider: OidcProvider) -> None:
    browser = await office.browser()
    cookies = browser.http.cookie_jar
    address = await at_provider(browser)
    stolen = {one.key: one.value for one in cookies if one.key == "todoke_provider"}
    await come_back(browser, address)
    thief = await office.browser()
    thief.http.cookie_jar.update_cookies(stolen, URL(f"{office.url}{START}"))
    assert (await come_back(thief, address)).status == 403
    assert await is_out(thief)


async def test_a_code_does_not_work_in_another_sign_in(
    office: Office, provider: OidcProvider
) -> None:
    """PKCE: a code that was seen on its way is worth nothing without its verifier."""
    victim, thief = await office.browser(), await office.browser()
    seen = URL(await at_provider(victim))
    own = URL(await at_provider(thief)).update_query(code=seen.query["code"])
    assert (await come_back(thief, str(own))).status == 403
    assert await is_out(thief)


async def test_nobody_is_signed_in_as_somebody_else_by_a_link(
    office: Office, provider: OidcProvider
) -> None:
    """Login CSRF: an answer belongs to the browser that asked for it."""
    attacker, victim = await office.browser(), await office.browser()
    address = await at_provider(attacker)
    assert (await come_back(victim, address)).status == 403
    mixed = URL(await at_provider(victim))
    wrong = URL(address).update_query(state=mixed.query["state"] + "x")
    assert (await come_back(victim, str(wrong))).status == 403
    assert await is_out(victim)


@pytest.mark.parametrize("named", ["https://another.example", ""])
async def test_an_answer_names_its_provider(
    office: Office, provider: OidcProvider, named: str
) -> None:
    """RFC 9207, against the mix-up of two providers."""
    browser = await office.browser()
    address = URL(await at_provider(browser))
    query = {**address.query, "iss": named} if named else dict(address.query)
    if not named:
        del query["iss"]
    assert (await come_back(browser, str(address.with_query(query)))).status == 403
    assert await is_out(browser)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/console/",
        "//evil.example/console/",
        "/\\evil.example/console/",
        "/console/\\evil",
        "javascript:alert(1)",
        "/console/sign-out",
    ],
)
async def test_nobody_is_sent_to_a_stranger_afterwards(
    office: Office, provider: OidcProvider, elsewhere: str
) -> None:
    browser = await office.browser()
    address = await at_provider(browser, elsewhere)
    async with browser.http.get(address, allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/console/"


async def test_new_keys_of_the_provider_are_fetched(office: Office, provider: OidcProvider) -> None:
    await by_provider(await office.browser())
    provider.rotate()
    office.clock.ahead += provider_module.NEW_KEYS_AFTER
    browser = await office.browser()
    assert (await by_provider(browser)).status == 200
    provider.key = new_key("EC")
    office.clock.ahead += provider_module.NEW_KEYS_AFTER
    assert (await by_provider(await office.browser())).status == 200


async def test_strange_keys_do_not_have_the_keys_fetched_again_and_again(
    office: Office, provider: OidcProvider
) -> None:
    await by_provider(await office.browser())
    provider.signed_by = "other"
    for _ in range(5):
        await by_provider(await office.browser())
    assert provider.asked.count("/keys") <= 2


async def test_without_the_provider_local_accounts_work(
    office: Office, provider: OidcProvider
) -> None:
    await office.hire(Role.DISASTER, "duty")
    provider.status = 503
    browser = await office.browser()
    page = await browser.get(START)
    assert page.status == 503
    assert "市の認証" in page.words
    page = await browser.submit(
        page, "/console/sign-in", email="duty@city.example", password="correct horse battery"
    )
    assert page.status == 200
    assert not await is_out(browser)


async def test_a_provider_that_hangs_is_waited_for_some_seconds_only(
    office: Office, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provider_module.TIMEOUT.total == 8
    monkeypatch.setattr(provider_module, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    provider.hangs = asyncio.Event()
    assert (await (await office.browser()).get(START)).status == 503
    provider.hangs.set()


@pytest.mark.parametrize(
    "faults",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": "http://inside.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
async def test_metadata_of_somebody_else_is_not_used(
    office: Office, provider: OidcProvider, faults: dict[str, Any]
) -> None:
    provider.metadata_faults = faults
    assert (await (await office.browser()).get(START)).status == 503


async def test_userinfo_about_somebody_else_is_not_believed(
    office: Office, provider: OidcProvider
) -> None:
    provider.userinfo_faults = {"sub": "u-2", "groups": ["bosai"]}
    assert (await by_provider(await office.browser())).status == 403


async def test_a_local_account_is_joined_only_by_an_address_that_was_verified(
    office: Office, provider: OidcProvider
) -> None:
    await office.hire(Role.ROADS, "hanako")
    for verified in (False, None):
        provider.users["u-1"]["email_verified"] = verified
        page = await by_provider(await office.browser())
        assert page.status == 403
        assert (await office.rows(Staff))[0].provider_subject is None
    provider.users["u-1"]["email_verified"] = True
    await by_provider(await office.browser())
    [staff] = await office.rows(Staff)
    assert staff.provider_subject == f"{provider.url} u-1"
    provider.users["u-2"] = dict(HANAKO)
    assert (await by_provider(await office.browser(), user="u-2")).status == 403


async def test_a_switched_off_account_stays_out(office: Office, provider: OidcProvider) -> None:
    await by_provider(await office.browser())
    async with office.database.writing() as session:
        staff = await session.get_one(Staff, 1, with_for_update=True)
        staff.active = False
    browser = await office.browser()
    assert (await by_provider(browser)).status == 403
    assert await is_out(browser)


async def test_a_planted_session_does_not_become_somebody_elses(
    office: Office, provider: OidcProvider
) -> None:
    planted = await office.at_desk(Role.VIEWER, "thief")
    cookie = planted.cookie(COOKIE)
    victim = await office.browser()
    victim.http.cookie_jar.update_cookies({COOKIE: cookie}, URL(f"{office.url}/console/"))
    await by_provider(victim)
    assert victim.cookie(COOKIE) != cookie
    assert "thief" in (await planted.get("/console/account")).words


async def test_signing_out_leads_out_of_the_provider_too(
    office: Office, provider: OidcProvider
) -> None:
    browser = await office.browser()
    page = await by_provider(browser)
    left = await browser.submit(page, "/console/sign-out")
    [address] = left.tree.xpath("//*[@data-testid='leave-provider']/a/@href")
    assert URL(address).with_query(None) == URL(f"{provider.url}/end")
    assert URL(address).query["post_logout_redirect_uri"] == f"{office.url}/console/sign-in"


async def test_a_person_who_gives_up_there_is_told_so(
    office: Office, provider: OidcProvider
) -> None:
    page = await by_provider(await office.browser(), user="nobody")
    assert page.status == 403
