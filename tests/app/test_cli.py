"""The command line: one clear line for each mistake, JSON for programs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlmodel import col, select
from typer.main import get_command

from app.cli import main
from app.cli.commands import app
from app.schema import upgrade_now
from channels.models import Delivery
from city.folder import load_city
from console.encryption import Encryption
from console.models import Role, Staff
from core.audit import AuditEntry
from core.clock import SystemClock
from core.clock_marks import ClockMark, this_boot
from core.database import Database
from response.models import RecordEntry
from subscriptions.models import Arrival, Resident
from tests.support.commands import run_command as run

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a database without anything in it, for commands that change nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty')}/todoke.sqlite3"
    upgrade_now(url)
    return url


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: str) -> None:
    """The sample city and the empty database."""
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE))
    monkeypatch.setenv("TODOKE_DATABASE_URL", empty)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch, environment: None, database_url: str) -> None:
    """A database of its own, once on each kind."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nope", "No such command 'nope'; see 'todoke --help'."),
        ("residents count --level 9", "--level"),
        ("residents count --level 9", "see 'todoke residents count --help'."),
        ("residents count --topic rain", "There is no topic 'rain'"),
        ("residents count --area atlantis", "There is no district 'atlantis'"),
        ("residents count --language xx", "There is no language 'xx'"),
        ("residents generate 0", "greater than or equal to 1"),
        ("residents generate many", "valid integer"),
        ("reports generate 0", "greater than or equal to 1"),
        ("deliveries show 4711", "There is no delivery 4711."),
        ("deliveries show -- -1", "There is no delivery -1."),
        ("reports export", "Missing option '--format'. Choose from: csv, geojson, gpkg;"),
        ("reports export --format xml", "'xml'"),
        ("reports list --status lost", "There is no state 'lost'"),
        ("alert send --topic weather --level 3 --text ja=A --yes", "--drill or --real"),
        ("alert send --topic weather --level 3 --text A --drill --yes", "LANG=TEXT"),
        ("alert send --topic rain --level 3 --text ja=A --drill --yes", "no topic 'rain'"),
        ("alert send --topic weather --level 3 --text en=A --drill --yes", "Japanese"),
        ("staff add somebody --role admin", "not an e-mail address"),
        ("staff add a@city.example.jp --role king", "There is no role 'king'"),
        ("feeds poll nowhere", "There is no source 'nowhere'"),
        ("feeds explain nowhere.xml", "nowhere.xml"),
        ("feeds explain {city}/shelters.csv --json", ""),
        ("restore nowhere.tar", "nowhere.tar"),
        ("restore {city}/shelters.csv --force", "not a whole backup"),
        ("simulator --faults nope=1%", "there is no fault 'nope'"),
        ("simulator --faults latency=soon", "'soon'"),
        ("serve", "TODOKE_LINE_CHANNEL_SECRET is not set."),
        ("worker", "TODOKE_LINE_CHANNEL_SECRET is not set."),
        ("scheduler --fast", "No such option: --fast;"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    said: str,
) -> None:
    monkeypatch.delenv("TODOKE_LINE_CHANNEL_SECRET", raising=False)
    words = [word.replace("{city}", str(SAMPLE)) for word in arguments.split()]
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("todoke: ")
    assert err.endswith((".\n", "?\n"))
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.slow
@pytest.mark.usefixtures("upgraded")
def test_a_seed_that_was_used_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    added = run(capsys, "residents", "generate", "20", "--seed", "3")
    assert added == (0, "20 residents added.\n", "")
    code, _, err = run(capsys, "residents", "generate", "20", "--seed", "3")
    assert code == 2
    assert err == "todoke: Residents of seed 3 are there already; please choose another seed.\n"
    assert run(capsys, "residents", "count") == (0, "20\n", "")
    added = run(capsys, "reports", "generate", "10", "--seed", "3", "--photos", "2")
    assert added == (0, "10 reports added.\n", "")
    code, _, err = run(capsys, "reports", "generate", "10", "--seed", "3")
    assert code == 2
    assert err == "todoke: Reports of seed 3 are there already; please choose another seed.\n"


@pytest.mark.usefixtures("upgraded")
@pytest.mark.parametrize(
    "arguments",
    [
        "residents count --topic weather --area chuo --language my --level 3",
        "deliveries list",
        "reports list",
        "feeds list",
        "check",
    ],
)
def test_what_a_program_reads_is_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    for name in ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "SECRET_KEY"):
        monkeypatch.setenv(f"TODOKE_{name}", "s" * 32)
    code, out, err = run(capsys, *arguments.split(), "--json")
    assert (code, err) == (0, "")
    json.loads(out)


