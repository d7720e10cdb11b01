"""A machine's translation is passed on when every number and name in it is right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from core.clock import ManualClock
from core.database import Database
from core.errors import Permanent, Retryable
from core.settings import TRANSLATORS, TranslatorSettings
from feeds import limits
from feeds.articles import make_notice
from feeds.classify import classify
from feeds.fidelity import numbers_kept, problem_of
from feeds.policy import rule_on_article
from feeds.rss import Article
from feeds.translate import ArticleTranslations
from feeds.translators import DeepL, LibreTranslate, TexTra, Translator, translator_of
from tests.support.feed_world import a_city, source

CITY = a_city()


@pytest.mark.parametrize(
    ("source", "target", "language"),
    [
        ("6月15日に開きます", "Opens on June 15", "en"),
        ("6月15日に開きます", "Abre em 15 de junho", "pt"),
        ("6月15日に開きます", "Mở cửa ngày 15 tháng 6", "vi"),
        ("6月15日に開きます", "ဇွန် ၁၅ ရက် ဖွင့်မည်", "my"),
        ("6月15日に開きます", "เปิดวันที่ 15 มิถุนายน", "th"),
        ("令和8年4月1日から", "From April 1, 2026", "en"),
        ("令和８年４月１日から", "从2026年4月1日起", "zh-Hans"),
        ("午後3時30分から", "From 3:30 p.m.", "en"),
        ("午後3時30分から", "desde las 15:30", "es"),
        ("17時まで", "until 5 p.m.", "en"),
        ("正午まで", "until 12:00", "en"),
        ("午後3時半", "3:30 pm", "en"),
        ("1万5千円", "15,000 yen", "en"),
        ("2万円", "20.000 ienes", "pt"),
        ("1,200人", "1200 people", "en"),
        ("定員20人", "定員２０名", "zh-Hant"),
        ("大穂一丁目", "1-chome Oho", "en"),
        ("3か月健診", "3-month check-up", "en"),
    ],
)
def test_a_number_may_change_its_dress(source: str, target: str, language: str) -> None:
    assert numbers_kept(source, target, language)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("6月15日に開きます", "Opens on June 16"),
        ("6月15日に開きます", "Opens on July 15"),
        ("6月15日に開きます", "Opens in June"),
        ("定員20人", "Capacity 200 people"),
        ("午後3時から", "From 3 and until 5"),
        ("午前9時", "9 p.m. (21:00)"),
        ("電話 029-883-1111", "Call 029-883-1112"),
        ("1万円", "1,000 yen"),
        ("お知らせ", "Notice 7"),
    ],
)
def test_a_number_that_changed_means_no_translation(source: str, target: str) -> None:
    assert problem_of(source, target, "en") == "number"


def test_nothing_untranslated_empty_or_of_absurd_length_passes() -> None:
    source = "市役所からの大切なお知らせです"
    assert problem_of(source, "  ", "en") == "empty"
    assert problem_of(source, "x", "en") == "length"
    assert problem_of(source, "word " * 100, "en") == "length"
    assert problem_of(source, "市役所からの大切なお知らせです", "zh-Hans") == "japanese"
    assert problem_of(source, "An important notice from the city office", "en") is None


class Machine:
    """A translator that says what it was taught."""

    name = "machine"

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.asked: list[tuple[str, str]] = []

    async def languages(self) -> frozenset[str]:
        return frozenset({"en", "my"})

    async def translate(self, texts: Sequence[str], language: str) -> list[str]:
        if language == "my":
            raise Retryable("out of order")
        self.asked += [(text, language) for text in texts]
        return [self.words[text] for text in texts]


def translations(
    machine: Translator, database: Database, clock: ManualClock
) -> ArticleTranslations:
    return ArticleTranslations(machine, CITY, database, clock)


async def test_what_was_translated_once_is_kept_and_a_failing_language_is_left_out(
    database: Database, clock: ManualClock
) -> None:
    machine = Machine({"通行止めです": "The road is closed", "工事のためです": "Because of works"})
    article = Article(identity="1", title="通行止めです", summary="工事のためです")
    for _ in range(2):
        made = await translations(machine, database, clock).articles([article])
        assert made[article.content_hash] == {"en": ("The road is closed", "Because of works")}
    assert len(machine.asked) == 2


async def test_the_city_s_names_are_put_in_before_the_machine_sees_the_text(
    database: Database, clock: ManualClock
) -> None:
    machine = Machine(
        {
            " Tsukuba City の催し": "Event in Tsukuba City",
            " Tsukuba City の講座": "Course in Brush City",
        }
    )
    right = Article(identity="1", title="つくば市の催し")
    wrong = Article(identity="2", title="つくば市の講座")
    made = await translations(machine, database, clock).articles([right, wrong])
    assert made[right.content_hash] == {"en": ("Event in Tsukuba City", "")}
    assert made[wrong.content_hash] == {}


class Engines:
    """The three services' interfaces, as far as they are used."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.hang: asyncio.Event | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        if self.hang is not None:
            await self.hang.wait()
        if request.content_type == "application/json":
            said: dict[str, Any] = await request.json()
        else:
            said = dict(await request.post())
        said["authorization"] = request.headers.get("Authorization", "")
        self.requests.append((request.path, said))
        if self.status != 200:
            return web.Response(status=self.status)
        match request.path:
            case "/languages":
                return web.json_response([{"code": "ja", "targets": ["en", "zt", "th"]}])
            case "/translate":
                return web.json_response({"translatedText": [t.upper() for t in said["q"]]})
            case "/v2/translate":
                return web.json_response(
                    {"translations": [{"text": t.upper()} for t in said["text"]]}
                )
            case "/oauth2/token.php":
                return web.json_response({"access_token": "token", "expires_in": 3600})
        text = str(said["text"]).upper()
        if "LIMIT" in text:
            return web.json_response({"resultset": {"code": 10002}})
        return web.json_response({"resultset": {"code": 0, "result": {"text": text}}})


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    made = Engines()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    if made.hang is not None:
        made.hang.set()
    await runner.cleanup()


