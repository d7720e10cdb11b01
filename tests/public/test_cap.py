"""CAP messages: valid, for the right places, in chains that refer rightly, drills as exercises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from city.city import City, Decision
from core.errors import BadInput
from feeds.cap import CapAlert, read_alert
from feeds.cap_areas import whereabouts
from feeds.cap_notices import parts_of
from feeds.models import Notice, Status
from feeds.signatures import NotProven, signed_part
from public.cap_signing import read_key
from tests.support.atom import SCHEMAS, read_atom
from tests.support.notices import a_notice
from tests.support.office import Office

CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
DS = {"d": "http://www.w3.org/2000/09/xmldsig#"}


def checked(text: str) -> etree._Element:
    """Return a message that the schema of OASIS takes."""
    tree = etree.fromstring(text.encode())
    etree.XMLSchema(etree.parse(SCHEMAS / "CAP-v1.2.xsd")).assertValid(tree)
    # CAP 1.2, 3.2.1: no spaces, commas or restricted characters.
    for name in ("identifier", "sender"):
        value = tree.findtext(f"c:{name}", namespaces=CAP) or ""
        assert value, name
        assert not set(value) & set(" ,<&"), value
    for ring in tree.iterfind(".//c:polygon", CAP):
        pairs = (ring.text or "").split()
        # 3.3.3: at least four pairs, the first as the last, latitude before longitude.
        assert len(pairs) >= 4
        assert pairs[0] == pairs[-1]
        for latitude, longitude in (pair.split(",") for pair in pairs):
            assert 20 < float(latitude) < 46 < 122 < float(longitude) < 154
    return tree


async def message(office: Office, number: int) -> tuple[etree._Element, CapAlert]:
    page = await (await office.browser()).get(f"/feeds/cap/{number}.xml")
    assert page.status == 200, number
    assert page.headers["Content-Type"].startswith("application/cap+xml")
    return checked(page.body), read_alert(page.body.encode())


def word(tree: etree._Element, name: str) -> str:
    return tree.findtext(f"c:{name}", namespaces=CAP) or ""


def told(alert: CapAlert, city: City, now: datetime) -> list[tuple[str, list[str], bool]]:
    """Return what our own reader makes of a message: title, districts and whether it is an end."""
    return [
        (part.words["ja"][0], part.areas(city), part.all_clear)
        for part in parts_of(alert, city, now)
    ]


def codes(city: City, count: int) -> list[str]:
    return [district.code for district in city.districts[:count]]


async def test_an_order_is_a_valid_message_that_our_own_reader_understands(office: Office) -> None:
    city, now = office.context.city, office.clock.now()
    a, b = codes(city, 2)
    end = now + timedelta(hours=6)
    await office.store(
        a_notice(
            now,
            "order",
            topic="evacuation",
            kind="避難指示",
            level=4,
            areas=[a, b],
            emergency=True,
            expires_at=end,
            texts={
                "ja": {"title": "避難指示 <山>", "text": "逃げてください。& ]]>\x0b"},
                "en": {"title": "Evacuate", "text": "Leave now."},
                "ja-x-easy": {"title": "にげて", "text": "にげてください"},
            },
        )
    )
    tree, alert = await message(office, 1)
    assert [word(tree, name) for name in ("status", "msgType", "scope")] == [
        "Actual",
        "Alert",
        "Public",
    ]
    assert (word(tree, "sender"), word(tree, "identifier")) == ("127.0.0.1", "todoke-0822000-1")
    assert word(tree, "sent").endswith("+09:00")
    assert [one.text for one in tree.iterfind(".//c:language", CAP)] == ["ja", "ja-x-easy", "en"]
    info = tree.find("c:info", CAP)
    assert info is not None
    names = ("category", "event", "responseType", "urgency", "severity", "certainty")
    assert [word(info, name) for name in names] == [
        "Safety",
        "避難指示",
        "Evacuate",
        "Immediate",
        "Severe",
        "Likely",
    ]
    # Each district is an area with its name, outline and code; none says that it is the whole city.
    assert [one.text for one in info.iterfind(".//c:geocode/c:value", CAP)] == [a, b]
    assert [one.text for one in info.iterfind(".//c:areaDesc", CAP)] == [
        city.district_by_code[code].names["ja"] for code in (a, b)
    ]
    assert len(info.findall(".//c:polygon", CAP)) == 2
    assert not alert.drill
    assert alert.is_news
    assert told(alert, city, now) == [("避難指示 <山>", [a, b], False)]
    (part,) = parts_of(alert, city, now)
    assert part.kind == "避難指示"
    assert part.expires() == end.replace(microsecond=0)
    assert part.words["en"][0] == "Evacuate"
    assert "逃げてください。& ]]>" in part.words["ja"][1]


async def test_an_order_for_the_whole_city_has_the_codes_of_the_city(office: Office) -> None:
    await office.store(a_notice(office.clock.now(), "all", level=5, emergency=True))
    tree, alert = await message(office, 1)
    info = tree.find("c:info", CAP)
    assert info is not None
    pairs = [
        (word(one, "valueName"), word(one, "value")) for one in info.iterfind(".//c:geocode", CAP)
    ]
    # 全国地方公共団体コード of Tsukuba: https://www.soumu.go.jp/denshijiti/code.html
    assert pairs == [("JMA-MUNICIPALITY", "0822000"), ("JIS-X0402", "082201")]
    assert len(info.findall("c:area", CAP)) == 1
    assert len(info.findall(".//c:polygon", CAP)) == len(office.context.city.districts)
    assert told(alert, office.context.city, office.clock.now()) == [("allの題", [], False)]


async def test_every_district_alone_is_read_back_as_that_district(office: Office) -> None:
    """Districts touch each other; an outline alone would be read as its neighbours too."""
    city, now = office.context.city, office.clock.now()
    for district in city.districts:
        await office.store(a_notice(now, district.code, areas=[district.code]))
    for number, district in enumerate(city.districts, start=1):
        _, alert = await message(office, number)
        found = whereabouts(alert.leading[0].areas, city)
        assert found.districts == {district.code}
        # Whoever has no codes has at least the outline.
        plain = [replace(area, geocodes=()) for area in alert.leading[0].areas]
        assert district.code in whereabouts(plain, city).districts


async def test_levels_sent_together_are_one_message(office: Office) -> None:
    """The gravest first, each with its own districts; what follows refers to the one message."""
    city, now = office.context.city, office.clock.now()
    a, b, _ = codes(city, 3)
    level: dict[str, Any] = {"topic": "evacuation", "emergency": True}
    await office.store(a_notice(now, "five", level=5, kind="緊急安全確保", areas=[a], **level))
    await office.store(
        a_notice(
            now, "four", level=4, kind="避難指示", areas=[b], with_id=1, replaces_id=1, **level
        )
    )
    tree, alert = await message(office, 1)
    japanese = [one for one in tree.iterfind("c:info", CAP) if word(one, "language") == "ja"]
    assert [(word(one, "severity"), word(one, "responseType")) for one in japanese] == [
        ("Extreme", "Shelter"),
        ("Severe", "Evacuate"),
    ]
    assert told(alert, city, now) == [("fiveの題", [a], False), ("fourの題", [b], False)]
    assert (await (await office.browser()).get("/feeds/cap/2.xml")).status == 404
    page = await (await office.browser()).get("/feeds/cap.atom")
    assert [entry.link.rpartition("/")[2] for entry in read_atom(page.body).entries] == ["1.xml"]


async def test_a_chain_refers_to_all_that_went_before(office: Office) -> None:
    """An update replaces what it refers to, so it says what still holds elsewhere too."""
    city, now = office.context.city, office.clock.now()
    a, b, c = codes(city, 3)

    def at(minutes: int, identity: str, **values: Any) -> Notice:
        common = {"topic": "evacuation", "kind": "避難指示", "level": 4, "emergency": True}
        return a_notice(now + timedelta(minutes=minutes), identity, **{**common, **values})

    await office.store(at(0, "first", areas=[a, b]))
    raised = {"status": Status.RAISED, "level": 5, "kind": "緊急安全確保"}
    await office.store(at(1, "raised", areas=[b, c], replaces_id=1, **raised))
    await office.store(at(2, "lifted", areas=[a], replaces_id=2, status=Status.LIFTED, level=0))
    await office.store(at(3, "withdrawn", replaces_id=3, status=Status.CANCELLED, level=0))
    office.clock.ahead += timedelta(minutes=4)
    now = office.clock.now()
    types, refers = [], []
    for number in (1, 2, 3, 4):
        tree, alert = await message(office, number)
        types.append(word(tree, "msgType"))
        refers.append(
            [one.split(",")[1].rpartition("-")[2] for one in word(tree, "references").split()]
        )
        if number == 2:
            assert told(alert, city, now) == [
                ("raisedの題", [b, c], False),
                ("firstの題", [a], False),
            ]
        if number == 3:
            # The end for one district, and what is in force in the others.
            assert told(alert, city, now) == [
                ("liftedの題", [a], True),
                ("raisedの題", [b, c], False),
            ]
    assert types == ["Alert", "Update", "Update", "Cancel"]
    assert refers == [[], ["1"], ["1", "2"], ["1", "2", "3"]]
    # A reference is made of exactly what the other message says of itself.
    first, _ = await message(office, 1)
    said = ",".join(word(first, name) for name in ("sender", "identifier", "sent"))
    tree, alert = await message(office, 4)
    assert word(tree, "references").split()[0] == said
    assert alert.references[0] == ",".join(said.split(",")[:2])


async def test_an_agency_s_warning_replaces_the_one_before(office: Office) -> None:
    """It has no end of its own: a telegram lifts it, and nobody must think that it expired."""
    city, now = office.context.city, office.clock.now()
    (a,) = codes(city, 1)
    rain = {"hazard": "heavy-rain", "expires_at": now + timedelta(hours=1)}
    await office.store(a_notice(now, "warning", **rain))
    await office.store(
        a_notice(now, "lowered", level=2, areas=[a], status=Status.LOWERED, replaces_id=1, **rain)
    )
    tree, alert = await message(office, 2)
    assert told(alert, city, now) == [("loweredの題", [a], False)]
    assert tree.find(".//c:expires", CAP) is None
    assert word(tree, "msgType") == "Update"


async def test_a_drill_is_an_exercise_and_nothing_else(office: Office) -> None:
    """Promise 5, for machines."""
    now = office.clock.now()
    await office.store(
        a_notice(now, "drill", drill=True, level=5),
        a_notice(now, "real"),
        a_notice(now, "like a drill", texts={"ja": {"title": "【訓練】", "text": "本文"}}),
    )
    tree, alert = await message(office, 1)
    assert word(tree, "status") == "Exercise"
    assert "todoke-0822000-1" in word(tree, "note")
    assert alert.drill
    for info in tree.iterfind("c:info", CAP):
        mark = "【訓練】" if word(info, "language") == "ja" else "[DRILL]"
        assert word(info, "headline").startswith(mark)
        assert word(info, "description").startswith(mark)
    browser = await office.browser()
    # A real notice whose words are those of a drill is neither.
    assert (await browser.get("/feeds/cap/3.xml")).status == 404
    feed = read_atom((await browser.get("/feeds/cap.atom?lang=en")).body)
    said = {
        entry.link.rpartition("/")[2]: {tag.term for tag in entry.tags} for entry in feed.entries
    }
    assert said == {"1.xml": {"Alert", "Exercise"}, "2.xml": {"Alert", "Actual"}}
    assert feed.entries[-1].title.startswith("[DRILL]")
    # Where nothing is real, nothing is said to be.
    office.app.state.demo = True
    office.app.state.cap_files = type(office.app.state.cap_files)(1000)
    assert word((await message(office, 2))[0], "status") == "Test"


async def test_only_dangers_and_what_follows_them_are_messages(office: Office) -> None:
    now = office.clock.now()
    old = now - timedelta(days=20)
    await office.store(
        a_notice(now, "news", level=0, topic="events", status=Status.NONE),
        a_notice(now, "held", decision=Decision.HOLD),
        a_notice(old, "long ago"),
    )
    await office.store(
        a_notice(now, "its end", status=Status.LIFTED, level=0, replaces_id=3),
        a_notice(
            now, "news again", level=0, topic="events", status=Status.CORRECTED, replaces_id=1
        ),
        a_notice(now, "edge", level=3, areas=["no-such-district"]),
    )
    browser = await office.browser()
    feed = read_atom((await browser.get("/feeds/cap.atom")).body)
    assert {entry.link.rpartition("/")[2] for entry in feed.entries} == {"4.xml", "6.xml"}
    found = [(await browser.get(f"/feeds/cap/{number}.xml")).status for number in range(1, 7)]
    # What is not in the list any more can still be read: later messages refer to it.
    assert found == [404, 404, 200, 200, 404, 200]
    # A district that there is not any more is not the whole city.
    tree, _ = await message(office, 6)
    assert [one.text for one in tree.iterfind(".//c:value", CAP)].count("no-such-district") == 2
    assert tree.find(".//c:polygon", CAP) is None
    for wrong in ("0", "-1", "１", "1e3", "999999999999999", "9" * 40, "..%2f1", "a"):
        assert (await browser.get(f"/feeds/cap/{wrong}.xml")).status == 404, wrong


async def test_a_large_city_s_outlines_are_in_one_language(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("public.cap.MOST_POINTS", 10)
    (a,) = codes(office.context.city, 1)
    await office.store(a_notice(office.clock.now(), "large", areas=[a]))
    tree, alert = await message(office, 1)
    found = {
        word(info, "language"): len(info.findall(".//c:polygon", CAP))
        for info in tree.iterfind("c:info", CAP)
    }
    assert found == {"ja": 1, "en": 0}
    assert told(alert, office.context.city, office.clock.now()) == [("largeの題", [a], False)]


def key_file(folder: Path, *, curve: bool = False, other: bool = False) -> tuple[Path, Any]:
    def fresh() -> Any:
        if curve:
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    key = fresh()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "todoke.city.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key((fresh() if other else key).public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
        .sign(fresh() if other else key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "cap.pem"
    path.write_bytes(written + certificate.public_bytes(serialization.Encoding.PEM))
    return path, certificate


@pytest.mark.parametrize("curve", [False, True], ids=["RSA", "P-256"])
async def test_with_a_key_messages_are_signed_as_cap_says(
    office: Office, tmp_path: Path, curve: bool
) -> None:
    """Checked by signxml, and again without it: digest and signature worked out by hand."""
    path, certificate = key_file(tmp_path, curve=curve)
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, cap_key=path)
    )
    now = office.clock.now()
    await office.store(a_notice(now, "signed"))
    page = await (await office.browser()).get("/feeds/cap/1.xml")
    tree = checked(page.body)
    assert tree[-1].tag == f"{{{DS['d']}}}Signature", "enveloped: a child of the alert"
    data = page.body.encode()
    inside = signed_part(data, [certificate], now)
    assert read_alert(inside).headline == "signedの題"
    with pytest.raises(NotProven, match=r"."):
        signed_part(data.replace("signedの題".encode(), "changedの題".encode()), [certificate], now)
    by_hand(tree, certificate)


def by_hand(tree: etree._Element, certificate: x509.Certificate) -> None:
    """Check a signature by the W3C's rules with lxml's canonical form and plain cryptography."""
    import base64

    signature = tree.find("d:Signature", DS)
    assert signature is not None
    info = signature.find("d:SignedInfo", DS)
    assert info is not None
    form = "{http://www.w3.org/2001/10/xml-exc-c14n#}"
    assert info.find("d:CanonicalizationMethod", DS).get("Algorithm") == form[1:-1]  # type: ignore[union-attr]
    value = base64.b64decode(signature.findtext("d:SignatureValue", namespaces=DS) or "")
    over = etree.tostring(info, method="c14n", exclusive=True)
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(value, over, padding.PKCS1v15(), hashes.SHA256())
    else:
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        assert isinstance(public, ec.EllipticCurvePublicKey)
        half = len(value) // 2
        r, s = int.from_bytes(value[:half]), int.from_bytes(value[half:])
        public.verify(encode_dss_signature(r, s), over, ec.ECDSA(hashes.SHA256()))
    digest = hashes.Hash(hashes.SHA256())
    said = base64.b64decode(info.findtext(".//d:DigestValue", namespaces=DS) or "")
    tree.remove(signature)
    digest.update(etree.tostring(tree, method="c14n", exclusive=True))
    assert digest.finalize() == said


def test_a_key_that_cannot_sign_is_said_at_the_start(tmp_path: Path) -> None:
    path, _ = key_file(tmp_path, curve=True)
    assert read_key(path).certificates
    wrong: Iterable[Path] = (tmp_path / "missing.pem", tmp_path)
    for one in wrong:
        with pytest.raises(BadInput, match="cannot be read"):
            read_key(one)
    (tmp_path / "text.pem").write_text("no key")
    with pytest.raises(BadInput, match="must have a private key"):
        read_key(tmp_path / "text.pem")
    path, _ = key_file(tmp_path, curve=True, other=True)
    with pytest.raises(BadInput, match="is not of its key"):
        read_key(path)
