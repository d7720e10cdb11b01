"""The city's one IT person: installs, checks, starts, kills, backs up and restores it."""

from __future__ import annotations

import csv
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli.commands import app
from tests.support.machine import Machine, Running, served
from tests.support.phone import say
from tests.support.watching import eventually, fetch

DELIVERY_KEYS = {
    *("id", "channel", "state", "recipients", "sent", "failed", "skipped", "batches"),
    *("first_sent_at", "last_sent_at", "duration_s"),
}
EXPLAINED_KEYS = {
    *("topic", "kind", "kind_code", "level", "intensity", "status", "areas", "drill"),
    *("reported_at", "event_id", "title", "text"),
}
PHOTO = "street-light-near"
RESIDENTS = 20_000
RATE = "20"
"""Requests a second that the service allows itself here, so that a kill comes in between."""
NEWS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>市からのお知らせ</title><link>{base}/</link>
<item><title>道路工事に伴う通行止めのお知らせ</title><link>{base}/news/1.html</link>
<guid>{base}/news/1.html</guid><pubDate>Mon, 15 Jun 2026 09:00:00 +0900</pubDate>
<description>県道の一部区間が通行止めになります。</description></item>
</channel></rss>
"""
QUIET = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>随時</title><id>urn:quiet</id>
<updated>2026-06-15T09:00:00+09:00</updated></feed>
"""


@pytest.fixture(scope="module")
def sources() -> Iterator[str]:
    """A web server with what the sources publish: one article, and silence."""
    files: dict[str, bytes] = {}
    with served(files) as address:
        files["city-news.xml"] = NEWS.format(base=address).encode()
        for code in ("jma-extra", "jma-eqvol"):
            files[f"{code}.xml"] = QUIET.encode()
        yield address


@pytest.fixture
def machine(tmp_path: Path, sources: str) -> Iterator[Machine]:
    """A machine with SQLite, set up; its folder has a space in its name."""
    made = Machine(tmp_path / "a machine", settings={"TODOKE_LINE_RATE_MULTICAST": RATE})
    made.copy_city(sources)
    yield made
    made.end()


@pytest.fixture
def postgresql_machine(
    tmp_path: Path, sources: str, new_postgresql_url: Callable[[], str]
) -> Iterator[Machine]:
    """The same with PostgreSQL."""
    made = Machine(
        tmp_path / "a machine",
        database_url=new_postgresql_url(),
        settings={"TODOKE_LINE_RATE_MULTICAST": RATE},
    )
    made.copy_city(sources)
    yield made
    made.end()


def send_alert(machine: Machine) -> int:
    printed = machine.todoke(
        *("alert", "send", "--topic", "evacuation", "--level", "4", "--real", "--yes", "--json"),
        *("--text", "ja=高台に逃げてください。", "--text", "en=Go to high ground."),
    )
    return int(json.loads(printed)["id"])


def shown(machine: Machine, delivery: int) -> dict[str, object]:
    found = json.loads(machine.todoke("deliveries", "show", str(delivery), "--json"))
    assert isinstance(found, dict)
    return found


def until_half_sent(machine: Machine) -> None:
    """Wait until some of the delivery has left, and not all."""
    eventually(
        lambda: machine.stand.ask("GET", "ledger/summary?brief=1")["requests"] >= 8,
        "the first batches",
        on=machine.changes,
        within_seconds=40,
    )


def until_done(machine: Machine, delivery: int, within_seconds: float) -> dict[str, object]:
    eventually(
        lambda: machine.is_done(delivery),
        f"delivery {delivery} done",
        on=machine.changes,
        within_seconds=within_seconds,
    )
    return shown(machine, delivery)


def audience(machine: Machine) -> int:
    """How many an evacuation order concerns: every synthetic resident."""
    counted = json.loads(machine.todoke("residents", "count", "--topic", "evacuation", "--json"))
    number = counted["count"]
    assert number == RESIDENTS
    assert number == sum(counted["by_language"].values())
    return int(number)


