"""A city that has friends already: from an order that reaches nobody to one that reaches all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.support.machine import Machine, served
from tests.support.watching import eventually

FRIENDS, IMPORTED = 1_000, 400
RULE = '\n[unknown_friends]\nlevel = 5\ntopics = ["evacuation"]\n'


@pytest.fixture
def machine(tmp_path: Path, database_url: str) -> Iterator[Machine]:
    """A machine with the sample city and its rule for friends nobody knows."""
    url = "" if database_url.startswith("sqlite") else database_url
    with served({}) as nothing:
        made = Machine(tmp_path / "city of friends", database_url=url)
        made.copy_city(nothing)
        rules = made.city / "city.toml"
        rules.write_text(rules.read_text("utf-8") + RULE, "utf-8")
        made.todoke("db", "upgrade")
        made.start_line("--friends", str(FRIENDS))
        yield made
        made.end()


def friends(machine: Machine) -> list[str]:
    """The ids LINE lists."""
    request = Request(f"{machine.stand.url}/v2/bot/followers/ids?limit=1000")
    request.add_header("Authorization", "Bearer token-of-this-test")
    with urlopen(request, timeout=10) as answer:
        return list(json.load(answer)["userIds"])


def order(machine: Machine, words: str, *more: str) -> int:
    """Send an order of level 5 from the shell."""
    wanted = ("--topic", "evacuation", "--level", "5", "--real", "--yes", "--json", *more)
    said = machine.todoke("alert", "send", *wanted, "--text", f"ja={words}")
    return int(json.loads(said)["id"])


def shown(machine: Machine, delivery: int) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        machine.todoke("deliveries", "show", str(delivery), "--json")
    )
    return found


def until_all_had_it(machine: Machine, words: str, everybody: list[str]) -> None:
    """Wait until every friend has an order, and see that nobody has it twice."""
    eventually(
        lambda: len(machine.stand.received(words)) == len(everybody),
        f"{words} on every phone",
        on=machine.changes,
        within_seconds=60,
    )
    assert machine.stand.received(words) == Counter(dict.fromkeys(everybody, 1))


def test_friends_from_before_are_told_once_whoever_is_killed(machine: Machine) -> None:
    service = machine.serve()
    everybody = friends(machine)
    assert len(everybody) == FRIENDS

    # As it was: an order of the highest level reaches nobody.
    delivery = order(machine, "高台へ避難")
    eventually(lambda: machine.is_done(delivery), "the end of the order", on=machine.changes)
    assert shown(machine, delivery)["recipients"] == 0
    assert "unknown" not in shown(machine, delivery)
    assert not machine.stand.received("高台へ避難")

    # Some come in by a file; the audience of the known is filled beforehand.
    file = machine.folder / "residents.csv"
    file.write_text("user_id\n" + "".join(f"{user}\n" for user in everybody[:IMPORTED]))
    dry = json.loads(machine.todoke("residents", "import", str(file), "--dry-run", "--json"))
    assert (dry["new"], dry["import"]) == (IMPORTED, None)
    done = json.loads(machine.todoke("residents", "import", str(file), "--json"))
    assert (done["new"], done["bad"]) == (IMPORTED, 0)
    service.kill()  # the audience is looked after at each start, without waiting for its minute
    service = machine.serve()
    eventually(
        lambda: "audience.ready" in service.words,
        "the audience",
        on=[machine.folder],
        within_seconds=90,
    )

    # The order with the rule: everybody once, though the service is killed in the middle.
    delivery = order(machine, "川から離れて", "--to-unknown")
    service.kill()
    service = machine.serve()
    until_all_had_it(machine, "川から離れて", everybody)
    eventually(
        lambda: machine.ask_database("SELECT state FROM unknown_sends") == [("done",)],
        "LINE's word on the narrowcast",
        on=machine.changes,
        within_seconds=60,
    )
    unknown = shown(machine, delivery)["unknown"]
    assert unknown["way"] == "narrowcast"  # type: ignore[index]
    assert unknown["sent"] == FRIENDS - IMPORTED  # type: ignore[index]

    # LINE's list brings in the rest, and then an order needs no second way.
    fetched = json.loads(
        machine.todoke("residents", "fetch-followers", "--profiles-per-second", "0", "--json")
    )
    assert (fetched["new"], fetched["known"]) == (FRIENDS - IMPORTED, IMPORTED)
    assert int(machine.todoke("residents", "count", "--topic", "weather")) == FRIENDS
    order(machine, "屋根の上へ")
    until_all_had_it(machine, "屋根の上へ", everybody)


def test_an_account_that_may_not_list_its_friends_is_told_in_one_line(machine: Machine) -> None:
    machine.stand.ask("PUT", "faults", {"spec": "unverified=on"})
    done = machine.run("residents", "fetch-followers")
    assert done.code != 0
    assert done.err.count("\n") == 1
    assert "neither verified nor premium" in done.err
    refused = machine.run(
        *("alert", "send", "--topic", "evacuation", "--level", "4", "--drill", "--yes"),
        *("--text", "ja=訓練です", "--to-unknown"),
    )
    assert refused.code != 0
    assert "unknown_friends" in refused.err
