"""The command line: one clear line for what is wrong, JSON that a program can read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import structlog
import typer
from typer.main import get_command

from bot.cli import main
from bot.cli.commands import app
from bot.schema import upgrade_now

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a database without anything in it, for commands that change nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty')}/todoke.sqlite3"
    upgrade_now(url)
    return url


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: str) -> Iterator[None]:
    """The sample city and the empty database; afterwards, logs as they were."""
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE))
    monkeypatch.setenv("TODOKE_DATABASE_URL", empty)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))
    logs = structlog.get_config()
    yield
    structlog.configure(**logs)


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch, environment: None, database_url: str) -> None:
    """A database of its own, once on each kind."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command; its exit code, and what it wrote on either stream."""
    code = 0
    try:
        main(arguments)
    except SystemExit as left:
        assert isinstance(left.code, int)
        code = left.code
    written = capsys.readouterr()
    return code, written.out, written.err


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
        ("deliveries show 4711", "There is no delivery 4711."),
        ("deliveries show -- -1", "There is no delivery -1."),
        ("reports export", "Missing option '--format'. Choose from: csv, geojson;"),
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


@pytest.mark.usefixtures("upgraded")
def test_a_seed_that_was_used_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    added = run(capsys, "residents", "generate", "20", "--seed", "3")
    assert added == (0, "20 residents added.\n", "")
    code, _, err = run(capsys, "residents", "generate", "20", "--seed", "3")
    assert code == 2
    assert err == "todoke: Residents of seed 3 are there already; please choose another seed.\n"
    assert run(capsys, "residents", "count") == (0, "20\n", "")


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
    words = ["alert", "send", "--topic", "weather", "--level", "3", "--text", "ja=A", "--drill"]
    code, _, err = run(capsys, *words)
    assert (code, err) == (1, "todoke: Aborted.\n")
    assert json.loads(run(capsys, "deliveries", "list", "--json")[1]) == []


def _no(question: str, *, abort: bool) -> None:
    assert "DRILL, weather, level 3, the whole city: 0 residents" in question
    raise typer.Abort


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
