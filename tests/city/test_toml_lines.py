"""The lines of a TOML document's values, in every way TOML can write them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from city.toml_lines import KeyPath, key_lines, line_of

DOCUMENT = (
    """# a comment = "not a key"
title = "a # b"    # 2
"quoted \\u00e9 key" = 'it"""
    + """'
dotted.inner."deep key" = 1979-05-27 07:32:00

[table.sub]  # 6
long = \"\"\"
fake = 1
[nor.a.table]
\"\"\"\"
after = '''
x = [''' # 12
list = [ # 13
  "one", # 14
  { a = 1, b = [true, 2.5e3] },

  -inf, # 17
]
[[items]] # 19
code = 'a'
[items.extra]
x = 0x1F
[[items.rules]]
y = 07:00:00
[[items]] # 25
code = "b"
[[items.rules]]
y = 1
[[items.rules]]
y = 2 # 30
"""
)


def test_every_form_of_key_is_found_on_its_line() -> None:
    text = DOCUMENT.replace("'it'", "'it'", 1)
    tomllib.loads(text)
    lines = key_lines(text)
    expected: dict[KeyPath, int] = {
        ("title",): 2,
        ("quoted é key",): 3,
        ("dotted", "inner", "deep key"): 4,
        ("table", "sub"): 6,
        ("table", "sub", "long"): 7,
        ("table", "sub", "after"): 11,
        ("table", "sub", "list"): 13,
        ("table", "sub", "list", 0): 14,
        ("table", "sub", "list", 1, "b", 1): 15,
        ("table", "sub", "list", 2): 17,
        ("items", 0): 19,
        ("items", 0, "extra", "x"): 22,
        ("items", 0, "rules", 0, "y"): 24,
        ("items", 1, "code"): 26,
        ("items", 1, "rules", 1, "y"): 30,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert not any("fake" in path or "nor" in path for path in lines)


def test_what_the_document_lacks_is_placed_at_the_nearest_table() -> None:
    lines = key_lines("[jma]\n\n[[topics]]\ncode = 'a'\n")
    assert line_of(lines, ("topics", 0, "names")) == 3
    assert line_of(lines, ("city",)) == 1


def test_windows_line_ends() -> None:
    assert key_lines("a = 1\r\nb = 2\r\n") == {("a",): 1, ("b",): 2}


@settings(deadline=None)
@given(
    st.recursive(
        st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
        ),
        max_leaves=12,
    )
)
def test_any_value_is_walked_to_its_end(value: object) -> None:
    text = f"first = {_written(value)}\nlast = 1\n"
    document = tomllib.loads(text)
    assert set(key_lines(text)) == set(_paths(document, ()))


def test_the_sample_city_is_walked_to_its_end() -> None:
    text = (Path(__file__).parents[2] / "deploy/city/city.toml").read_text("utf-8")
    assert set(key_lines(text)) == set(_paths(tomllib.loads(text), ()))


def _written(value: object) -> str:
    """Write a value as TOML does, escaping all that is not plain ASCII."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        plain = (c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in value)
        return '"' + "".join(plain) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_written(inner) for inner in value) + "]"
    assert isinstance(value, dict)
    pairs = (f"{_written(key)} = {_written(inner)}" for key, inner in value.items())
    return "{" + ", ".join(pairs) + "}"


def _paths(value: object, path: KeyPath) -> list[KeyPath]:
    found: list[KeyPath] = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += _paths(inner, (*path, position))
    return found
