"""Alerts and dashboard: every alert has its runbook, every query reads metrics that vLLM or the guard export."""

import json
import re
from pathlib import Path

from tests.manifests.kustomize import target

DOCS = Path(__file__).parents[2]
GUARD = (DOCS / "components" / "guard").rglob("*.py")


def alerts():
    rule = next(m for m in target("components/monitoring") if m["kind"] == "PrometheusRule")
    return [r for g in rule["spec"]["groups"] for r in g["rules"]]


def panels():
    config = next(m for m in target("components/monitoring") if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "psyche-dashboard")
    return json.loads(config["data"]["psyche.json"])["panels"]


def test_every_alert_has_its_section_in_the_guide():
    for alert in alerts():
        page, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert f"\n### {alert['alert']}\n" in (DOCS / page).read_text(encoding="utf-8"), alert["alert"]
        assert anchor == alert["alert"].lower()


def test_the_guards_metrics_are_those_it_exports():
    exported = set(re.findall(r"\"(psyche_guard_\w+)\"", "\n".join(p.read_text(encoding="utf-8") for p in GUARD)))
    queries = [a["expr"] for a in alerts()] + [t["expr"] for p in panels() for t in p["targets"]]
    used = {name for q in queries for name in re.findall(r"psyche_guard_\w+", q)}
    assert used
    assert {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in used} <= exported


def test_the_model_counts_as_down_by_the_pods_with_a_guard():
    (expr,) = (a["expr"] for a in alerts() if a["alert"] == "PsycheModelDown")
    down, now = expr.split("unless")
    assert all("and on (pod)" in side and 'container="transformer-container"' in side for side in (down, now))
    assert "absent(" not in expr, "fires before the first deployment"


def test_panels_have_ids_of_their_own_and_queries():
    assert len({p["id"] for p in panels()}) == len(panels())
    assert all(t["expr"] for p in panels() for t in p["targets"])
