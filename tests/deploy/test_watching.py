"""Prometheus' rules speak of metrics that the service has, with labels that they have."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from tests.support.project import PROJECT
from todoke import PACKAGES

WATCHING = PROJECT / "deploy" / "watching"
RULES = WATCHING / "todoke-alerts.yml"
NAME = re.compile(r"\btodoke_\w+")
OF_PROMETHEUS = frozenset({"instance", "job", "le"})


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@pytest.fixture(scope="module")
def metrics() -> dict[str, frozenset[str]]:
    """Each sample's name with its labels, from the code that defines it."""
    for name in PACKAGES:
        for file in (PROJECT / name).rglob("*.py"):
            if "prometheus_client" in file.read_text("utf-8"):
                parts = file.relative_to(PROJECT).with_suffix("").parts
                importlib.import_module(".".join(parts).removesuffix(".__init__"))
    found: dict[str, frozenset[str]] = {}
    for collector, names in REGISTRY._collector_to_names.items():
        labels = frozenset(getattr(collector, "_labelnames", ()))
        found.update(dict.fromkeys(names, labels))
    assert len([name for name in found if name.startswith("todoke_")]) > 20
    return found


def test_every_metric_of_a_rule_exists(metrics: dict[str, frozenset[str]]) -> None:
    named = [name for rule in rules() for name in NAME.findall(rule["expr"])]
    assert len(named) > 10
    assert [name for name in named if name not in metrics] == []


def test_every_label_of_a_rule_is_one_of_its_metric(metrics: dict[str, frozenset[str]]) -> None:
    for rule in rules():
        names = NAME.findall(rule["expr"])
        labels = OF_PROMETHEUS.union(*(metrics[name] for name in names))
        chosen = set(re.findall(r"(\w+)=~?\"", rule["expr"]))
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert chosen | shown <= labels, rule["alert"]


def test_every_rule_says_how_urgent_it_is_and_what_it_means() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "look")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_prometheus_reads_the_rules(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for file in WATCHING.iterdir():
        text = file.read_text("utf-8").replace("/etc/prometheus/", f"{tmp_path}/")
        (tmp_path / file.name).write_text(text, "utf-8")
    (tmp_path / "todoke-token").touch()
    checked = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
