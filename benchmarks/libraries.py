"""What well-known libraries cost beside our own code, where we had the choice, as JSON.

``python benchmarks/libraries.py [PART…]`` with ``events``, ``messages``, ``checks``,
``bitmaps`` and ``settings``. Both sides run in turns, so that the ratios hold on a busy machine
too. ``checks`` reads LINE's OpenAPI description: ``--description messaging-api.yml``.

It needs requirements/bench.txt, and requirements/dev.txt for ``checks``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import random
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

from bot import messages as parts

RESIDENTS = 1_000_000
SECRET = "benchmark"
LANGUAGES = ("ja", "vi", "my")


def event(number: int = 1) -> dict[str, Any]:
    """A text message, about as large as LINE's."""
    return {
        "type": "message",
        "webhookEventId": f"01HX{number:022}",
        "deliveryContext": {"isRedelivery": False},
        "timestamp": 1_790_000_000_000 + number,
        "source": {"type": "user", "userId": f"U{number:032x}"},
        "replyToken": f"{number:032x}",
        "mode": "active",
        "message": {
            "id": f"{number:018}",
            "type": "text",
            "quoteToken": "q3Plxr4AgKd0123456789abcdefghijklmnopqrstuvwxyz",
            "text": "道路に穴があいています。気をつけてください。",
        },
    }


def body_of(count: int) -> bytes:
    events = [event(number) for number in range(count)]
    return json.dumps({"destination": "U" + "0" * 32, "events": events}).encode()


def beside(sides: dict[str, Callable[[], object]], *, seconds: float = 2.0) -> dict[str, Any]:
    """Microseconds a call, median of thirty turns, and how many times the first of them."""
    repeats = {}
    for name, call in sides.items():
        began = time.perf_counter()
        count = 0
        while time.perf_counter() - began < 0.05 or not count:
            call()
            count += 1
        each = (time.perf_counter() - began) / count
        repeats[name] = max(1, round(seconds / 30 / each))
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(30):
        for name, call in sides.items():
            began = time.process_time()
            for _ in range(repeats[name]):
                call()
            times[name].append((time.process_time() - began) / repeats[name] * 1e6)
    found = {name: statistics.median(each) for name, each in times.items()}
    first = next(iter(found.values()))
    return {
        name: {"us": round(each, 2), "times": round(each / first, 2)}
        for name, each in found.items()
    }


def events() -> dict[str, Any]:
    """The signature and the reading of webhooks of one and of a hundred events."""
    from linebot.v3 import WebhookParser
    from linebot.v3.webhook import SignatureValidator
    from linebot.v3.webhooks import Event, MessageContent

    from bot.events import read_webhook

    validator, parser = SignatureValidator(SECRET), WebhookParser(SECRET)
    found = {}
    for count in (1, 100):
        body = body_of(count)
        text = body.decode()
        signed = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()

        def ours(body: bytes = body, signed: str = signed) -> bool:
            made = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
            return hmac.compare_digest(made, signed)

        found[f"signature of {count}"] = beside(
            {
                "hmac": ours,
                "SignatureValidator": partial(validator.validate, body.decode(), signed),
            }
        )
        found[f"reading of {count}"] = beside(
            {
                "read_webhook": partial(read_webhook, body),
                "WebhookParser": partial(parser.parse, text, signed, as_payload=True),
            }
        )
    stored = json.dumps(event())
    found["one stored event"] = beside(
        {
            "json": lambda: json.loads(stored),
            "json, MessageContent": lambda: MessageContent.from_dict(json.loads(stored)["message"]),
            "json, Event": lambda: Event.from_dict(json.loads(stored)),
        }
    )
    return found


def messages() -> dict[str, Any]:
    """An answer with buttons as plain values, and as a model of LINE's SDK made of them."""
    from linebot.v3.messaging import Message

    def values(make: Callable[[], dict[str, Any]]) -> str:
        return json.dumps(make())

    def models(make: Callable[[], dict[str, Any]]) -> str:
        return str(Message.from_dict(make()).to_json())

    def card() -> dict[str, Any]:
        tiles = [parts.tile(parts.press(f"地区 {n}", "area", code=str(n))) for n in range(12)]
        quick = [parts.location("場所を送る")]
        return parts.card("お住まいの地区", parts.columns(tiles), quick=quick)

    def text() -> dict[str, Any]:
        return parts.text("避難所は開いています。", parts.press("はい", "yes"))

    return {
        name: beside(
            {
                "values": partial(values, make),
                "models": partial(models, make),
            }
        )
        for name, make in (("text", text), ("flex", card))
    }


def settings() -> dict[str, Any]:
    """What a command's start takes that only reads its settings, in milliseconds."""
    own = "import core.settings"
    model = "from pydantic_settings import BaseSettings; type('S', (BaseSettings,), {})()"
    found = {}
    for name, code in {
        "python alone": "",
        "ours": own,
        "pydantic-settings": f"{own}; {model}",
    }.items():
        times = []
        for _ in range(9):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        found[name] = round(statistics.median(times) * 1000)
    return found