def nobody_missed_nobody_twice(machine: Machine, state: dict[str, object], all_of: int) -> None:
    """By the simulator's ledger, not by our own records."""
    assert set(state) == DELIVERY_KEYS
    assert state["sent"] == state["recipients"] == all_of
    assert state["failed"] == state["skipped"] == 0
    assert machine.stand.times_reached() == {1: all_of}


def test_a_power_cut_in_the_middle_of_a_delivery_misses_and_doubles_nobody(
    machine: Machine,
) -> None:
    assert "revision" in machine.todoke("db", "upgrade")
    assert machine.todoke("check").strip() == "No faults."
    machine.todoke("residents", "generate", str(RESIDENTS), "--seed", "7")
    concerned = audience(machine)
    machine.start_line("--faults", "latency=30ms..120ms,seed=3")
    service = machine.serve()

    delivery = send_alert(machine)
    until_half_sent(machine)
    service.kill()
    reached = sum(machine.stand.times_reached().values())
    assert 0 < reached < concerned

    machine.serve()
    state = until_done(machine, delivery, within_seconds=45)
    nobody_missed_nobody_twice(machine, state, concerned)
    most = machine.stand.ask("GET", "stats?seconds=1")["multicast"]["maxInWindow"]
    assert most <= int(RATE)