def test_check_names_every_fault_of_folder_and_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "a city"
    shutil.copytree(SAMPLE, folder)
    toml = folder / "city.toml"
    good = toml.read_text()
    webhook = '[[sources]]\ncode = "fire"\nkind = "webhook"\nsecret_setting = "FIRE_SECRET"\n'
    toml.write_text(f'{good}\n{webhook}names = {{ ja = "消防" }}\ntopic = "fire"\n')
    monkeypatch.setenv("TODOKE_CITY", str(folder))
    for name in ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "SECRET_KEY"):
        monkeypatch.setenv(f"TODOKE_{name}", "s" * 32)
    code, out, _ = run(capsys, "check", "--json")
    found = json.loads(out)
    assert (code, found["ok"], found["faults"]) == (0, True, [])
    assert [warning for warning in found["warnings"] if "FIRE_SECRET" in warning]

    toml.write_text(good.replace('topic = "', 'topic = "x', 1))
    monkeypatch.setenv("TODOKE_LINE_RATE_PUSH", "fast")
    monkeypatch.delenv("TODOKE_SECRET_KEY")
    code, out, _ = run(capsys, "check")
    line = good[: good.index('topic = "')].count("\n") + 1
    faults = out.splitlines()
    assert code == 1
    assert faults[0].startswith(f"{toml}:{line}: there is no topic ")
    assert faults[1].startswith("environment: TODOKE_LINE_RATE_PUSH ")
    assert faults[2:] == ["environment: TODOKE_SECRET_KEY is not set.", "3 fault(s)."]


def test_check_names_words_of_the_city_that_the_conversation_cannot_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "city"
    shutil.copytree(SAMPLE, folder)
    (folder / "words").mkdir(exist_ok=True)
    for language, words in {
        "ja": '[intents]\ncollection-day = [""]\n',
        "en": '[intents]\nrubbish-tip = ["the tip"]\n',
        "vi": '[intents]\ncollection-day = ["rác"]\n',
    }.items():
        (folder / "words" / f"{language}.toml").write_text(words)
    monkeypatch.setenv("TODOKE_CITY", str(folder))
    for name in ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "SECRET_KEY"):
        monkeypatch.setenv(f"TODOKE_{name}", "s" * 32)
    code, out, _ = run(capsys, "check", "--json")
    faults = json.loads(out)["faults"]
    assert code == 1
    assert len(faults) == 2, faults
    assert f"{folder}/words/en.toml:2: intents.rubbish-tip is not a list we know." in faults[0]
    assert faults[1].startswith(f"{folder}/words/ja.toml:2: ")
    assert all(fault.endswith("Left out: the file.") for fault in faults)


def test_invented_residents_beside_the_real_line_are_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/own.sqlite3"
    upgrade_now(url)
    monkeypatch.setenv("TODOKE_DATABASE_URL", url)
    monkeypatch.setenv("TODOKE_LINE_CHANNEL_ACCESS_TOKEN", "t")
    code, _, err = run(capsys, "residents", "generate", "2", "--seed", "1")
    assert code == 0
    assert err.startswith("todoke: warning: these residents are invented")
    monkeypatch.setenv("TODOKE_LINE_API_URL", "http://127.0.0.1:8001")
    assert run(capsys, "residents", "generate", "2", "--seed", "2")[2] == ""


def test_an_export_without_a_report_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "reports", "export", "--format", "geojson")
    assert json.loads(out) == {"type": "FeatureCollection", "features": []}
    assert out.endswith("}\n")
    _, out, _ = run(capsys, "reports", "export", "--format", "csv")
    assert len(out.splitlines()) == 1


def test_somebody_who_does_not_confirm_sends_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", _no)
    words = [
        "alert",
        "send",
        "--topic",
        "weather",
        "--level",
        "3",
        "--text",
        "ja=逃げて",
        "--drill",
    ]
    code, _, err = run(capsys, *words)
    assert (code, err) == (1, "todoke: Aborted.\n")
    assert json.loads(run(capsys, "deliveries", "list", "--json")[1]) == []


