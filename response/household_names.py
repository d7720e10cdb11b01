"""How a household is, where it is, and what it needs, in words.

The conversation, the page behind a mail, and staff each have their own translations of these words.
"""

from __future__ import annotations

from core.languages import mark
from response.models import Condition, Need, Whereabouts

CONDITIONS = {
    Condition.SAFE: mark("I am safe"),
    Condition.EVACUATED: mark("I have evacuated"),
    Condition.CANNOT_MOVE: mark("I cannot move"),
    Condition.IN_NEED: mark("I need something"),
}
WHEREABOUTS = {
    Whereabouts.HOME: mark("At home"),
    Whereabouts.CAR: mark("In a car"),
    Whereabouts.SHELTER: mark("At an evacuation site"),
    Whereabouts.RELATIVES: mark("With family or friends"),
}
NEEDS = {
    Need.MEDICINE: mark("Medicine"),
    Need.WHEELCHAIR: mark("Wheelchair, help to walk"),
    Need.BABY: mark("Things for a baby"),
    Need.WATER: mark("Drinking water"),
}
