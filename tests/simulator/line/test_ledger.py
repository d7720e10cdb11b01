"""Promise 2: everyone once; so the ledger must find every id, in whatever form it came."""

from __future__ import annotations

import json
import secrets
import time

from hypothesis import given
from hypothesis import strategies as st

from simulator.line.ledger import Ledger, LedgerEntry, pack_ids, texts_in, unpack_ids
from simulator.line.recipients import split_multicast

IDS = st.lists(
    st.binary(min_size=16, max_size=16).map(lambda raw: "U" + raw.hex()), min_size=1, max_size=9
)
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (", ", ":"), (",", ": ")])


@given(IDS)
def test_ids_survive_being_packed(user_ids: list[str]) -> None:
    assert unpack_ids(pack_ids(user_ids)) == user_ids


@given(IDS, SPACES, st.permutations(["to", "messages", "notificationDisabled"]), st.text())
def test_recipients_are_found_by_position_as_a_parser_finds_them(
    user_ids: list[str], spaces: tuple[str, str], order: list[str], text: str
) -> None:
    whole = {
        "to": user_ids,
        "messages": [{"type": "text", "text": text}],
        "notificationDisabled": False,
    }
    body = json.dumps({name: whole[name] for name in order}, separators=spaces).encode()
    split = split_multicast(body)
    assert split is not None
    assert unpack_ids(split.packed) == user_ids
    rest = json.loads(split.rest)
    assert rest == {name: whole[name] for name in order if name != "to"}


@given(IDS, st.data())
def test_a_spoilt_list_is_never_taken_for_a_good_one(
    user_ids: list[str], data: st.DataObject
) -> None:
    body = bytearray(json.dumps({"to": user_ids, "messages": []}, separators=(",", ":")).encode())
    place = data.draw(st.integers(7, 6 + 36 * len(user_ids)))
    body[place] = data.draw(st.sampled_from(list(b'GU", \\x0f\x00\xe9')))
    split = split_multicast(bytes(body))
    if split is None:
        return
    # If it was still taken, then a parser must agree about what it says.
    try:
        parsed = json.loads(bytes(body))
    except ValueError:
        # The rest cannot be read then either, and the request is refused for that.
        assert not _is_json(split.rest) or unpack_ids(split.packed)
        return
    assert unpack_ids(split.packed) == parsed["to"]


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def test_a_million_recipients_take_sixteen_bytes_each() -> None:
    ledger = Ledger("compact")
    batch = secrets.token_bytes(500 * 16)
    wanted = "U" + secrets.token_hex(16)
    for number in range(2_000):
        packed = batch if number != 1_234 else pack_ids([wanted]) + batch[16:]
        ledger.note(LedgerEntry(float(number), "multicast", str(number), None, packed, b""))
    assert ledger.deliveries_total == 1_000_000
    start = time.perf_counter()
    [entry] = ledger.deliveries(wanted)
    assert time.perf_counter() - start < 1
    assert entry.request_id == "1234"
    assert sum(times * users for times, users in ledger.counts_by_times().items()) == 1_000_000


def test_texts_are_found_wherever_they_stand() -> None:
    message = {
        "type": "flex",
        "altText": "x",
        "contents": {
            "type": "bubble",
            "body": {
                "type": "box",
                "layout": "vertical",
                "contents": [
                    {"type": "text", "text": "避難指示"},
                    {"type": "text", "contents": [{"type": "span", "text": "小野川"}]},
                    {
                        "type": "button",
                        "action": {"type": "message", "label": "はい", "text": "はい"},
                    },
                ],
            },
        },
    }
    assert list(texts_in(message)) == ["避難指示", "小野川", "はい", "はい"]