@pytest.mark.usefixtures("upgraded")
def test_districts_get_several_levels_in_one_alert_from_the_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(capsys, "residents", "generate", "200", "--seed", "3")
    a, b = (load_city(SAMPLE).districts[place].code for place in (0, 1))
    order = ("alert", "send", "--topic", "evacuation", "--level", "4", "--text", "ja=逃げて")
    where = ("--area", f"{a}=5", "--area", b)
    code, out, err = run(capsys, *order, *where, "--drill", "--yes", "--json")
    assert code == 0, err
    said = json.loads(out)
    assert [(part["level"], part["areas"]) for part in said["parts"]] == [(5, [a]), (4, [b])]
    assert sum(part["recipients"] for part in said["parts"]) == said["recipients"]
    assert "levels" in {one["code"] for one in said["warnings"]}
    assert f"5: {a}; 4: {b}" in err
    for wrong in (f"{a}=6", f"{a}=", f"{a}=x"):
        code, out, err = run(capsys, *order, "--area", wrong, "--drill", "--yes")
        assert (code, out) == (2, "") and "CODE=LEVEL" in err


@pytest.mark.slow
@pytest.mark.usefixtures("upgraded")
def test_an_alert_is_corrected_and_lifted_from_the_shell_through_the_same_door(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(capsys, "residents", "generate", "200", "--seed", "3")
    a, c = (load_city(SAMPLE).districts[place].code for place in (0, 2))

    def said(*words: str) -> dict[str, Any]:
        code, out, err = run(capsys, "alert", *words, "--real", "--yes", "--json")
        assert code == 0, err
        return dict(json.loads(out))

    def refused(*words: str) -> str:
        code, out, err = run(capsys, "alert", *words, "--yes")
        assert (code, out) == (2, ""), err
        return err

    order = said("send", "--topic", "evacuation", "--level", "4", "--area", a, "--text", "ja=A")
    first = str(order["id"])
    assert order["recipients"] > 0
    assert "--drill or --real" in refused("lift", first)
    assert "was real" in refused("lift", first, "--drill")
    assert "--withdraw" in refused("correct", first, "--real")
    assert "no delivery 99" in refused("lift", "99", "--real")
    assert "1 to 5" in refused("correct", first, "--level", "0", "--text", "ja=B", "--real")
    # It also says that it warns more people, and needs two.
    _, _, err = run(
        capsys, "alert", "correct", first, "--real", "--area", c, "--text", "ja=B", "--yes"
    )
    assert "A colleague has to confirm this alert" in err
    corrected = "2"
    err = refused("lift", first, "--real")
    assert "Delivery 2 (corrected" in err
    lifted = said("lift", corrected)
    [part] = lifted["parts"]
    assert part["wording"] == "main"
    assert (part["recipients"], sum(part["by_language"].values())) == (
        lifted["recipients"],
        lifted["recipients"],
    )
    assert "解除" in part["texts"]["ja"]["title"]
    assert "over already" in refused("lift", str(lifted["id"]), "--real")
    assert "over already" in refused("correct", str(lifted["id"]), "--withdraw", "--real")


@pytest.mark.parametrize("same_machine", [True, False], ids=["the service's", "another's"])
@pytest.mark.usefixtures("upgraded")
def test_an_alert_is_dated_as_the_service_dates_it_when_the_clock_has_stepped_back(
    capsys: pytest.CaptureFixture[str], database_url: str, same_machine: bool
) -> None:
    """By the machine's clock it would count as two hours old, and expire too early."""
    machine = SystemClock()
    goes_by = machine.now() + timedelta(hours=2)
    mark = ClockMark(
        boot=this_boot() if same_machine else "another", at=goes_by, elapsed=machine.monotonic()
    )

    async def dates() -> list[datetime]:
        database = Database(database_url)
        async with database.reading() as session:
            rows = list(await session.scalars(select(Delivery.created_at)))
        await database.close()
        return rows

    async def keep() -> None:
        database = Database(database_url)
        async with database.writing() as session:
            session.add(mark)
        await database.close()

    run(capsys, "residents", "generate", "5", "--seed", "3")
    asyncio.run(keep())
    words = ["alert", "send", "--topic", "evacuation", "--level", "3", "--text", "ja=A", "--drill"]
    code, _, err = run(capsys, *words, "--yes")
    if same_machine:
        assert code == 0, err
        (dated,) = asyncio.run(dates())
        assert abs(dated - goes_by) < timedelta(minutes=1)
    else:
        assert code == 2
        assert "please set the clock right, or start the service" in err
        assert err.splitlines()[-1].startswith("todoke: The machine's clock says ")
        assert asyncio.run(dates()) == []


@pytest.mark.usefixtures("upgraded")
def test_residents_are_taken_in_by_the_service_s_time_when_the_clock_has_stepped_back(
    capsys: pytest.CaptureFixture[str], database_url: str, tmp_path: Path
) -> None:
    """By the machine's clock, a leave an hour ago would seem to be after the list."""
    machine = SystemClock()
    goes_by = machine.now() + timedelta(hours=2)

    async def keep() -> None:
        database = Database(database_url)
        async with database.writing() as session:
            session.add(ClockMark(boot=this_boot(), at=goes_by, elapsed=machine.monotonic()))
        await database.close()

    async def dates() -> list[datetime | None]:
        database = Database(database_url)
        async with database.reading() as session:
            followed = list(await session.scalars(select(Resident.followed_at)))
            arrival = (await session.scalars(select(Arrival))).one()
            undone = await session.scalar(
                select(AuditEntry.at).where(col(AuditEntry.action) == "residents.undone")
            )
        await database.close()
        return [*followed, arrival.started_at, arrival.ended_at, undone]

    asyncio.run(keep())
    file = tmp_path / "friends.csv"
    file.write_text(f"user_id\nU{1:032x}\nU{2:032x}\n", "utf-8")
    assert run(capsys, "residents", "import", str(file))[0] == 0
    taken_in = asyncio.run(dates())
    assert run(capsys, "residents", "import", "--undo", "1")[0] == 0
    undone = asyncio.run(dates())
    assert (len(taken_in), taken_in[-1], len(undone)) == (5, None, 3)
    for moment in (*taken_in[:-1], *undone):
        assert moment is not None
        assert abs(moment - goes_by) < timedelta(minutes=2)


def _no(question: str, *, abort: bool) -> None:
    assert "DRILL, weather, level 3, the whole city: 0 residents" in question
    raise typer.Abort


@pytest.mark.slow
def test_every_command_says_what_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    paths: list[list[str]] = [[]]
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        paths.append([name])
        paths += [[name, inner] for inner in getattr(command, "commands", {})]
    assert len(paths) > 20
    for path in paths:
        code, out, err = run(capsys, *path, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: {' '.join(['todoke', *path])} ")
        assert "..." not in out.partition("Commands:")[2], f"{path}: a summary is cut off"
        options = out.partition("Options:")[2]
        assert "<str" not in options, f"{path}: an option does not say what it takes"
        assert "<int" not in options, f"{path}: an option does not say what it takes"


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"todoke {version('todoke')}\n", "")


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for path in ([], ["feeds"], ["staff"]):
        code, out, err = run(capsys, *path)
        assert (code, out) == (2, "")
        assert err.startswith("Usage: todoke")
        assert "Commands:" in err


@pytest.mark.usefixtures("upgraded")
def test_a_changed_secret_key_is_found_and_what_it_encrypted_is_encrypted_anew(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN"):
        monkeypatch.setenv(f"TODOKE_{name}", "s" * 32)
    monkeypatch.setenv("TODOKE_SECRET_KEY", "the first key of this installation")

    async def with_codes() -> None:
        database = Database(os.environ["TODOKE_DATABASE_URL"])
        keys = Encryption("the first key of this installation")
        async with database.writing() as session:
            session.add(
                Staff(
                    id=1,
                    email="duty@city.example",
                    roles=(Role.DISASTER,),
                    password_hash="x",
                    totp_secret=keys.encrypt(1, "JBSWY3DPEHPK3PXP"),
                    created_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
            )
        await database.close()

    asyncio.run(with_codes())
    said = "the one-time codes of duty@city.example were set up with another key"

    def faults() -> list[str]:
        code, out, _ = run(capsys, "check", "--json")
        found: list[str] = json.loads(out)["faults"]
        assert code == (1 if found else 0)
        return found

    assert faults() == []
    monkeypatch.setenv("TODOKE_SECRET_KEY", "the second key of this installation")
    assert [said in fault for fault in faults()] == [True]
    code, out, _ = run(capsys, "staff", "rekey")
    assert (code, "duty@city.example: encrypted with another key." in out) == (1, True)
    monkeypatch.setenv("TODOKE_SECRET_KEY_OLD", "a third, the first key of this installation")
    assert faults() == []
    assert run(capsys, "staff", "rekey")[:2] == (0, "1 keys of one-time codes encrypted anew.\n")
    monkeypatch.delenv("TODOKE_SECRET_KEY_OLD")
    assert faults() == []
    assert run(capsys, "staff", "rekey")[:2] == (0, "0 keys of one-time codes encrypted anew.\n")


def test_a_shelter_is_opened_from_the_shell(
    capsys: pytest.CaptureFixture[str], upgraded: None
) -> None:
    code, out, _ = run(
        capsys, "shelters", "set", "0001", "--state", "open", "--heads", "7", "--offers", "pets"
    )
    assert (code, out) == (0, "山の辺小学校: open\n")
    listed = json.loads(run(capsys, "shelters", "list", "--json")[1])
    first, second = listed[:2]
    assert (first["id"], first["state"], first["heads"], first["offers"]) == (
        *("0001", "open", 7),
        ["pets"],
    )
    assert first["changed_by"].startswith("shell:")
    assert second["state"] is None
    assert "open" in run(capsys, "shelters", "list")[1]
    assert json.loads(run(capsys, "shelters", "list", "--drill", "--json")[1])[0]["state"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("9999", "--state", "open"), "There is no evacuation site '9999'"),
        (("0001", "--state", "ajar"), "open, full, closed"),
        (("0001", "--state", "open", "--offers", "sauna"), "'sauna' is none of step-free"),
        (("0001", "--state", "open", "--heads", "-1"), "between 0 and"),
    ],
)
def test_a_wrong_state_of_a_shelter_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], upgraded: None, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, "shelters", "set", *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_disaster_mode_is_switched_from_the_shell(
    capsys: pytest.CaptureFixture[str], upgraded: None
) -> None:
    district = load_city(SAMPLE).districts[0].code
    on = ("disaster", "on", "--area", district, "--drill", "--yes")
    assert run(capsys, *on) == (0, f"Disaster mode is on for {district}, as a drill.\n", "")
    shown = json.loads(run(capsys, "disaster", "show", "--json")[1])
    assert [(one["drill"], one["areas"]) for one in shown] == [(True, [district])]
    counted = json.loads(run(capsys, "disaster", "counts", "--drill", "--json")[1])
    assert counted == {"areas": [], "shelters": [], "needs": [], "check_ins": []}
    code, _, err = run(capsys, "disaster", "off", "--real", "--yes")
    assert (code, err) == (2, "todoke: What is on is a drill.\n")
    assert run(capsys, "disaster", "off", "--drill", "--yes")[0] == 0
    assert run(capsys, "disaster", "show")[1] == "Disaster mode is not on.\n"


