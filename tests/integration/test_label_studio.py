"""Human review against a real Label Studio server (PSYCHE_LABEL_STUDIO names its executable)."""

import json
import os
import re
import shutil

import pytest
import requests

from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.processes import free_port
from components.common.records import Question
from components.control.label_studio import serve
from components.control.review import export_tasks, import_decisions
from tests.unit.control.questions import question

COMMAND = os.environ.get("PSYCHE_LABEL_STUDIO") or shutil.which("label-studio")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
ACCOUNT = ("one@example.org", "password-of-one")


def sign_up(url: str, email: str) -> requests.Session:
    """Signs a second reviewer up as a person would, and returns the logged-in session."""
    session = requests.Session()
    page = session.get(url, timeout=60)
    csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    form = {
        "csrfmiddlewaretoken": csrf,
        "email": email,
        "password": "password-of-two",
        "how_find_us": "Other",
        "allow_newsletters": "false",
    }
    session.post(url, data=form, headers={"Referer": url}, timeout=60).raise_for_status()
    session.headers["X-CSRFToken"] = session.cookies["csrftoken"]
    session.headers["Referer"] = url
    return session


def choice(name: str) -> dict:
    return {"result": [{"from_name": "decision", "to_name": "stem", "type": "choices", "value": {"choices": [name]}}]}


def test_without_label_studio_the_command_says_what_to_install(tmp_path):
    (tmp_path / "tasks.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="pip install label-studio"), serve(tmp_path, 1, *ACCOUNT, TOKEN, command="no-such-label-studio"):
        pass


@pytest.mark.minutes
@pytest.mark.skipif(not COMMAND, reason="Label Studio is not installed (PSYCHE_LABEL_STUDIO)")
def test_two_reviewers_judge_and_their_decisions_come_back(tmp_path):
    writer = DatasetWriter(tmp_path / "controlled", Question, "control")
    items = [question(f"Question {n}?") for n in range(3)]
    for item in items:
        writer.add(item)
    writer.close({})
    assert export_tasks(tmp_path / "controlled", tmp_path) == 3
    with serve(tmp_path, free_port(), *ACCOUNT, TOKEN, command=COMMAND) as server:
        project = server.load(tmp_path)  # a second load adds nothing
        tasks = server.call("GET", f"/api/tasks?project={project}&page_size=10")["tasks"]
        assert {t["data"]["id"] for t in tasks} == {i.id for i in items}
        second = sign_up(server.invitation(), "two@example.org")
        for task, verdicts in zip(tasks, [("keep", "keep"), ("reject", "reject"), ("keep", "reject")], strict=True):
            server.call("POST", f"/api/tasks/{task['id']}/annotations/", json=choice(verdicts[0]))
            second.post(f"{server.url}/api/tasks/{task['id']}/annotations/", json=choice(verdicts[1]), timeout=60).raise_for_status()
        server.download(tmp_path / "export.json")
    agreement = import_decisions(tmp_path / "export.json", tmp_path / "decisions.jsonl")
    assert (agreement.items, agreement.reviewers, agreement.doubly_judged) == (3, 2, 3)
    # observed 2/3; by chance 2/3 * 1/3 + 1/3 * 2/3 = 4/9
    assert agreement.kappa == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))
    decisions = {d["id"]: d["decision"] for d in map(json.loads, (tmp_path / "decisions.jsonl").read_text().splitlines())}
    assert [decisions[t["data"]["id"]] for t in tasks] == ["keep", "reject", "reject"]
