"""Makes addresses/sample.csv: invented blocks of the invented districts.

Run it as ``python make_addresses.py`` in this folder, after ``make_areas.py``. The columns are
those of the Ministry of Land's 街区レベル位置参照情報 (https://nlftp.mlit.go.jp/isj/data.html), so
that a city puts its own file in this one's place. X and Y are left empty; nothing reads them.
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

COLUMNS = (
    *("都道府県名", "市区町村名", "大字・丁目名", "小字・通称名", "街区符号・地番", "座標系番号"),
    *("Ｘ座標", "Ｙ座標", "緯度", "経度", "住居表示フラグ", "代表フラグ"),
    *("更新前履歴フラグ", "更新後履歴フラグ"),
)
CHOME, BLOCKS = 5, 8
STEP = 0.0016
"""Degrees between two blocks, about 150 m."""


def main() -> None:
    dice = random.Random(822001)  # noqa: S311 - the same blocks every time
    here = Path(__file__).parent
    districts = json.loads((here / "areas.geojson").read_text("utf-8"))["features"]
    with (here / "addresses" / "sample.csv").open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(COLUMNS)
        for district in districts:
            ring = district["geometry"]["coordinates"][0][:-1]
            x = sum(point[0] for point in ring) / len(ring)
            y = sum(point[1] for point in ring) / len(ring)
            for chome in range(CHOME):
                for block in range(BLOCKS):
                    longitude = x + (block - BLOCKS / 2 + 0.5) * STEP + dice.uniform(-1, 1) / 5000
                    latitude = y + (chome - CHOME / 2 + 0.5) * STEP + dice.uniform(-1, 1) / 5000
                    writer.writerow(
                        [
                            *("茨城県", "つくば市"),
                            f"{district['properties']['names']['ja']}{'一二三四五'[chome]}丁目",
                            *("", block + 1, 9, "", ""),
                            *(f"{latitude:.6f}", f"{longitude:.6f}", 1, 1, 0, 0),
                        ]
                    )


if __name__ == "__main__":
    main()