async def test_what_is_done_from_the_shell_is_in_the_running_record(
    upgraded: None, database_url: str
) -> None:
    """In a process of its own, which imports what the command needs and no more."""
    switch = [sys.executable, "-m", "app.cli", "disaster", "on", "--real", "--yes"]
    await asyncio.to_thread(subprocess.run, switch, check=True, capture_output=True)
    database = Database(database_url)
    async with database.reading() as session:
        [line] = await session.scalars(select(RecordEntry))
    await database.close()
    assert (line.code, line.drill) == ("disaster_mode.begun", False)
    assert line.actor.startswith("shell:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("on", "--yes"), "Say --drill or --real."),
        (("off", "--drill", "--yes"), "Disaster mode is not on."),
        (("on", "--area", "x", "--real", "--yes"), "'x' is not a district of this city."),
    ],
)
def test_a_wrong_switch_of_disaster_mode_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], upgraded: None, arguments: tuple[str, ...], said: str
) -> None:
    assert run(capsys, "disaster", *arguments) == (2, "", f"todoke: {said}\n")


def test_posters_are_written_for_the_sites_that_are_wanted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "posters.html"
    wanted = ("--shelter", "0001", "--shelter", "0003")
    code, out, _ = run(capsys, "shelters", "posters", str(file), *wanted)
    assert (code, out) == (0, f"2 posters in {file}.\n")
    assert file.read_text("utf-8").count("<svg") == 2
    code, _, err = run(capsys, "shelters", "posters", str(file), "--shelter", "x")
    assert (code, len(err.splitlines())) == (2, 1)


def test_plain_files_are_written_from_the_shell(
    upgraded: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plain-files", "write", str(tmp_path / "plain"), "--json"])
    said = json.loads(capsys.readouterr().out)
    files = [path for path in (tmp_path / "plain").rglob("*") if path.is_file()]
    assert said == {"directory": str(tmp_path / "plain"), "files": len(files)}
    assert all(path.stat().st_size < 30_000 for path in files)
    taken = tmp_path / "a file"
    taken.write_text("")
    with pytest.raises(SystemExit) as ended:
        main(["plain-files", "write", str(taken)])
    assert ended.value.code == 2
