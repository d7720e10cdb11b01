"""Acts of staff and strangers in the soak: alerts by the shell, pages of the console, guesses."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from typing import Protocol

import aiohttp

from benchmarks.soak_checks import Told
from benchmarks.soak_service import Machine
from city.city import City


class Running(Protocol):
    """What staff see of the soak that runs."""

    machine: Machine
    city: City
    told: list[Told]
    pages: list[float]
    tries: Counter[str]
    ending: asyncio.Event

    def dice(self, name: str) -> random.Random: ...
    def wrong(self, what: str, which: str) -> None: ...
    async def rest(self, dice: random.Random, seconds: float) -> None: ...
    def down_between(self, begun: float) -> bool: ...


PAGES = ("", "alerts", "feeds", "held", "reports", "audit", "staff", "session", "alerts", "reports")
ALERT_TOPICS = ("evacuation", "evacuation", "weather", "lifeline", "crime", "fire", "transit")
OFFICER, PASSWORD = "officer@city.example", "a long password of the soak"


class Staff:
    """People at the console's sign-in, and the senders of alerts.

    Parameters
    ----------
    soak
        The soak around it, where messages and faults are recorded.
    """

    def __init__(self, soak: Running) -> None:
        self.soak = soak

    async def alert(self) -> None:
        """The shell sends, corrects, withdraws and lifts."""
        dice, number = self.soak.dice("alert"), 0
        standing: list[Told] = []
        districts = [district.code for district in self.soak.city.districts]
        await self.soak.rest(dice, 5)
        while not self.soak.ending.is_set():
            number += 1
            mark = f"SOAK{number:04}"
            if standing and dice.random() < 0.5:
                old = standing.pop(dice.randrange(len(standing)))
                new = await self._follow_up(dice, mark, old)
                if new is not None and new.status == "corrected":
                    standing.append(new)
            else:
                sent = await self._send(dice, mark, districts)
                if sent is not None and sent.level:
                    standing.append(sent)
            await self.soak.rest(dice, dice.choice((1, 8, 16)))

    async def _send(self, dice: random.Random, mark: str, districts: list[str]) -> Told | None:
        topic = dice.choice(ALERT_TOPICS)
        level = dice.choice((3, 4, 4, 5)) if topic == "evacuation" else dice.choice((0, 0, 2, 4))
        areas = tuple(dice.sample(districts, dice.choice((0, 1, 1, 2))))
        drill = dice.random() < 0.3
        told = Told(mark, 0, topic, level, areas, drill, "issued", None)
        options = ["--topic", topic, "--level", str(level)]
        for area in areas:
            options += ["--area", area]
        return await self._shell(told, "send", *options, *self._texts(mark))

    async def _follow_up(self, dice: random.Random, mark: str, old: Told) -> Told | None:
        draw = dice.random()
        told = Told(mark, 0, old.topic, old.level, old.areas, old.drill, "corrected", old.delivery)
        if draw < 0.4:
            return await self._shell(told, "correct", str(old.delivery), *self._texts(mark))
        told.status = "cancelled" if draw < 0.6 else "lifted"
        if told.status == "cancelled":
            return await self._shell(told, "correct", str(old.delivery), "--withdraw")
        return await self._shell(told, "lift", str(old.delivery))

    def _texts(self, mark: str) -> list[str]:
        texts = {"ja": f"{mark} 川から離れてください。", "en": f"{mark} Keep away from the river."}
        return [part for code, text in texts.items() for part in ("--text", f"{code}={text}")]

    async def _shell(self, told: Told, *arguments: str) -> Told | None:
        kind = "--drill" if told.drill else "--real"
        code, out, err = await self.soak.machine.run("alert", *arguments, kind, "--yes", "--json")
        if code:
            self.soak.wrong("alerts that the shell refused", f"{arguments}: {err.strip()[-300:]}")
            return None
        told.delivery = int(json.loads(out)["id"])
        self.soak.told.append(told)
        return told

    async def officer(self) -> None:
        """An officer reads the console, and signs in again where the session ended."""
        dice = self.soak.dice("officer")
        jar = aiohttp.CookieJar(unsafe=True)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as http:
            signed_in = False
            while not self.soak.ending.is_set():
                begun = time.time()
                try:
                    if not signed_in:
                        status = await self._sign_in(http, OFFICER, PASSWORD)
                        signed_in = status == 303
                        if status not in (303, 503):
                            self.soak.wrong("the officer's sign-in refused", str(status))
                        continue
                    path = dice.choice(PAGES)
                    if self.soak.told and dice.random() < 0.3:
                        path = f"deliveries/{dice.choice(self.soak.told).delivery}"
                    url = f"{self.soak.machine.url}/console/{path}"
                    async with http.get(url, allow_redirects=False) as answer:
                        await answer.read()
                        status = answer.status
                    if status in (302, 303, 401):
                        self.soak.wrong("the officer's session lost", f"{path}: {status}")
                        signed_in = False
                    elif status != 200:
                        self.soak.wrong("console pages that failed", f"{path}: {status}")
                    self.soak.pages.append(time.time() - begun)
                except (aiohttp.ClientError, TimeoutError) as error:
                    if not self.soak.down_between(begun):
                        self.soak.wrong(
                            "console pages that failed", f"{type(error).__name__} {error}"
                        )
                await self.soak.rest(dice, 1.5)

    async def strangers(self) -> None:
        """Strangers try to sign in, and to forge webhooks."""
        dice = self.soak.dice("strangers")
        while not self.soak.ending.is_set():
            begun = time.time()
            address = f"127.0.0.{dice.randrange(2, 250)}"
            connector = aiohttp.TCPConnector(local_addr=(address, 0))
            async with aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                timeout=aiohttp.ClientTimeout(total=30),
            ) as http:
                try:
                    for _ in range(dice.choice((1, 1, 6))):
                        email = dice.choice((OFFICER, "nobody@city.example"))
                        status = await self._sign_in(http, email, f"guess {dice.random()}")
                        self.soak.tries[str(status)] += 1
                        if status not in (400, 429, 503):
                            self.soak.wrong("strangers' sign-ins answered oddly", str(status))
                    async with http.post(
                        f"{self.soak.machine.url}/line/webhook",
                        data=b'{"destination":"U0","events":[]}',
                        headers={"x-line-signature": "Zm9yZ2Vk"},
                    ) as answer:
                        self.soak.tries[f"forged webhook {answer.status}"] += 1
                        if answer.status != 401:
                            self.soak.wrong("forged webhooks not refused", str(answer.status))
                except (aiohttp.ClientError, TimeoutError) as error:
                    if not self.soak.down_between(begun):
                        self.soak.wrong("sign-ins that failed", f"{type(error).__name__} {error}")
            await self.soak.rest(dice, 6)

    async def _sign_in(self, http: aiohttp.ClientSession, email: str, password: str) -> int:
        url = f"{self.soak.machine.url}/console/sign-in"
        async with http.get(url) as page:
            found = re.search(r'name="csrf" value="([^"]+)"', await page.text())
        fields = {
            "csrf": found[1] if found else "",
            "email": email,
            "password": password,
            "next": "",
        }
        async with http.post(url, data=fields, allow_redirects=False) as answer:
            await answer.read()
            return answer.status
