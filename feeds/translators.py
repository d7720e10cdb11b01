"""The machines that translate: LibreTranslate, DeepL and NICT's みんなの自動翻訳 (TexTra).

Each is a small client with one method; none of them is asked for a language it does not have.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Protocol

import aiohttp

from core.clock import Clock
from core.errors import BadInput, Permanent, Retryable
from core.languages import LANGUAGES
from core.settings import TranslatorSettings
from feeds import limits


class Translator(Protocol):
    """A machine that translates Japanese."""

    name: str

    async def languages(self) -> frozenset[str]:
        """Return our codes of the languages it can translate Japanese into."""

    async def translate(self, texts: Sequence[str], language: str) -> list[str]:
        """Return translations of Japanese ``texts``, one for each and in their order.

        Raises
        ------
        Retryable, Permanent
            It does not answer in time, or refuses.
        """


class IntoJapanese(Protocol):
    """A machine that translates into Japanese, for staff who read what residents wrote."""

    name: str

    async def readable(self) -> frozenset[str]:
        """Return our codes of the languages it can translate into Japanese."""

    async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
        """Return ``texts`` of a language in Japanese, one for each and in their order.

        Raises
        ------
        Retryable, Permanent
            It does not answer in time, or refuses.
        """


async def _ask(http: aiohttp.ClientSession, method: str, url: str, **request: Any) -> Any:
    """Return a JSON answer within the time limit, or raise one of our two kinds of error."""
    timeout = aiohttp.ClientTimeout(total=limits.TRANSLATION_TIMEOUT)
    try:
        async with http.request(
            method, url, timeout=timeout, allow_redirects=False, **request
        ) as response:
            if response.status in {408, 425, 429} or response.status >= 500:
                raise Retryable(f"The translator answered {response.status}.")
            if response.status != 200:
                raise Permanent(f"The translator answered {response.status}.")
            return await response.json(content_type=None)
    except TimeoutError as error:
        raise Retryable("The translator takes too long.") from error
    except aiohttp.ClientError as error:
        raise Retryable(f"The translator cannot be reached: {error}.") from error
    except ValueError as error:
        raise Permanent("The translator's answer is no JSON.") from error


def _strings(value: object, count: int) -> list[str]:
    if isinstance(value, list) and len(value) == count and all(isinstance(v, str) for v in value):
        return [str(text) for text in value]
    raise Permanent("The translator's answer is not what was asked for.")


class LibreTranslate:
    """The city's own LibreTranslate-compatible server.

    Which languages it has depends on the models installed, so it is asked once.
    """

    name = "libretranslate"

    def __init__(self, http: aiohttp.ClientSession, url: str, key: str = "") -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._key = key
        self._targets: dict[str, str] | None = None
        self._sources: dict[str, str] = {}

    async def languages(self) -> frozenset[str]:
        if self._targets is None:
            answer = await _ask(self._http, "GET", f"{self._url}/languages")
            theirs: set[str] = set()
            read: set[str] = set()
            for entry in answer if isinstance(answer, list) else []:
                if not isinstance(entry, dict):
                    continue
                if entry.get("code") == "ja":
                    theirs.update(str(target) for target in entry.get("targets", []))
                if "ja" in entry.get("targets", []):
                    read.add(str(entry.get("code")))
            self._targets = _codes(theirs)
            self._sources = _codes(read)
        return frozenset(self._targets)

    async def readable(self) -> frozenset[str]:
        await self.languages()
        return frozenset(self._sources)

    async def translate(self, texts: Sequence[str], language: str) -> list[str]:
        await self.languages()
        return await self._from_to(texts, "ja", (self._targets or {})[language])

    async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
        await self.languages()
        return await self._from_to(texts, self._sources[language], "ja")

    async def _from_to(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        body: dict[str, Any] = {
            "q": list(texts),
            "source": source,
            "target": target,
            "format": "text",
        }
        if self._key:
            body["api_key"] = self._key
        answer = await _ask(self._http, "POST", f"{self._url}/translate", json=body)
        made = answer.get("translatedText") if isinstance(answer, dict) else None
        return _strings(made, len(texts))


def _codes(theirs: Set[str]) -> dict[str, str]:
    """Return a server's code for each of our languages that it has."""
    found = {}
    for language in LANGUAGES.values():
        code = next((name for name in language.translated_from_japanese if name in theirs), None)
        if code is not None:
            found[language.code] = code
    return found


