"""How long a 550 KB telegram takes from bytes to facts (target: under 100 ms).

Run ``python benchmarks/telegram.py``; prints one JSON object. The telegrams are our own, in the
form of the largest ones the agency sends: an earthquake felt all over Japan (VXSE53) and a
weather warning for every municipality with its quantities (VPWW54, VPWW55).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from city.city import JmaCodes
from feeds.jma import HazardBoard, facts, read_telegram
from feeds.jma.codes import municipalities

SIZE = 550_000
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/">
<Control><Title>{title}</Title><DateTime>2026-07-01T03:05:00Z</DateTime>
<Status>通常</Status><EditorialOffice>気象庁本庁</EditorialOffice>
<PublishingOffice>気象庁</PublishingOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/"><Title>{title}</Title>
<ReportDateTime>2026-07-01T12:05:00+09:00</ReportDateTime>
<TargetDateTime>2026-07-01T12:05:00+09:00</TargetDateTime>
<EventID>20260701120000</EventID><InfoType>発表</InfoType><Serial>1</Serial>
<InfoKind>{title}</InfoKind><InfoKindVersion>1.0_0</InfoKindVersion>
<Headline><Text>測定のための電文です。</Text></Headline></Head>
<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/{body}/"
 xmlns:jmx_eb="http://xml.kishou.go.jp/jmaxml1/elementBasis1/">
"""
TAIL = "</Body></Report>"


def earthquake() -> bytes:
    """An intensity detail with stations in every municipality, until it is large enough."""
    parts = [HEAD.format(title="震源・震度に関する情報", body="seismology1")]
    parts.append("<Intensity><Observation><MaxInt>6+</MaxInt>")
    size = 0
    stations = 4
    while size < SIZE:
        for place in municipalities().values():
            region = place.quake_regions[0]
            city = "".join(
                f"<IntensityStation><Name>{place.name}観測点{n}</Name>"
                f"<Code>{place.code[:5]}{n:02}</Code><Int>4</Int></IntensityStation>"
                for n in range(stations)
            )
            parts.append(
                f"<Pref><Name>{place.prefecture}</Name><Code>{place.code[:2]}</Code>"
                f"<MaxInt>5-</MaxInt><Area><Name>地域</Name><Code>{region}</Code>"
                f"<MaxInt>5-</MaxInt><City><Name>{place.name}</Name><Code>{place.code}</Code>"
                f"<MaxInt>4</MaxInt>{city}</City></Area></Pref>"
            )
            size += len(parts[-1].encode())
            if size >= SIZE:
                break
    return "".join([*parts, "</Observation></Intensity>", TAIL]).encode()


def warnings(title: str, code: str, name: str) -> bytes:
    """A warning for one municipality after another with its dangers, hour by hour."""
    parts = [HEAD.format(title=title, body="meteorology1")]
    parts.append('<Warning type="気象警報・注意報（市町村等）">')
    size = 0
    ordered = sorted(municipalities().values(), key=lambda place: place.prefecture != "茨城県")
    while size < SIZE:
        for place in ordered:
            dangers = "".join(
                f'<Significancy refID="{n}" type="大雨浸水危険度"><Name>警戒レベル３相当</Name>'
                "<Code>31</Code></Significancy>"
                for n in range(1, 6)
            )
            parts.append(
                f"<Item><Kind><Name>{name}</Name><Code>{code}</Code><Status>発表</Status>"
                "<Property><Type>大雨浸水危険度</Type><SignificancyPart><Base>"
                f"{dangers}</Base></SignificancyPart></Property></Kind>"
                f"<Area><Name>{place.name}</Name><Code>{place.code}</Code></Area>"
                "<ChangeStatus>警報・注意報種別に変化有</ChangeStatus></Item>"
            )
            size += len(parts[-1].encode())
            if size >= SIZE:
                break
    return "".join([*parts, "</Warning>", TAIL]).encode()


def measure(data: bytes, rounds: int) -> dict[str, float | int]:
    """Milliseconds from bytes to facts, on an empty board each time."""
    codes = JmaCodes(municipality="0822000")
    municipalities()
    took: list[float] = []
    read: Callable[[], float] = time.perf_counter
    found = 0
    for _ in range(rounds):
        start = read()
        found = len(facts(read_telegram(data), codes, HazardBoard()))
        took.append((read() - start) * 1000)
    return {
        "bytes": len(data),
        "facts": found,
        "median_ms": round(statistics.median(took), 2),
        "worst_ms": round(max(took), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print(
        json.dumps(
            {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "target_ms": 100,
                "VXSE53": measure(earthquake(), rounds),
                "VPWW55": measure(
                    warnings("気象警報・注意報（Ｒ０６）（大雨）", "43", "レベル４大雨危険警報"),
                    rounds,
                ),
                "VPWW54": measure(warnings("気象警報・注意報（Ｈ２７）", "03", "大雨警報"), rounds),
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
