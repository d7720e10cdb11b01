"""The simulator's copy of LINE's description equals LINE's own, or is stricter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simulator.line import Simulator, actions, messages, targeting
from simulator.line.account_api import AccountApi
from simulator.line.checks import Check
from simulator.line.menu_api import MenuApi
from simulator.line.routes import Route, Router
from simulator.line.targeting import TargetingApi
from simulator.line.tokens import Tokens
from tests.support.line_account import official

# In LINE's description, and not of use to a city: coupons are campaigns.
LEFT_OUT = {"coupon"}
# LINE's description gives an action's fields; ours differ with the place an action stands in.
ACTIONS = {
    "camera": "CameraAction",
    "cameraRoll": "CameraRollAction",
    "location": "LocationAction",
    "clipboard": "ClipboardAction",
    "datetimepicker": "DatetimePickerAction",
    "message": "MessageAction",
    "postback": "PostbackAction",
    "richmenuswitch": "RichMenuSwitchAction",
    "uri": "URIAction",
}


@pytest.fixture(scope="module")
def description(shared_data: Path) -> dict[str, Any]:
    read = official(shared_data / "line-openapi" / "messaging-api.yml")
    schemas: dict[str, Any] = read["components"]["schemas"]
    return schemas


def resolve(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Follow references and lay the parts of ``allOf`` together."""
    if "$ref" in schema:
        return resolve(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    whole["properties"] = dict(schema.get("properties", {}))
    required = set(schema.get("required", []))
    for part in schema.get("allOf", []):
        resolved = resolve(part, schemas)
        whole["properties"] = {**resolved["properties"], **whole["properties"]}
        required |= set(resolved.get("required", []))
    whole["required"] = sorted(required)
    return whole


def compare(theirs: dict[str, Any], ours: dict[str, Any], where: str) -> list[str]:
    """Say where ours takes what theirs does not."""
    found = []
    missing = set(theirs["properties"]) ^ set(ours["properties"])
    if missing:
        found.append(f"{where}: only one of the two knows {sorted(missing)}")
    # The kind of a thing is looked at before the thing itself.
    needed = set(theirs["required"]) - set(ours["required"]) - {"type"}
    if needed:
        found.append(f"{where}: ours does not need {sorted(needed)}")
    return found


def compare_value(theirs: dict[str, Any], ours: dict[str, Any], where: str) -> list[str]:
    found = []
    kind = theirs.get("type")
    if "type" in ours and kind is not None and ours["type"] != kind:
        found.append(f"{where}: {ours['type']} instead of {kind}")
    for bound in ("maxLength", "maxItems", "maximum"):
        if bound in theirs and ours.get(bound, float("inf")) > theirs[bound]:
            found.append(f"{where}: {bound} is {theirs[bound]}, ours {ours.get(bound)}")
    for bound in ("minItems", "minimum"):
        if bound in theirs and ours.get(bound, float("-inf")) < theirs[bound]:
            found.append(f"{where}: {bound} is {theirs[bound]}, ours {ours.get(bound)}")
    if "enum" in theirs and set(ours.get("enum", [])) != set(theirs["enum"]):
        found.append(f"{where}: one of {theirs['enum']}, ours {ours.get('enum')}")
    if "pattern" in theirs:
        wanted = theirs["pattern"].removeprefix("^").removesuffix("$")
        if ours.get("pattern") != wanted:
            found.append(f"{where}: pattern {wanted}, ours {ours.get('pattern')}")
    return found


def test_every_part_used_has_the_fields_limits_and_choices_of_the_official_one(
    description: dict[str, Any],
) -> None:
    assert not compared({**messages.COMPONENTS, **targeting.COMPONENTS}, description)


def test_audiences_have_the_fields_and_limits_of_the_official_ones(shared_data: Path) -> None:
    read = official(shared_data / "line-openapi" / "manage-audience.yml")
    assert not compared(targeting.AUDIENCE_COMPONENTS, read["components"]["schemas"])


def compared(components: dict[str, Check], schemas: dict[str, Any]) -> list[str]:
    """Say where any of our components takes what the official one does not."""
    found = []
    for name, check in components.items():
        theirs = resolve(schemas[name], schemas)
        found += compare(theirs, check.spec, name)
        for field, value in theirs["properties"].items():
            ours = check.spec["properties"].get(field)
            if ours is None or ours.get("recursive") or "variants" in ours:
                continue
            found += compare_value(resolve(value, schemas), ours, f"{name}.{field}")
    return found


def test_every_action_has_the_fields_and_limits_of_the_official_one(
    description: dict[str, Any],
) -> None:
    places: list[Check] = [actions.QUICK_REPLY_ACTION, actions.RICH_MENU_ACTION]
    found, seen = [], set()
    for place in places:
        for kind, ours in place.spec["variants"].items():
            seen.add(kind)
            theirs = resolve(description[ACTIONS[kind]], description)
            found += compare(theirs, ours, kind)
            for field, value in theirs["properties"].items():
                found += compare_value(
                    resolve(value, description), ours["properties"][field], f"{kind}.{field}"
                )
    assert not found
    assert seen == set(description["Action"]["discriminator"]["mapping"])


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ("Message", messages.MESSAGE),
        ("Template", messages.TEMPLATE.spec["properties"]["template"]),
        ("Recipient", targeting.RECIPIENT),
        ("FlexContainer", messages.FLEX.spec["properties"]["contents"]),
    ],
)
def test_every_kind_of_thing_is_known(
    description: dict[str, Any], schema: str, check: Check | dict[str, Any]
) -> None:
    spec = check.spec if isinstance(check, Check) else check
    theirs = set(description[schema]["discriminator"]["mapping"])
    assert set(spec["variants"]) == theirs - LEFT_OUT


LOGIN = {("POST", "/oauth2/v2.1/verify")}
"""Paths of LINE Login, of which there is no description.

Source: https://developers.line.biz/en/reference/line-login/#verify-id-token
"""


def test_every_path_used_is_an_official_one(shared_data: Path) -> None:
    known = {
        (method.upper(), nameless(path))
        for name in ("messaging-api", "channel-access-token", "manage-audience", "insight")
        for path, methods in official(shared_data / "line-openapi" / f"{name}.yml")["paths"].items()
        for method in methods
        if method != "parameters"
    }
    used: set[tuple[str, str]] = set()

    class Listing(Router):
        def add(self, method: str, path: str, route: Route) -> None:
            used.add((method, nameless(path)))

    simulator = Simulator()
    MenuApi(simulator.rich_menus, simulator.users).add_to(Listing())
    AccountApi.add_to(object.__new__(AccountApi), Listing())
    TargetingApi.add_to(object.__new__(TargetingApi), Listing())
    Tokens.add_to(object.__new__(Tokens), Listing())
    assert len(used) > 40
    assert used <= known | LOGIN


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
