"""A Label Studio server for human review: started here, or any other by its URL and token.

Label Studio is no dependency of the pipeline (it needs an environment of its own): `pip install label-studio`.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import UserError

PROJECT = "psyche review"
READY_SECONDS = 300.0
HTTP_SECONDS = 120.0


@dataclass(frozen=True)
class Server:
    """A Label Studio server and a token of it."""

    url: str
    token: str

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Returns the JSON answer of an API call.

        Raises:
            UserError: The server is down or refuses.
        """
        import requests

        try:
            response = requests.request(
                method, self.url + path, headers={"Authorization": f"Token {self.token}"}, timeout=HTTP_SECONDS, **body
            )
            response.raise_for_status()
            return response.json()
        except (requests.RequestException, ValueError) as error:
            raise UserError(f"Label Studio at {self.url} refused {method} {path} ({error}): check its URL and the token.") from error

    def project(self, config: str) -> int:
        """Returns the id of the review project, making it if need be."""
        for project in self.call("GET", "/api/projects?page_size=1000")["results"]:
            if project["title"] == PROJECT:
                return int(project["id"])
        # Two reviewers per item; pre-annotations are shown, so that a reviewer confirms or corrects them.
        settings = {"title": PROJECT, "label_config": config, "maximum_annotations": 2, "show_collab_predictions": True}
        return int(self.call("POST", "/api/projects", json=settings)["id"])

    def load(self, folder: Path) -> int:
        """Loads what `export_tasks` wrote into the review project, if it holds no tasks yet; returns the project's id."""
        project = self.project((folder / "config.xml").read_text(encoding="utf-8"))
        if not self.call("GET", f"/api/projects/{project}")["task_number"]:
            self.call("POST", f"/api/projects/{project}/import", json=json.loads((folder / "tasks.json").read_text(encoding="utf-8")))
        return project

    def invitation(self) -> str:
        """Returns the address at which further reviewers sign up."""
        return self.url + str(self.call("GET", "/api/invite")["invite_url"])

    def download(self, target: Path) -> None:
        """Saves the JSON export of the review project, unfinished items included."""
        projects = [p["id"] for p in self.call("GET", "/api/projects?page_size=1000")["results"] if p["title"] == PROJECT]
        if not projects:
            raise UserError(f"Label Studio at {self.url} has no project {PROJECT!r}: load one with `psyche review serve`.")
        data = self.call("GET", f"/api/projects/{projects[0]}/export?exportType=JSON&download_all_tasks=true")
        target.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


@contextmanager
def serve(folder: Path, port: int, user: str, password: str, token: str, command: str = "label-studio") -> Iterator[Server]:
    """Runs a server with the tasks in `folder`, where it also keeps its database; it ends with the block.

    Args:
        folder: Where `export_tasks` wrote to.
        port: Where the server listens, on this machine only.
        user: E-mail address of the first reviewer; further ones sign up at the server's page.
        password: The first reviewer's password.
        token: API token of the first reviewer (40 hexadecimal digits).
        command: The label-studio executable.

    Raises:
        UserError: There are no tasks, it is not installed, or does not get ready.
    """
    if not (folder / "tasks.json").is_file():
        raise UserError(f"{folder} holds no tasks.json: write it with `psyche review export`.")
    if shutil.which(command) is None:
        raise UserError(f"{command!r} is not installed: `pip install label-studio` in an environment of its own, and name its executable.")
    arguments = ["start", "--no-browser", "--data-dir", str(folder / "label-studio"), "--internal-host", "127.0.0.1", "--port", str(port)]
    arguments += ["--username", user, "--password", password, "--user-token", token, "--enable-legacy-api-token"]
    with (folder / "label-studio.log").open("ab") as log:
        process = subprocess.Popen([command, *arguments], stdout=log, stderr=log)
    server = Server(f"http://127.0.0.1:{port}", token)
    try:
        _wait(server, process, folder / "label-studio.log")
        server.load(folder)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import requests

    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{server.url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(1)
    raise UserError(f"Label Studio did not get ready on {server.url}: see {log}.")
