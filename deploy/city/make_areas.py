"""Makes areas.geojson: twelve invented districts that fill an invented outline without gaps.

Run it as ``python make_areas.py`` in this folder. It writes the same file every time. Every
border is drawn once and used by both neighbours, so the districts neither overlap nor leave
a gap between them. Coordinates are degrees, WGS 84.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

LANGUAGES = (
    *("ja-x-easy", "en", "zh-Hans", "zh-Hant", "ko", "vi", "pt", "es", "id", "tl"),
    *("th", "ne", "km", "my", "mn"),
)
WEST, EAST, SOUTH, NORTH = 140.02, 140.20, 35.99, 36.23
COLUMNS, ROWS = 3, 4
BENDS = 5
"""Points between two corners of a border."""

# From the north-west to the south-east: code, kana, names in Japanese, English (which the
# languages in Latin letters share), simplified and traditional Chinese, Korean, Thai, Nepali,
# Khmer, Burmese and Mongolian.
DISTRICTS = """
yamanobe|やまのべ|山の辺|Yamanobe|山之边|山之邊|야마노베|ยามาโนเบะ|यामानोबे|យ៉ាម៉ាណូបេ|ယာမာနိုဘေ|Яманобэ
kitaoka|きたおか|北丘|Kitaoka|北丘|北丘|기타오카|คิตะโอกะ|किताओका|គីតាអូកា|ကီတာအိုကာ|Китаока
asahi|あさひ|朝日|Asahi|朝日|朝日|아사히|อาซาฮิ|आसाही|អាសាហ៊ី|အာဆာဟီ|Асахи
inasato|いなさと|稲里|Inasato|稻里|稻里|이나사토|อินาซาโตะ|इनासातो|អ៊ីណាសាតូ|အီနာဆာတို|Инасато
hoshino|ほしの|星野|Hoshino|星野|星野|호시노|โฮชิโนะ|होशिनो|ហូស៊ីណូ|ဟိုရှီနို|Хошино
kawabata|かわばた|川端|Kawabata|川端|川端|가와바타|คาวาบาตะ|कावाबाता|កាវ៉ាបាតា|ကာဝါဘာတာ|Кавабата
umesato|うめさと|梅里|Umesato|梅里|梅里|우메사토|อูเมซาโตะ|उमेसातो|អ៊ុមេសាតូ|အူမေဆာတို|Үмэсато
chuo|ちゅうおう|中央|Chuo|中央|中央|주오|ชูโอ|चुओ|ឈូអូ|ချူးအို|Чүо
kenkyunomori|けんきゅうのもり|研究の森|Kenkyu-no-Mori|研究之森|研究之森|\
겐큐노모리|เค็งกีวโนโมริ|केन्क्यु नो मोरी|កេនគីវណូម៉ូរី|ကန်ကျူးနိုမိုရီ|Кэнкюү-но-Мори
tsukimi|つきみ|月見|Tsukimi|月见|月見|쓰키미|สึกิมิ|त्सुकिमी|ស៊ឹគីមិ|ဆူကီမိ|Цүкими
minamino|みなみの|南野|Minamino|南野|南野|미나미노|มินามิโนะ|मिनामिनो|មីណាមីណូ|မီနာမီနို|Минамино
numabe|ぬまべ|沼辺|Numabe|沼边|沼邊|누마베|นูมาเบะ|नुमाबे|នូម៉ាបេ|နူမာဘေ|Нүмабэ
"""

Point = tuple[float, float]


def main() -> None:
    dice = random.Random(822000)  # noqa: S311 - the same drawing every time
    corners = {
        (column, row): _corner(column, row, dice)
        for row in range(ROWS + 1)
        for column in range(COLUMNS + 1)
    }
    borders = {
        (a, b): _border(corners[a], corners[b], dice)
        for a in sorted(corners)
        for b in ((a[0] + 1, a[1]), (a[0], a[1] + 1))
        if b in corners
    }
    features = []
    for number, line in enumerate(DISTRICTS.strip().splitlines()):
        row, column = divmod(number, COLUMNS)
        features.append(_feature(line.split("|"), _ring(column, row, borders)))
    text = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    target = Path(__file__).with_name("areas.geojson")
    target.write_text(
        '{"type": "FeatureCollection", "features": [\n' + text + "\n]}\n", encoding="utf-8"
    )


def _corner(column: int, row: int, dice: random.Random) -> Point:
    width, height = (EAST - WEST) / COLUMNS, (NORTH - SOUTH) / ROWS
    return (
        WEST + width * (column + dice.uniform(-0.2, 0.2)),
        NORTH - height * (row + dice.uniform(-0.2, 0.2)),
    )


def _border(start: Point, end: Point, dice: random.Random) -> list[Point]:
    points = [start]
    for step in range(1, BENDS + 1):
        part = step / (BENDS + 1)
        points.append(
            (
                start[0] + (end[0] - start[0]) * part + dice.uniform(-0.002, 0.002),
                start[1] + (end[1] - start[1]) * part + dice.uniform(-0.002, 0.002),
            )
        )
    return [*points, end]


def _ring(
    column: int, row: int, borders: dict[tuple[tuple[int, int], tuple[int, int]], list[Point]]
) -> list[Point]:
    """Return a district's outline, counter-clockwise as RFC 7946 asks."""
    north_west, north_east = (column, row), (column + 1, row)
    south_west, south_east = (column, row + 1), (column + 1, row + 1)
    west = borders[north_west, south_west]
    south = borders[south_west, south_east]
    east = borders[north_east, south_east][::-1]
    north = borders[north_west, north_east][::-1]
    return west[:-1] + south[:-1] + east[:-1] + north


def _feature(row: list[str], ring: list[Point]) -> dict[str, object]:
    code, kana, japanese, english, simplified, traditional, *others = row
    korean, thai, nepali, khmer, burmese, mongolian = others
    latin = dict.fromkeys(("en", "vi", "pt", "es", "id", "tl"), english)
    names = {
        "ja-x-easy": japanese if japanese == kana else f"{japanese}（{kana}）",
        "zh-Hans": simplified,
        "zh-Hant": traditional,
        "ko": korean,
        "th": thai,
        "ne": nepali,
        "km": khmer,
        "my": burmese,
        "mn": mongolian,
        **latin,
    }
    return {
        "type": "Feature",
        "properties": {
            "code": code,
            "kana": kana,
            "names": {"ja": japanese} | {language: names[language] for language in LANGUAGES},
        },
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[round(x, 6), round(y, 6)] for x, y in ring]],
        },
    }


if __name__ == "__main__":
    main()
