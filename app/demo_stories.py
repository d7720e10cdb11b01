"""What the demo's invented residents reported: kind, language, photos and words."""

from __future__ import annotations

from dataclasses import dataclass

HOLE = ("pothole-near", "pothole-far")
LAMP = ("street-light-near", "street-light-far")
RAIL = ("guard-rail-near", "guard-rail-far")
SWING = ("swing-near",)


@dataclass(frozen=True)
class Story:
    """One report.

    Parameters
    ----------
    photos
        Names of the simulator's drawn photos (``simulator.line.photos``).
    """

    kind: str
    language: str
    words: str
    photos: tuple[str, ...] = ()


STORIES = (
    Story("pothole", "ja", "バス停の前に穴があいています。雨の日は見えません。", HOLE),
    Story("street-light", "ja", "先週から街灯が消えたままです。帰り道が暗いです。", LAMP),
    Story("guard-rail", "ja", "カーブのガードレールが曲がっています。", RAIL),
    Story("park", "ja", "ブランコの鎖がさびて切れかけています。", SWING),
    Story("pothole", "en", "Deep pothole in the bicycle lane, right after the bridge.", HOLE),
    Story("sign", "ja", "一時停止の標識が木の枝でかくれています。"),
    Story("pothole", "vi", "Có ổ gà lớn trước trường tiểu học.", HOLE[:1]),
    Story("other", "ja", "側溝のふたが割れて、がたがたします。"),
    Story("street-light", "pt", "O poste de luz pisca a noite toda.", LAMP[:1]),
    Story("pothole", "ja", "歩道の段差でベビーカーが引っかかります。", HOLE[1:]),
    Story("street-light", "ja", "公園わきの街灯がついたり消えたりします。", LAMP[:1]),
    Story("guard-rail", "my", "လမ်းဘေးကာရံ ကွေးနေပါတယ်။", RAIL[:1]),
    Story("sign", "ja", "カーブミラーの向きが変わって、車が見えません。"),
    Story("park", "ja", "すべり台の手すりがぐらぐらします。"),
    Story("pothole", "zh-Hans", "路面有个坑，骑自行车要绕开。", HOLE[:1]),
    Story("other", "ja", "街路樹の枝が歩道にたれています。"),
    Story("pothole", "ja", "マンホールのまわりがへこんでいます。", HOLE[:1]),
    Story("street-light", "ne", "बत्ती बिग्रेको छ, राति अँध्यारो हुन्छ।", LAMP[1:]),
    Story("pole", "ja", "電線に木の枝がかかっています。"),
    Story("guard-rail", "ja", "フェンスが車にぶつけられたようで、倒れかけています。", RAIL),
    Story("pothole", "id", "Ada lubang di jalan dekat stasiun.", HOLE[1:]),
    Story("other", "en", "Weeds cover the footpath; a wheelchair cannot pass."),
    Story("street-light", "ja", "通学路の街灯が昼間もついています。"),
    Story("pothole", "ja", "工事のあとの舗装が沈んでいます。"),
    Story("park", "ja", "ベンチの板が一枚はずれています。"),
    Story("sign", "ja", "通学路の標示が消えて読めません。"),
    Story("pothole", "es", "Hay un bache grande frente al supermercado.", HOLE[:1]),
    Story("other", "ja", "排水ますに落ち葉がつまって、水がたまります。"),
)
"""They are told again and again at other places, as it goes with roads."""
EARLIER_WORDS = (
    "現地を確認し、補修しました。お知らせいただきありがとうございました。",
    "部品を取り替えました。ご不便をおかけしました。",
    "作業が終わりました。ご協力ありがとうございました。",
)