async def test_libretranslate_is_asked_for_what_it_has(
    engines: Engines, http_plain: aiohttp.ClientSession
) -> None:
    libre = LibreTranslate(http_plain, engines.url, "key")
    assert await libre.languages() == {"en", "zh-Hant", "th"}
    assert await libre.translate(["a", "b"], "zh-Hant") == ["A", "B"]
    path, said = engines.requests[-1]
    assert (path, said["q"], said["source"], said["target"]) == (
        "/translate",
        ["a", "b"],
        "ja",
        "zt",
    )
    assert said["api_key"] == "key"


async def test_deepl_is_asked_with_its_key(
    engines: Engines, http_plain: aiohttp.ClientSession
) -> None:
    deepl = DeepL(http_plain, "secret:fx", engines.url)
    assert await deepl.translate(["a"], "pt") == ["A"]
    _, said = engines.requests[-1]
    assert said["target_lang"] == "PT-BR"
    assert said["authorization"] == "DeepL-Auth-Key secret:fx"


async def test_textra_renews_its_token_and_says_when_the_month_is_used_up(
    engines: Engines, http_plain: aiohttp.ClientSession, clock: ManualClock
) -> None:
    textra = TexTra(http_plain, clock, user="u", key="k", secret="s", url=engines.url)
    assert await textra.translate(["a", "b"], "my") == ["A", "B"]
    await clock.advance(3600)
    assert await textra.translate(["c"], "en") == ["C"]
    assert [path for path, _ in engines.requests] == [
        "/oauth2/token.php",
        "/api/mt/generalNT_ja_my/",
        "/api/mt/generalNT_ja_my/",
        "/oauth2/token.php",
        "/api/mt/generalNT_ja_en/",
    ]
    with pytest.raises(Permanent, match="10002"):
        await textra.translate(["limit"], "en")


async def test_a_translator_that_fails_or_hangs_is_left_in_time(
    engines: Engines, http_plain: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    deepl = DeepL(http_plain, "key", engines.url)
    for status, error in ((500, Retryable), (429, Retryable), (403, Permanent)):
        engines.status = status
        with pytest.raises(error):
            await deepl.translate(["a"], "en")
    engines.hang = asyncio.Event()
    monkeypatch.setattr(limits, "TRANSLATION_TIMEOUT", 0.2)
    with pytest.raises(Retryable, match="too long"):
        await deepl.translate(["a"], "en")


@pytest.fixture
async def http_plain() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_settings_say_which_machine(
    http_plain: aiohttp.ClientSession, clock: ManualClock
) -> None:
    kinds = {"deepl": DeepL, "libretranslate": LibreTranslate, "textra": TexTra}
    assert kinds.keys() == TRANSLATORS.keys()
    for name, kind in kinds.items():
        settings = TranslatorSettings(name=name, url="http://127.0.0.1:5000", user="u", key="k")
        assert isinstance(translator_of(settings, http_plain, clock), kind)


async def test_deepl_is_asked_for_no_more_than_it_takes_at_once(
    engines: Engines, http_plain: aiohttp.ClientSession
) -> None:
    deepl = DeepL(http_plain, "key", engines.url)
    many = [f"a{number}" for number in range(120)] + ["災" * 2000] * 20
    assert await deepl.translate(many, "en") == [text.upper() for text in many]
    asked = [said["text"] for _, said in engines.requests]
    assert [text for texts in asked for text in texts] == many
    assert max(len(texts) for texts in asked) == 50
    assert max(len(json.dumps(texts)) for texts in asked) <= 128 * 1024


@pytest.mark.parametrize("engine", ["libretranslate", "deepl", "textra"])
async def test_a_language_the_machine_lacks_goes_out_in_japanese_under_its_own_heading(
    engine: str,
    engines: Engines,
    http_plain: aiohttp.ClientSession,
    database: Database,
    clock: ManualClock,
) -> None:
    settings = TranslatorSettings(name=engine, url=engines.url, user="u", key="k", secret="s")
    machine = translator_of(settings, http_plain, clock)
    city = CITY.model_copy(update={"languages": ("ja", "en", "km", "ne", "mn")})
    article = Article(identity="1", title="Hole in the road", link="http://x/1")
    site = source("news", "rss", "http://x/", topic="roadworks")
    translate = ArticleTranslations(machine, city, database, clock)
    ruled = classify(article, site, city)
    now = clock.now()
    ruling = rule_on_article(article, ruled, site, now)
    notice = make_notice(
        article, site, city, ruled, ruling, now, await translate.articles([article])
    )
    assert "HOLE IN THE ROAD" in notice.texts["en"]["title"]
    titles = {language: notice.texts[language]["title"] for language in ("ja", "km", "ne", "mn")}
    # Each heading is in its own language, and what follows it is as it was published.
    assert all("Hole in the road" in title for title in titles.values())
    assert len(set(titles.values())) == 4
    # It was asked for one language alone.
    assert len([path for path, _ in engines.requests if "translate" in path or "/mt/" in path]) == 1
