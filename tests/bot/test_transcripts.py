"""Conversations that people can read (``transcripts/*.txt``), held with a running service.

``>`` is what the resident writes, ``<`` is in the answer, ``!`` is a button of the answer, by its
label, its data or its address.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chats import aboard
from tests.support.town import Town, actions_in, words_in

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.slow
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_conversation_goes_as_written(town: Town, path: Path) -> None:
    said = []
    user = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        sign, _, rest = line.partition(" ")
        match sign:
            case "language:":
                user = await aboard(town, rest)
            case ">":
                said = await town.says(user, rest)
                assert said, f"{path.name}:{number} has no answer"
            case "<":
                assert rest in words_in(said), f"{path.name}:{number}: {words_in(said)}"
            case "!":
                known = [str(value) for action in actions_in(said) for value in action.values()]
                assert any(rest in value for value in known), f"{path.name}:{number}: {known}"