class DeepL:
    """DeepL's API; keys ending in ``:fx`` belong to the free plan's address.

    Languages and limits: https://developers.deepl.com (languages supported; translate text:
    50 texts and 128 KiB a request). Languages it marks as beta are left to the others.
    """

    name = "deepl"
    MOST_TEXTS = 50
    MOST_BYTES = 100 * 1024
    CODES: Mapping[str, str] = {code: one.deepl for code, one in LANGUAGES.items() if one.deepl}

    def __init__(self, http: aiohttp.ClientSession, key: str, url: str = "") -> None:
        free = "https://api-free.deepl.com"
        self._http = http
        self._key = key
        self._url = (url or (free if key.endswith(":fx") else "https://api.deepl.com")).rstrip("/")

    async def languages(self) -> frozenset[str]:
        return frozenset(self.CODES)

    async def readable(self) -> frozenset[str]:
        return frozenset(self.CODES)

    async def translate(self, texts: Sequence[str], language: str) -> list[str]:
        return await self._from_to(texts, "JA", self.CODES[language])

    async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
        # A source has no variety: EN, not EN-US.
        return await self._from_to(texts, self.CODES[language].partition("-")[0], "JA")

    async def _from_to(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        made: list[str] = []
        for some in self._requests(texts):
            made += await self._some(some, source, target)
        return made

    def _requests(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Cut ``texts`` into as many as a request may hold; JSON writes a kanji in six bytes."""
        some: list[str] = []
        size = 0
        for text in texts:
            needs = len(json.dumps(text))
            if some and (len(some) >= self.MOST_TEXTS or size + needs > self.MOST_BYTES):
                yield some
                some, size = [], 0
            some.append(text)
            size += needs
        if some:
            yield some

    async def _some(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        answer = await _ask(
            self._http,
            "POST",
            f"{self._url}/v2/translate",
            json={"text": list(texts), "source_lang": source, "target_lang": target},
            headers={"Authorization": f"DeepL-Auth-Key {self._key}"},
        )
        made = answer.get("translations") if isinstance(answer, dict) else None
        texts_made = [
            entry.get("text") if isinstance(entry, dict) else None for entry in made or []
        ]
        return _strings(texts_made, len(texts))


class TexTra:
    """NICT's みんなの自動翻訳, with OAuth 2 client credentials.

    Its engines differ by language pair; those named here are known to exist.
    """

    name = "textra"
    URL = "https://mt-auto-minhon-mlt.ucri.jgn-x.jp"
    ENGINES: Mapping[str, str] = {code: one.textra for code, one in LANGUAGES.items() if one.textra}
    _EARLY = 60.0
    """Seconds before its end at which a token is renewed."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        *,
        user: str,
        key: str,
        secret: str,
        url: str = "",
    ) -> None:
        self._http = http
        self._clock = clock
        self._user, self._key, self._secret = user, key, secret
        self._url = (url or self.URL).rstrip("/")
        self._token = ""
        self._token_until = 0.0
        self._renewing = asyncio.Lock()

    async def languages(self) -> frozenset[str]:
        return frozenset(self.ENGINES)

    async def translate(self, texts: Sequence[str], language: str) -> list[str]:
        return [await self._one(text, self.ENGINES[language]) for text in texts]

    async def readable(self) -> frozenset[str]:
        return frozenset(self.ENGINES)

    async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
        # An engine's name has the pair of languages: generalNT_ja_en, generalNT_en_ja.
        kind, _, pair = self.ENGINES[language].partition("_")
        target = pair.removeprefix("ja_")
        return [await self._one(text, f"{kind}_{target}_ja") for text in texts]

    async def _one(self, text: str, engine: str) -> str:
        answer = await _ask(
            self._http,
            "POST",
            f"{self._url}/api/mt/{engine}/",
            data={
                "access_token": await self._access_token(),
                "key": self._key,
                "name": self._user,
                "type": "json",
                "text": text,
            },
        )
        results = answer.get("resultset") if isinstance(answer, dict) else None
        if not isinstance(results, dict) or str(results.get("code")) != "0":
            code = results.get("code") if isinstance(results, dict) else "nothing"
            # 10002 is this month's limit; nothing we send will change it.
            raise Permanent(f"TexTra refuses with {code}.")
        result = results.get("result")
        made = result.get("text") if isinstance(result, dict) else None
        return _strings([made], 1)[0]

    async def _access_token(self) -> str:
        async with self._renewing:
            if self._clock.monotonic() >= self._token_until:
                answer = await _ask(
                    self._http,
                    "POST",
                    f"{self._url}/oauth2/token.php",
                    data={
                        "grant_type": "client_credentials",
                        "client_id": self._key,
                        "client_secret": self._secret,
                    },
                )
                if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
                    raise Permanent("TexTra gives no access token.")
                self._token = answer["access_token"]
                lifetime = answer.get("expires_in")
                seconds = float(lifetime) if isinstance(lifetime, int | float | str) else 600.0
                self._token_until = self._clock.monotonic() + max(0.0, seconds - self._EARLY)
            return self._token


def translator_of(
    settings: TranslatorSettings, http: aiohttp.ClientSession, clock: Clock
) -> LibreTranslate | DeepL | TexTra:
    """Return the machine that the settings name.

    Raises
    ------
    BadInput
        The name is not one of ``core.settings.TRANSLATORS``.
    """
    match settings.name:
        case "libretranslate":
            return LibreTranslate(http, settings.url, settings.key)
        case "deepl":
            return DeepL(http, settings.key, settings.url)
        case "textra":
            return TexTra(
                http,
                clock,
                user=settings.user,
                key=settings.key,
                secret=settings.secret,
                url=settings.url,
            )
    raise BadInput(f"There is no translator {settings.name!r}.")
