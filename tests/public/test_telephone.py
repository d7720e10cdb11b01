"""What residents hear who call: the newest, short, true; a drill as a drill."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from feeds.models import Status
from tests.support.office import Office
from tests.support.told_notices import ORDER, news, order


async def heard(office: Office, language: str = "ja") -> list[str]:
    page = await (await office.browser()).get(f"/feeds/telephone.txt?lang={language}")
    assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
    return page.body.split("\n")


async def test_a_danger_comes_before_the_news_and_is_said_once(office: Office) -> None:
    await office.store(news(office, "library"), order(office))
    lines = await heard(office)
    assert lines[0].startswith("こちらは、つくば市です。6月15日（月）午後0時0")
    call = lines.index("緊急放送、緊急放送、警戒レベル４、避難指示。")
    assert call < lines.index("libraryのお知らせ。")
    assert sum("あふれるおそれ" in line for line in lines) == 1
    assert lines[-1] == "以上です。"
    english = await heard(office, "en")
    assert "Everybody in a dangerous place: leave now." in english


async def test_without_a_danger_it_says_so_and_an_end_is_told(office: Office) -> None:
    assert "発表中の警報" in (await heard(office))[1]
    over = {"ja": {"title": "避難指示を解除しました", "text": "危険はなくなりました。"}}
    await office.store(
        order(office), order(office, "o", status=Status.LIFTED, level=0, replaces_id=1, texts=over)
    )
    lines = await heard(office)
    assert "避難指示を解除しました。" in lines and not any("緊急" in line for line in lines)


async def test_promise_5_a_drill_is_between_two_sentences_that_say_so(office: Office) -> None:
    await office.store(order(office, drill=True))
    lines = await heard(office)
    drill = [n for n, line in enumerate(lines) if line == "これは訓練です。"]
    said = next(n for n, line in enumerate(lines) if "避難指示を発令しました" in line)
    assert drill[0] < said < drill[-1] == len(lines) - 2
    assert "避難せよ" not in "".join(lines)


async def test_the_sound_is_made_once_for_the_same_words(office: Office, tmp_path: Path) -> None:
    browser = await office.browser()
    assert (await browser.get("/feeds/telephone.wav")).status == 404
    runs = tmp_path / "runs"
    program = tmp_path / "speech.py"
    program.write_text(
        f"import sys; open({str(runs)!r}, 'a').write('x')\n"
        "sys.stdout.buffer.write(b'RIFF\\x24\\0\\0\\0WAVE' + sys.stdin.buffer.read())"
    )
    command = (sys.executable, str(program))
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, speech_command=command)
    )
    for _ in range(3):
        async with browser.http.get(f"{office.url}/feeds/telephone.wav?lang=ja") as answer:
            assert answer.content_type == "audio/wav"
            sound = await answer.read()
    assert "つくば市です".encode() in sound
    assert runs.read_text() == "x"
    await office.store(order(office, texts=ORDER))
    async with browser.http.get(f"{office.url}/feeds/telephone.wav?lang=ja") as answer:
        assert "避難せよ".encode() in await answer.read()


async def test_a_program_that_fails_is_not_started_by_each_call(
    office: Office, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    program = tmp_path / "speech.py"
    program.write_text(f"import sys; open({str(runs)!r}, 'a').write('x'); sys.exit(1)")
    command = (sys.executable, str(program))
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, speech_command=command)
    )
    browser = await office.browser()
    for _ in range(3):
        assert (await browser.get("/feeds/telephone.wav?lang=ja")).status == 503
    assert runs.read_text() == "x"
    office.clock.ahead += timedelta(minutes=2)
    assert (await browser.get("/feeds/telephone.wav?lang=ja")).status == 503
    assert runs.read_text() == "xx"
