"""The city's speech program: whatever it does, the service goes on, and no shell reads the text."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from alerts import speech
from alerts.speech import Speech
from core.errors import BadInput, Refusal
from core.settings import speech_command

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


def program(folder: Path, source: str) -> str:
    """Return a program that a test wrote."""
    path = folder / "speech.py"
    path.write_text(f"import os, sys, time\n{source}\n", "utf-8")
    return str(path)


async def test_the_program_gets_the_text_and_its_file_is_the_sound(tmp_path: Path) -> None:
    path = program(
        tmp_path,
        "text = sys.stdin.buffer.read()\n"
        f"open(sys.argv[2], 'wb').write({WAV!r} + sys.argv[1].encode() + text)",
    )
    speaks = Speech((sys.executable, path, "{language}", "{out}"))
    text = "避難せよ。$(touch /tmp/no) `id`; \" '"
    assert await speaks.wav(text, "ja-x-easy") == WAV + b"ja" + text.encode()


async def test_sound_is_read_from_standard_output_without_a_file(tmp_path: Path) -> None:
    path = program(tmp_path, f"sys.stdout.buffer.write({WAV!r} + sys.stdin.buffer.read())")
    assert await Speech((sys.executable, path)).wav("a", "en") == WAV + b"a"


async def test_the_program_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKE_SECRET_KEY", "secret")
    path = program(tmp_path, f"sys.stdout.buffer.write({WAV!r} + repr(os.environ).encode())")
    assert b"TODOKE" not in await Speech((sys.executable, path)).wav("a", "en")


async def test_a_program_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    path = program(
        tmp_path,
        "import signal, subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(marks)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "signal.pause()",
    )
    with pytest.raises(Refusal, match="in time"):
        await Speech((sys.executable, path), patience=2).wav("a", "en")
    for pid in map(int, marks.read_text().split()):
        state = Path(f"/proc/{pid}/stat")
        assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sys.exit(3)", "failed"),
        ("os.abort()", "failed"),
        ("print('no sound')", "no WAV"),
        ("pass", "no WAV"),
    ],
)
async def test_a_program_that_fails_is_a_refusal(tmp_path: Path, source: str, said: str) -> None:
    path = program(tmp_path, source)
    with pytest.raises(Refusal, match=said):
        await Speech((sys.executable, path)).wav("a" * 100_000, "en")
    with pytest.raises(Refusal, match=r"no WAV|failed"):
        await Speech((sys.executable, path, "{out}")).wav("a", "en")


async def test_a_program_that_talks_without_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "MOST_SOUND", 1_000_000)
    path = program(tmp_path, f"while True: sys.stdout.buffer.write({WAV!r} * 4000)")
    with pytest.raises(Refusal):
        await Speech((sys.executable, path), patience=5).wav("a", "en")


async def test_a_program_that_is_gone_is_a_refusal() -> None:
    with pytest.raises(Refusal, match="failed"):
        await Speech(("/nowhere/speech",)).wav("a", "en")
    with pytest.raises(Refusal, match="No speech program"):
        await Speech(()).wav("a", "en")


def test_the_setting_is_read_like_a_command_and_checked() -> None:
    read = speech_command({"TODOKE_SPEECH_COMMAND": f"{sys.executable} -c 'a b' {{out}}"})
    assert read == (sys.executable, "-c", "a b", "{out}")
    assert speech_command({}) == ()
    for wrong in ("'open", "no-such-program-at-all -w {out}"):
        with pytest.raises(BadInput, match="TODOKE_SPEECH_COMMAND"):
            speech_command({"TODOKE_SPEECH_COMMAND": wrong})
    assert os.path.sep in sys.executable