def checks(description: Path) -> dict[str, Any]:
    """A Flex message against our checks and against LINE's description by two validators."""
    import fastjsonschema
    import jsonschema
    import yaml

    def all_errors(validator: Any, message: dict[str, Any]) -> list[Any]:
        return list(validator.iter_errors(message))

    from simulator.line import messages

    described = yaml.safe_load(description.read_text())
    schemas = json.loads(
        json.dumps(described["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    )
    tiles = [parts.tile(parts.press(f"地区 {n}", "area", code=str(n))) for n in range(12)]
    card = parts.card("お住まいの地区", parts.columns(tiles), quick=[parts.location("場所を送る")])
    words = parts.text("避難所は開いています。", parts.press("はい", "yes"))
    found: dict[str, Any] = {}
    for name, message, schema in (
        ("text", words, "TextMessage"),
        ("flex", card, "FlexMessage"),
    ):
        whole = {"$defs": schemas, "$ref": f"#/$defs/{schema}"}
        slow = jsonschema.Draft202012Validator(whole)
        # This one knows drafts 4 to 7 alone, in which "$defs" is but a place to point at.
        began = time.perf_counter()
        fast = fastjsonschema.compile(
            {"$schema": "http://json-schema.org/draft-07/schema", **whole}
        )
        compiled = time.perf_counter() - began
        assert messages.MESSAGE(message) is None
        found[name] = {
            "compiling with fastjsonschema, s": round(compiled, 2),
            **beside(
                {
                    "ours": partial(messages.MESSAGE, message),
                    "fastjsonschema": partial(fast, message),
                    "jsonschema": partial(all_errors, slow, message),
                }
            ),
        }
        wrong: list[dict[str, Any]] = [
            {**message, "unknown": 1},
            {**message, "quickReply": {"items": [{"type": "action", "action": {"type": "x"}}]}},
            {
                **message,
                "quickReply": {
                    "items": [{"type": "action", "action": parts.press("長" * 21, "x")}]
                },
            },
            parts.text("🗾" * 2_501)
            if schema == "TextMessage"
            else {**message, "altText": "🗾" * 201},
        ]
        found[name]["of 4 faults seen"] = {
            "ours": sum(messages.MESSAGE(each) is not None for each in wrong),
            "jsonschema": sum(bool(list(slow.iter_errors(each))) for each in wrong),
        }
    return found


def bitmaps() -> dict[str, Any]:
    """One bit a resident: an integer's bits beside Roaring bitmaps, for a million."""
    from pyroaring import BitMap

    chance = random.Random(1)
    people = range(1, RESIDENTS + 1)

    def some(share: float) -> list[int]:
        return [number for number in people if chance.random() < share]

    # Shares as of the generated residents: most follow, one topic and level a third, a district
    # a thirtieth, a language from two thirds down to one in a thousand.
    sets = {
        "following": some(0.97),
        "topic": some(0.35),
        "topic, another level": some(0.1),
        "district": some(0.033),
        "no district": some(0.2),
        "ja": some(0.66),
        "vi": some(0.02),
        "my": some(0.001),
    }
    found: dict[str, Any] = {"bytes": {}}
    ints, maps = {}, {}
    stored_ints, stored_maps = {}, {}
    for name, numbers in sets.items():
        bits = bytearray(RESIDENTS // 8 + 1)
        for number in numbers:
            bits[number >> 3] |= 1 << (number & 7)
        stored_ints[name] = bytes(bits)
        ints[name] = int.from_bytes(bits, "little")
        maps[name] = BitMap(numbers)
        maps[name].run_optimize()
        stored_maps[name] = maps[name].serialize()
        assert len(maps[name]) == ints[name].bit_count()
        found["bytes"][name] = {"int": len(bits), "pyroaring": len(stored_maps[name])}
    changed = sorted(chance.sample(people, 5_000))
    changed_int = sum(1 << number for number in changed)
    changed_map = BitMap(changed)
    joined = json.dumps(sets["topic"])

    def count_int() -> int:
        read = {name: int.from_bytes(each, "little") for name, each in stored_ints.items()}
        audience = read["following"] & ~changed_int
        audience &= read["topic"] | read["topic, another level"]
        audience &= read["district"] | read["no district"]
        return audience.bit_count() + sum((audience & read[code]).bit_count() for code in LANGUAGES)

    def count_map() -> int:
        read = {name: BitMap.deserialize(each) for name, each in stored_maps.items()}
        audience = read["following"] - changed_map
        audience &= read["topic"] | read["topic, another level"]
        audience &= read["district"] | read["no district"]
        parts = (int(audience.intersection_cardinality(read[code])) for code in LANGUAGES)
        return len(audience) + sum(parts)

    def build_int() -> int:
        bits = bytearray(RESIDENTS // 8 + 1)
        for number in json.loads(joined):
            bits[number >> 3] |= 1 << (number & 7)
        return len(bits)

    def build_map() -> int:
        return len(bytes(BitMap(json.loads(joined)).serialize()))

    assert count_int() == count_map()
    found["a count by language, read from what is stored"] = beside(
        {"int": count_int, "pyroaring": count_map}
    )
    found["a topic's bitmap from its ids"] = beside({"int": build_int, "pyroaring": build_map})
    # What each resident heard last, one byte a resident, as a follow-up finds it.
    told = bytes(chance.choices((0, 1, 2), (1, 6, 3), k=RESIDENTS + 1))
    digits = bytes(49 if heard == 1 else 48 for heard in range(256))
    warned = bytes(heard == 1 for heard in range(256))
    found["who was warned, of what each heard last"] = beside(
        {
            "int": lambda: int(told[::-1].translate(digits), 2),
            "pyroaring": lambda: BitMap(
                array("I", compress(range(len(told)), told.translate(warned)))
            ),
        }
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="events, messages, checks, bitmaps, settings")
    parser.add_argument("--description", type=Path, help="LINE's messaging-api.yml")
    options = parser.parse_args()
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "events": events,
        "messages": messages,
        "bitmaps": bitmaps,
        "settings": settings,
    }
    if options.description is not None:
        known["checks"] = lambda: checks(options.description)
    found = {name: known[name]() for name in options.parts or known}
    json.dump(found, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