def test_a_token_that_line_refuses_costs_nothing_but_the_time_until_it_is_right(
    machine: Machine,
) -> None:
    machine.todoke("db", "upgrade")
    machine.todoke("residents", "generate", "900")
    machine.start_line()
    expired = {"TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "expired"}
    service = machine.start("serve", "--port", str(machine.service_port), changes=expired)
    machine.until_answers(service, f"{machine.url}/readyz")
    delivery = send_alert(machine)
    stopped = 'todoke_channel_stopped{channel="line"} 1.0'
    eventually(
        lambda: stopped in fetch(f"{machine.url}/metrics")[1],
        "the channel to stop",
        on=machine.changes,
    )
    waiting = shown(machine, delivery)
    assert (waiting["state"], waiting["sent"], waiting["failed"]) == ("sending", 0, 0)
    assert not machine.stand.times_reached()
    service.stop()

    machine.serve()
    state = until_done(machine, delivery, within_seconds=45)
    assert state["sent"] == state["recipients"]
    assert machine.stand.times_reached() == {1: state["sent"]}
    assert stopped not in fetch(f"{machine.url}/metrics")[1]


def test_a_dead_workers_batches_are_finished_by_another_within_half_a_minute(
    postgresql_machine: Machine,
) -> None:
    machine = postgresql_machine
    machine.todoke("db", "upgrade")
    machine.todoke("residents", "generate", str(RESIDENTS), "--seed", "7")
    machine.start_line("--faults", "latency=30ms..120ms,seed=3")
    workers = [machine.start("worker") for _ in range(2)]
    schedulers = [machine.start("scheduler") for _ in range(2)]
    machine.serve("--web-only")

    # Somebody follows: the web stores it, a worker answers.
    user = machine.stand.add_user("はなこ", "ja")
    machine.stand.act(user, "follow")
    eventually(
        lambda: machine.stand.chat_texts(user),
        "the greeting",
        on=machine.changes,
        within_seconds=30,
    )
    machine.stand.act(user, "block")
    assert leading(machine, schedulers) == 1

    machine.stand.ask("POST", "reset", {})
    delivery = send_alert(machine)
    until_half_sent(machine)
    workers[0].kill()
    killed_at = time.monotonic()
    state = until_done(machine, delivery, within_seconds=40)
    assert time.monotonic() - killed_at < 30
    nobody_missed_nobody_twice(machine, state, audience(machine))


def leading(machine: Machine, schedulers: list[Running]) -> int:
    """How many say that they lead, once one does."""

    def say_so() -> int:
        return sum('"event": "leader.elected"' in scheduler.words for scheduler in schedulers)

    return eventually(say_so, "a scheduler that leads", on=[machine.folder], within_seconds=40)


def test_a_city_with_mistakes_is_refused_with_file_and_line(machine: Machine) -> None:
    machine.todoke("db", "upgrade")
    written = machine.city / "city.toml"
    lines = written.read_text("utf-8").splitlines()
    wrong = {
        "digest_hour = 18": "digest_hour = 25",
        'municipality = "0822000"              # 茨城県つくば市': 'municipality = "82"',
        "deliveries = 400": "deliverys = 400",
    }
    expected = []
    for right, mistake in wrong.items():
        number = lines.index(right)
        lines[number] = mistake
        expected.append(f"{written}:{number + 1}: ")
    written.write_text("\n".join(lines), "utf-8")
    shelters = machine.city / "shelters.csv"
    rows = shelters.read_text("utf-8-sig").splitlines()
    rows[2] = rows[2].replace("36.", "96.", 1)
    shelters.write_text("\n".join(rows), "utf-8")
    expected.append(f"{shelters}:3: ")

    done = machine.run("check")
    assert done.code == 1
    for place in expected:
        assert place in done.out, f"{place} is not in:\n{done.out}"
    as_json = json.loads(machine.run("check", "--json").out)
    assert as_json["ok"] is False
    assert len(as_json["faults"]) >= len(expected)

    refused = machine.run("serve", "--port", str(machine.service_port), timeout=30)
    assert refused.code == 2
    assert "Traceback" not in refused.err
    assert str(written) in refused.err


def test_a_backup_taken_while_it_runs_is_restored_elsewhere(
    machine: Machine, tmp_path: Path, sources: str
) -> None:
    machine.todoke("db", "upgrade")
    machine.todoke("residents", "generate", "1200")
    machine.start_line()
    machine.serve()
    delivery = send_alert(machine)
    kept = until_done(machine, delivery, within_seconds=30)
    somebody = machine.stand.carried()[0]["userIds"][0]
    got_it = machine.todoke("deliveries", "reached", str(delivery), somebody)
    assert got_it.startswith("Yes: LINE took it at 20")
    stranger = machine.todoke("deliveries", "reached", str(delivery), "999999", "--json")
    assert json.loads(stranger)["reached"] is False
    archive = machine.folder / "backup.tar.gz"
    machine.todoke("backup", str(archive))
    assert archive.stat().st_size > 0

    other = Machine(tmp_path / "another machine")
    other.copy_city(sources)
    other.todoke("restore", str(archive))
    assert shown(other, delivery) == kept
    assert other.todoke("residents", "count") == machine.todoke("residents", "count")

    # An existing state is not overwritten by mistake, or by half an archive.
    broken = other.folder / "broken"
    broken.write_bytes(archive.read_bytes()[:-200])
    again, forced, spoilt, after = other.run_many(
        [
            (("restore", str(archive)), {}),
            (("restore", "--force", str(archive)), {}),
            (("restore", "--force", str(broken)), {}),
            (("deliveries", "show", str(delivery), "--json"), {}),
        ]
    )
    assert (again.code, forced.code, spoilt.code) == (2, 0, 2)
    for refused in (again, spoilt):
        assert len(refused.err.strip().splitlines()) == 1
        assert "Traceback" not in refused.err
    assert json.loads(after.out) == kept


def test_sources_are_polled_listed_and_explained_from_the_shell(
    machine: Machine, sources: str
) -> None:
    machine.todoke("db", "upgrade")
    polled = json.loads(machine.todoke("feeds", "poll", "city-news", "--json"))
    assert [(row["source"], row["outcome"]) for row in polled] == [("city-news", "first")]
    listed = {row["code"]: row for row in json.loads(machine.todoke("feeds", "list", "--json"))}
    assert listed["city-news"]["failures"] == 0
    assert listed["city-news"]["last_succeeded_at"]
    assert listed["jma-extra"]["last_succeeded_at"] is None
    assert "city-news" in machine.todoke("feeds", "list")

    article = machine.folder / "news.rdf"
    article.write_text(NEWS.format(base=sources), "utf-8")
    explained = json.loads(machine.todoke("feeds", "explain", str(article), "--json"))
    assert [set(notice) for notice in explained] == [EXPLAINED_KEYS]
    assert explained[0]["topic"] == "roadworks"
    assert "通行止め" in explained[0]["text"]["my"]


def test_a_formula_in_a_report_stays_text_in_the_export(machine: Machine) -> None:
    formula = '=HYPERLINK("http://evil.example","見る")'
    machine.todoke("db", "upgrade")
    machine.start_line()
    machine.serve()
    stand = machine.stand
    user = stand.add_user("みち", "ja")
    stand.act(user, "follow")
    eventually(lambda: stand.chat_texts(user), "the greeting", on=[stand.url])

    def tell(act: str, answer: str, **wish: object) -> None:
        stand.act(user, act, **wish)
        eventually(
            lambda: any(answer in text for text in stand.chat_texts(user)), answer, on=[stand.url]
        )

    tell("photo", say("ja", "What is broken?"), ready=PHOTO)
    chat = stand.ask("GET", f"users/{user}")["chat"]
    draft = json.dumps(chat, ensure_ascii=False).rpartition("&d=")[2].partition('"')[0]
    draft = draft.partition("&")[0]
    from_far = "Now a photo from farther away, so that the place can be found. You can skip it."
    tell("postback", say("ja", from_far), data=f"do=r-kind&d={draft}&to=pothole")
    where = "Where is it? Send the location, or write an address or a place nearby."
    tell("postback", say("ja", where), data=f"do=r-no-far&d={draft}")
    more = say("ja", "Is there anything to add? Write it, or skip.")
    tell("location", more, latitude=36.0835, longitude=140.0764)
    tell("text", say("ja", "Is this right?"), text=formula)
    tell("postback", "-000001", data=f"do=r-send&d={draft}")

    listed = json.loads(machine.todoke("reports", "list", "--json"))
    assert [report["description"] for report in listed] == [formula]
    written = machine.todoke("reports", "export", "--format", "csv")
    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"))))
    cells = [cell for cell in rows[1] if "HYPERLINK" in cell]
    assert cells
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    features = json.loads(machine.todoke("reports", "export", "--format", "geojson"))["features"]
    assert [feature["geometry"]["coordinates"] for feature in features] == [[140.0764, 36.0835]]


def test_a_new_colleague_signs_in_with_the_password_from_the_shell(machine: Machine) -> None:
    machine.todoke("db", "upgrade")
    add = ("staff", "add", "kenta@city.example", "--role", "roads")
    assert machine.run(*add, stdin=b"correct horse battery\n").code == 0
    again = machine.run(*add, stdin=b"correct horse battery\n")
    assert again.code == 2
    assert "already has an account" in again.err
    short = machine.run("staff", "add", "b@city.example", "--role", "roads", stdin=b"short\n")
    assert short.code == 2
    assert "at least" in short.err
    assert len(machine.todoke("staff", "reset", "kenta@city.example").strip()) >= 12
    unknown = machine.run("staff", "reset", "nobody@city.example")
    assert (unknown.code, unknown.out) == (2, "")
    assert "no such account" in unknown.err


def test_bad_input_is_one_clear_line_and_no_traceback(machine: Machine) -> None:
    machine.todoke("db", "upgrade")
    broken = machine.folder / "broken.xml"
    broken.write_text("<Report>", "utf-8")
    alert = ("alert", "send", "--topic", "evacuation", "--level", "3", "--yes")
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    wrong: list[tuple[tuple[str, ...], dict[str, str | None]]] = [
        (("serve",), {"TODOKE_LINE_CHANNEL_SECRET": None}),
        (("serve", "--web-only"), {}),
        (("worker",), {}),
        (("scheduler",), {}),
        (("serve",), {"TODOKE_DATABASE_URL": "mysql://nowhere"}),
        (("serve",), {"TODOKE_DATABASE_URL": "sqlite:////proc/nowhere.sqlite3"}),
        (("serve",), {"TODOKE_CITY": "/proc/nowhere"}),
        (("serve", "--port", "99999"), {}),
        (("serve", "--port", port), {}),
        (("serve", "--host", "203.0.113.7"), {}),
        (("simulator", "--port", port), {}),
        (("demo", "--port", port), {}),
        (("db", "upgrade"), {"TODOKE_DATABASE_URL": "sqlite:////proc/nowhere/at/all.sqlite3"}),
        (("db", "upgrade"), {"TODOKE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}),
        (("residents", "generate", "0"), {}),
        (("residents", "generate", "many"), {}),
        (("residents", "count", "--topic", "ufo"), {}),
        (("residents", "count", "--area", "atlantis"), {}),
        (("residents", "count", "--language", "xx"), {}),
        (("residents", "count"), {"TODOKE_DATABASE_URL": "sqlite:///empty.sqlite3"}),
        (("feeds", "poll", "nowhere"), {}),
        (("feeds", "explain", "missing.xml"), {}),
        (("feeds", "explain", str(broken)), {}),
        (("feeds", "explain", str(broken), "--municipality", "12"), {}),
        (("feeds", "mail", "nowhere"), {}),
        ((*alert, "--text", "ja=逃げて"), {}),
        ((*alert, "--real", "--text", "en=Run"), {}),
        ((*alert, "--real", "--text", "ja=【訓練】です"), {}),
        ((*alert, "--real", "--text", "逃げて"), {}),
        ((*alert, "--real", "--area", "atlantis", "--text", "ja=逃げて"), {}),
        (("deliveries", "show", "4711", "--json"), {}),
        (("deliveries", "show", "4711", "--follow"), {}),
        (("deliveries", "reached", "4711", "1"), {}),
        (("deliveries", "list", "--limit", "0"), {}),
        (("reports", "list", "--status", "lost"), {}),
        (("reports", "export", "--format", "xls"), {}),
        (("staff", "add", "nobody", "--role", "admin"), {}),
        (("staff", "add", "a@city.example", "--role", "king"), {}),
        (("simulator", "--faults", "rain=9"), {}),
        (("simulator", "--map", "missing.geojson"), {}),
        (("backup", "/proc/nowhere/at/all"), {}),
        (("restore", "missing.tar.gz"), {}),
        (("restore", str(broken)), {}),
    ]
    with taken:
        ended = machine.run_many(wrong)
    objections = []
    for (arguments, changes), done in zip(wrong, ended, strict=True):
        said = [line for line in done.err.splitlines() if line.strip()]
        usage = [line for line in said if line.startswith(("Usage:", "Try "))]
        if done.code == 0 or "Traceback" in done.err or len(said) - len(usage) != 1:
            objections.append(f"{arguments} {changes}: exit code {done.code}\n{done.err[-1500:]}")
    assert not objections, "\n".join(objections)


def test_two_demos_in_one_folder_do_not_wipe_each_other(machine: Machine) -> None:
    first = machine.start("demo", "--port", "0", "--simulator-port", "0")
    eventually(
        lambda: "Stop with" in first.words, "the first demo", on=[machine.folder], within_seconds=60
    )
    second = machine.run("demo", "--port", "0", "--simulator-port", "0")
    assert second.code == 2
    assert len(second.err.strip().splitlines()) == 1
    assert "runs in this folder already" in second.err
    assert first.stop() == 0


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    found = list(commands(typer.main.get_command(app)))
    assert {("demo",), ("serve",), ("alert", "send"), ("feeds", "explain")} <= set(found)
    for path in found:
        answer = runner.invoke(app, [*path, "--help"])
        assert answer.exit_code == 0, path
        assert len(answer.output.splitlines()) > 3, path


def help_of_todoke(code: str) -> str:
    """Run a Python of its own, as a shell does; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_help_loads_nothing_that_it_does_not_need() -> None:
    said = help_of_todoke(
        "import contextlib, io, sys, todoke\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    todoke.main(['--help'])\n"
        "print(*sys.modules)"
    )
    heavy = {"fastapi", "aiohttp", "sqlalchemy", "linebot", "lxml", "jinja2", "pydantic", "PIL"}
    assert "app.cli.commands" in said.split()
    assert heavy.isdisjoint(said.split())


@pytest.mark.timed
def test_help_comes_at_once() -> None:
    def seconds() -> float:
        began = time.monotonic()
        help_of_todoke("import todoke; todoke.main(['--help'])")
        return time.monotonic() - began

    assert min(seconds() for _ in range(5)) < 0.8  # 0.4 s on a machine that does nothing else
