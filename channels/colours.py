"""The colours of a notice, the same in every medium.

Levels have the colours of the Cabinet Office (避難情報等に使用する配色, 2021); intensities,
tsunami, volcanoes and warnings without a level have those of the Meteorological Agency's own pages
(気象情報の配色に関する設定指針). Words on these colours have a contrast of at least 4.5 (WCAG 2.2,
AA). A drill has none of these colours.
"""

from __future__ import annotations

import re
import unicodedata

from core.contrast import AA_TEXT, contrast
from feeds.models import OVER, Notice

BLACK, WHITE = "#0C000C", "#FFFFFF"
INK, QUIET_INK, LINK_INK = "#1A1A1A", "#595959", "#0B4FA0"
LINK_GROUND, RULE = "#EAF1FA", "#D0D7DE"
LEVEL_GROUND = {5: "#0C000C", 4: "#AA00AA", 3: "#FF2800", 2: "#F2E700", 1: "#FFFFFF"}
INTENSITY_GROUND = {
    "1": "#F2F2FF",
    "2": "#00AAFF",
    "3": "#0041FF",
    "4": "#FAE696",
    "5-": "#FFE600",
    "5+": "#FF9900",
    "6-": "#FF2800",
    "6+": "#A50021",
    "7": "#B40068",
}
TSUNAMI_GROUND = {"大津波警報": "#C800FF", "津波警報": "#FF2800", "津波注意報": "#FAF500"}
VOLCANO_GROUND = {"5": "#C800FF", "4": "#FF2800", "3": "#FFAA00", "2": "#F2E700"}
WARNING_GROUND = {"特別警報": "#0C000C", "警報": "#FF2800", "注意報": "#F2E700"}
AGENCY_GROUND = (INTENSITY_GROUND, TSUNAMI_GROUND, VOLCANO_GROUND, WARNING_GROUND)
PLAIN_GROUND = "#20475A"
DRILL_GROUND, DRILL_INK, DRILL_FRAME = "#E6F0FA", "#0A3A75", "#0A3A75"

_VOLCANO_LEVEL = re.compile(r"レベル([1-5])\(")


def colours(notice: Notice) -> tuple[str, str, str]:
    """Return the header's background and text colours, and the frame ("" for none)."""
    if notice.drill:
        return DRILL_GROUND, DRILL_INK, DRILL_FRAME
    ground = "" if notice.status in OVER else LEVEL_GROUND.get(notice.level)
    ground = _agency_ground(notice) if ground is None else ground
    if not ground:
        return PLAIN_GROUND, WHITE, ""
    ink = WHITE if contrast(ground, WHITE) >= AA_TEXT else BLACK
    return ground, ink, RULE if ground == WHITE else ""


def _agency_ground(notice: Notice) -> str:
    """Return the agency's colour of a notice without an evacuation level; empty if it has none."""
    if notice.hazard == "earthquake":
        return INTENSITY_GROUND.get(notice.intensity, "")
    kind = unicodedata.normalize("NFKC", notice.kind)
    if notice.hazard == "volcano":
        level = _VOLCANO_LEVEL.match(kind)
        return "" if level is None else VOLCANO_GROUND.get(level.group(1), "")
    grounds = TSUNAMI_GROUND if notice.hazard == "tsunami" else WARNING_GROUND
    return next((ground for name, ground in grounds.items() if kind.endswith(name)), "")
