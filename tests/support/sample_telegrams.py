"""The meaning of the agency's official samples for single municipalities, read from the XML by
hand.

Each line says which municipality, and what must come of the telegram on an empty board:
(status, hazard, level, kind, previous kind, areas). An empty tuple means that the telegram
does not concern the municipality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Outcome = tuple[str, str, int, str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Expected:
    """One sample, one municipality."""

    sample: str
    municipality: str
    outcomes: tuple[Outcome, ...] = ()
    codes: dict[str, Any] = field(default_factory=dict)
    """What the city adds to its codes in city.toml."""
    drill: bool = False
    untold: bool = False
    intensity: str = ""


WAKKANAI, SARUFUTSU, HAMATONBETSU, REBUN = "0121400", "0151100", "0151200", "0151700"
NARA, GOJO, TOTSUKAWA, KASHIBA = "2920100", "2920700", "2944900", "2921000"
SHINJUKU, ARAKAWA, OSHIMA = "1310400", "1311800", "1336100"
TSUKUBA, MIYAKO, CHOSHI, ISHIGAKI = "0822000", "0320200", "1220200", "4720700"

OLD_RAIN_5 = "大雨特別警報"

EXPECTATIONS: tuple[Expected, ...] = (
    # Typhoon no. 8 of 2009 is south of Okinawa and heads for the Sakishima islands.
    Expected(
        "07_01_01_100514_VPTI51",
        ISHIGAKI,
        (("issued", "typhoon", 2, "台風情報", "", ()),),
    ),
    # Naha is 330 km from the centre, within the gale's 650 km.
    Expected(
        "07_01_01_100514_VPTI51",
        "4720100",
        (("issued", "typhoon", 2, "台風情報", "", ()),),
    ),
    Expected("07_01_01_100514_VPTI51", TSUKUBA),
    # Nara, 3 September 2011: the emergency warning is for landslides in Nara city, for both
    # dangers (one warning, told once) in Totsukawa; thunder, gale and flood go on.
    Expected(
        "15_08_01_130412_VPWW53",
        NARA,
        (
            ("issued", "landslide", 5, OLD_RAIN_5, "", (NARA,)),
            ("continued", "flood", 2, "洪水注意報", "洪水注意報", (NARA,)),
            ("continued", "gale", 2, "強風注意報", "強風注意報", (NARA,)),
            ("continued", "thunder", 2, "雷注意報", "雷注意報", (NARA,)),
        ),
    ),
    Expected(
        "15_08_01_130412_VPWW53",
        TOTSUKAWA,
        (
            ("issued", "heavy-rain", 5, OLD_RAIN_5, "", (TOTSUKAWA,)),
            ("continued", "flood", 3, "洪水警報", "洪水警報", (TOTSUKAWA,)),
            ("continued", "gale", 2, "強風注意報", "強風注意報", (TOTSUKAWA,)),
            ("continued", "thunder", 2, "雷注意報", "雷注意報", (TOTSUKAWA,)),
        ),
    ),
    Expected("15_08_01_130412_VPWW53", TSUKUBA),
    # Four days later everything is lifted, in the two halves of Gojo differently.
    Expected(
        "15_08_05_130412_VPWW53",
        GOJO,
        (
            ("lifted", "landslide", 0, OLD_RAIN_5, OLD_RAIN_5, ("2920702",)),
            ("lifted", "flood", 0, "洪水注意報", "洪水注意報", ("2920702",)),
            ("lifted", "heavy-rain", 0, "大雨注意報", "大雨注意報", ("2920701",)),
        ),
    ),
    Expected(
        "15_08_05_130412_VPWW53",
        NARA,
        (("lifted", "heavy-rain", 0, "大雨注意報", "大雨注意報", (NARA,)),),
    ),
    Expected("15_08_05_130412_VPWW53", KASHIBA),
    Expected(
        "15_14_01_170216_VPWW53",
        SHINJUKU,
        (("issued", "landslide", 5, OLD_RAIN_5, "", (SHINJUKU,)),),
    ),
    Expected(
        "15_14_01_170216_VPWW54",
        SHINJUKU,
        (("issued", "landslide", 5, OLD_RAIN_5, "", (SHINJUKU,)),),
    ),
    Expected(
        "15_14_01_170216_VPWW54",
        ARAKAWA,
        (
            ("issued", "flood", 3, "洪水警報", "", (ARAKAWA,)),
            ("issued", "heavy-rain", 3, "大雨警報", "", (ARAKAWA,)),
        ),
    ),
    Expected("15_14_01_170216_VPWW54", OSHIMA),
    Expected(
        "15_15_01_220314_VPWW54",
        "3640300",
        (("issued", "storm-surge", 3, "高潮警報", "", ("3640300",)),),
    ),
    Expected("15_15_01_220314_VPWW54", "3638300"),
    # The new warnings, Soya, 22 June 2020: Wakkanai rises, the others go on.
    Expected(
        "15_16_01_241031_VPWW56",
        WAKKANAI,
        (
            (
                "raised",
                "landslide",
                4,
                "レベル４土砂災害危険警報",
                "レベル３土砂災害警報",
                (WAKKANAI,),
            ),
        ),
    ),
    Expected(
        "15_16_01_241031_VPWW56",
        SARUFUTSU,
        (
            (
                "continued",
                "landslide",
                3,
                "レベル３土砂災害警報",
                "レベル３土砂災害警報",
                (SARUFUTSU,),
            ),
        ),
    ),
    Expected(
        "15_16_03_241226_VPWW55",
        WAKKANAI,
        (("raised", "heavy-rain", 4, "レベル４大雨危険警報", "レベル３大雨警報", (WAKKANAI,)),),
    ),
    Expected(
        "15_16_03_241226_VPWW55",
        HAMATONBETSU,
        (
            (
                "continued",
                "heavy-rain",
                2,
                "レベル２大雨注意報",
                "レベル２大雨注意報",
                (HAMATONBETSU,),
            ),
        ),
    ),
    Expected("15_16_03_241226_VPWW55", TSUKUBA),
    Expected(
        "15_16_04_241226_VPWW58",
        WAKKANAI,
        (("raised", "storm", 3, "暴風警報", "強風注意報", (WAKKANAI,)),),
    ),
    Expected(
        "15_16_04_241226_VPWW58",
        REBUN,
        (("continued", "gale", 2, "強風注意報", "強風注意報", (REBUN,)),),
    ),
    Expected(
        "15_16_05_241226_VPWW59",
        WAKKANAI,
        (("raised", "high-waves", 3, "波浪警報", "波浪注意報", (WAKKANAI,)),),
    ),
    Expected(
        "15_16_06_241226_VPWW60",
        WAKKANAI,
        (("raised", "heavy-snow", 3, "大雪警報", "大雪注意報", (WAKKANAI,)),),
    ),
    Expected(
        "15_16_07_241226_VPWW61",
        WAKKANAI,
        (("issued", "thunder", 2, "雷注意報", "", (WAKKANAI,)),),
    ),
    Expected(
        "15_16_07_241226_VPWW61",
        REBUN,
        (("continued", "frost", 2, "霜注意報", "霜注意報", (REBUN,)),),
    ),
    Expected(
        "15_16_08_241226_VPWW57",
        HAMATONBETSU,
        (
            (
                "raised",
                "storm-surge",
                4,
                "レベル４高潮危険警報",
                "レベル３高潮警報",
                (HAMATONBETSU,),
            ),
        ),
    ),
    Expected("15_16_08_241226_VPWW57", REBUN),
    # Rivers: the sample's codes are invented, so only a city that lists them is meant.
    Expected(
        "16_01_01_220728_VXKOii",
        TSUKUBA,
        (("issued", "flood", 2, "氾濫注意情報", "", ("123456789012",)),),
        codes={"rivers": ("123456789012",)},
    ),
    Expected("16_01_01_220728_VXKOii", TSUKUBA),
    Expected(
        "16_05_01_210630_VXKOii",
        TSUKUBA,
        (("issued", "flood", 3, "氾濫警戒情報", "", ("123456789012",)),),
        codes={"rivers": ("123456789012",)},
    ),
    Expected(
        "17_01_01_190529_VXWW50",
        "4013000",
        (("lifted", "landslide", 0, "土砂災害警戒情報", "土砂災害警戒情報", ("4013000",)),),
    ),
    Expected(
        "17_01_01_190529_VXWW50",
        "4010000",
        (("continued", "landslide", 4, "土砂災害警戒情報", "土砂災害警戒情報", ("4010000",)),),
    ),
    Expected(
        "17_02_01_190529_VXWW50",
        "0133100",
        (("issued", "landslide", 4, "土砂災害警戒情報", "", ("0133100",)),),
    ),
    Expected("17_02_01_190529_VXWW50", "0120200"),
    Expected(
        "18_01_01_100806_VPOA50",
        "2710000",
        (("issued", "record-rain", 4, "記録的短時間大雨情報", "", ("270000",)),),
    ),
    Expected("18_01_01_100806_VPOA50", NARA),
    Expected(
        "19_03_01_130906_VPHW50",
        "4220900",
        (("issued", "tornado", 3, "竜巻注意情報", "", ("4220901", "4220902")),),
    ),
    Expected(
        "19_04_01_140425_VPHW51",
        SHINJUKU,
        (("issued", "tornado", 3, "竜巻注意情報（目撃情報付き）", "", (SHINJUKU,)),),
    ),
    Expected("19_04_01_140425_VPHW51", OSHIMA),
    # Suruga bay, 11 August 2009: the flash knows regions only.
    Expected(
        "32-35_01_01_100806_VXSE51",
        "2210000",
        (("issued", "earthquake", 5, "震度６弱", "", ("442",)),),
        intensity="6-",
    ),
    Expected(
        "32-35_01_01_100806_VXSE51",
        "2520300",
        (("issued", "earthquake", 2, "震度３", "", ("500",)),),
        intensity="3",
    ),
    Expected("32-35_01_01_100806_VXSE51", TSUKUBA),
    Expected("32-35_01_02_240613_VXSE52", "2210000"),
    # A drill: it is read like the real thing and marked.
    Expected(
        "32-35_01_03_240613_VXSE53",
        "2230600",
        (("issued", "earthquake", 4, "震度５弱", "", ("2230600",)),),
        drill=True,
        intensity="5-",
    ),
    # Yokohama is told ward by ward: Totsuka felt 4, Tsurumi 3.
    Expected(
        "32-35_01_03_240613_VXSE53",
        "1410000",
        (("issued", "earthquake", 3, "震度４", "", ("1411000",)),),
        drill=True,
        intensity="4",
    ),
    Expected(
        "32-35_04_04_240613_VXSE53",
        "4620100",
        (("issued", "earthquake", 2, "震度３", "", ("4620100",)),),
        intensity="3",
    ),
    # Amami felt 1: below the city's threshold it is told to those who asked for it.
    Expected(
        "32-35_04_04_240613_VXSE53",
        "4622200",
        (("issued", "earthquake", 1, "震度１", "", ("4622200",)),),
        intensity="1",
    ),
    Expected(
        "32-35_06_03_240613_VXSE53",
        "0321500",
        (("issued", "earthquake", 5, "震度６強", "", ("0321500",)),),
        intensity="6+",
    ),
    # No report came from Kanegasaki, where 5- or more is thought likely.
    Expected(
        "32-35_06_03_240613_VXSE53",
        "0338100",
        (("issued", "earthquake", 4, "震度５弱", "", ("0338100",)),),
        intensity="5-",
    ),
    Expected(
        "32-35_06_03_240613_VXSE53",
        TSUKUBA,
        (("issued", "earthquake", 3, "震度４", "", (TSUKUBA,)),),
        intensity="4",
    ),
    Expected(
        "32-35_06_03_240613_VXSE53",
        SHINJUKU,
        (("issued", "earthquake", 1, "震度２", "", (SHINJUKU,)),),
        intensity="2",
    ),
    # Taking back what nobody here was told is for staff alone.
    Expected(
        "32-35_06_06_100915_VXSE53",
        "0321500",
        (("cancelled", "earthquake", 0, "震源・震度に関する情報", "", ()),),
        untold=True,
    ),
    Expected("32-35_06_09_240613_VXSE61", "0321500"),
    Expected(
        "32-35_06_10_100915_VXSE61",
        "0321500",
        (("cancelled", "earthquake", 0, "顕著な地震の震源要素更新のお知らせ", "", ()),),
        untold=True,
    ),
    Expected(
        "32-35_10_01_220510_VXSE51",
        TSUKUBA,
        (("cancelled", "earthquake", 0, "震度速報", "", ()),),
        untold=True,
    ),
    # 11 March 2011.
    Expected(
        "32-39_11_02_250206_VTSE41",
        MIYAKO,
        (("issued", "tsunami", 5, "大津波警報", "", ("210",)),),
    ),
    Expected(
        "32-39_11_02_250206_VTSE41",
        CHOSHI,
        (("issued", "tsunami", 4, "津波警報", "", ("310",)),),
    ),
    Expected(
        "32-39_11_02_250206_VTSE41",
        "2221200",
        (("issued", "tsunami", 3, "津波注意報", "", ("380",)),),
    ),
    Expected(
        "32-39_11_02_250206_VTSE41",
        ISHIGAKI,
        (("issued", "tsunami", 1, "津波予報（若干の海面変動）", "", ("802",)),),
    ),
    Expected("32-39_11_02_250206_VTSE41", TSUKUBA),
    Expected(
        "32-39_11_03_250206_VTSE51",
        MIYAKO,
        (("issued", "tsunami", 5, "大津波警報", "", ("210",)),),
    ),
    Expected(
        "32-39_11_13_250206_VTSE41",
        MIYAKO,
        (("lowered", "tsunami", 1, "津波予報（若干の海面変動）", "津波注意報", ("210",)),),
    ),
    Expected(
        "32-39_11_13_250206_VTSE41",
        ISHIGAKI,
        (
            (
                "continued",
                "tsunami",
                1,
                "津波予報（若干の海面変動）",
                "津波予報（若干の海面変動）",
                ("802",),
            ),
        ),
    ),
    Expected(
        "38-39_03_01_210805_VTSE41",
        MIYAKO,
        (("cancelled", "tsunami", 0, "津波注意報・津波予報", "", ()),),
        untold=True,
    ),
    Expected("38-39_03_01_210805_VTSE41", TSUKUBA),
    Expected(
        "45_01_01_200522_VFVO50",
        "1042500",
        (
            (
                "raised",
                "volcano",
                3,
                "レベル３（入山規制）",
                "レベル１（活火山であることに留意）",
                ("306",),
            ),
        ),
    ),
    Expected(
        "45_02_01_200522_VFVO50",
        "1438200",
        (
            (
                "raised",
                "volcano",
                5,
                "レベル５（避難）",
                "レベル１（活火山であることに留意）",
                ("315",),
            ),
        ),
    ),
    Expected("45_02_01_200522_VFVO50", "1042500"),
    Expected(
        "62_01_01_130412_VPNO50",
        NARA,
        (("issued", "heavy-rain", 5, OLD_RAIN_5, "", (NARA,)),),
    ),
    Expected("62_01_01_130412_VPNO50", KASHIBA),
    Expected("62_01_05_130412_VPNO50", NARA),
    Expected(
        "66_01_01_210517_VFVO53",
        "4620100",
        (("issued", "ash-fall", 1, "降灰予報（定時）", "", ("4620100",)),),
    ),
    Expected(
        "66_01_01_210517_VFVO53",
        "4520100",
        (("issued", "ash-fall", 1, "降灰予報（定時）", "", ("4520100",)),),
    ),
    Expected("66_01_01_210517_VFVO53", TSUKUBA),
    Expected(
        "67_01_01_140927_VFVO56",
        "2043200",
        (("issued", "eruption", 4, "噴火速報", "", ("2043200",)),),
    ),
    Expected("67_01_01_140927_VFVO56", TSUKUBA),
    # What is taken back names no place: staff of the volcano's two prefectures see it.
    Expected(
        "67_01_04_140927_VFVO56",
        "2043200",
        (("cancelled", "eruption", 0, "噴火速報", "", ()),),
        untold=True,
    ),
    Expected("67_01_04_140927_VFVO56", TSUKUBA),
    Expected("67_01_04_140927_VFVO56", SHINJUKU),
    # Yokohama's Totsuka ward, and Izu and Ogasawara beside Tokyo's mainland.
    Expected(
        "32-35_01_03_240613_VXSE53",
        "1411000",
        (("issued", "earthquake", 3, "震度４", "", ("1411000",)),),
        drill=True,
        intensity="4",
    ),
    Expected("15_14_01_170216_VPWW54", "1342100"),
    Expected("19_04_01_140425_VPHW51", "1340000"),
    # One half of a split city, and the town that Tomiya was.
    Expected(
        "15_08_05_130412_VPWW53",
        "2920701",
        (("lifted", "heavy-rain", 0, "大雨注意報", "大雨注意報", ("2920701",)),),
    ),
    Expected(
        "32-35_06_03_240613_VXSE53",
        "0421600",
        (("issued", "earthquake", 3, "震度４", "", ("0442300",)),),
        intensity="4",
    ),
    # Satsumasendai is told by the mainland and the Koshiki islands, here both below the threshold.
    Expected(
        "32-35_04_04_240613_VXSE53",
        "4621500",
        (("issued", "earthquake", 1, "震度２", "", ("4621501",)),),
        intensity="2",
    ),
    Expected(
        "74_01_01_200512_VYSE50",
        "2210000",
        (("issued", "nankai-trough", 2, "南海トラフ地震臨時情報（調査中）", "", ()),),
    ),
    Expected("74_01_01_200512_VYSE50", TSUKUBA),
    Expected("74_01_01_200512_VYSE50", WAKKANAI),
    Expected(
        "78_01_01_240613_VXSE62",
        "0421200",
        (("issued", "long-period", 3, "長周期地震動階級３", "", ("0421200",)),),
    ),
    Expected(
        "78_01_01_240613_VXSE62",
        "0421300",
        (("issued", "long-period", 3, "長周期地震動階級３", "", ("220",)),),
    ),
    Expected("78_01_01_240613_VXSE62", TSUKUBA),
    Expected(
        "82_01_01_241031_VPBS50",
        CHOSHI,
        (("issued", "linear-rain-band", 4, "気象防災速報（線状降水帯発生）", "", ("120020",)),),
    ),
    Expected("82_01_01_241031_VPBS50", TSUKUBA),
    Expected(
        "82_01_03_241031_VPBS50",
        "2520300",
        (("issued", "short-heavy-snow", 3, "気象防災速報（短時間大雪）", "", ("250020",)),),
    ),
    Expected("82_01_03_241031_VPBS50", "2520600"),
)
