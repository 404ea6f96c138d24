"""What no test may leave behind for the next one."""

import functools
import inspect
import os
import sys

import pytest

for name in [name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "all_proxy"}]:
    del os.environ[name]  # every server of the tests is on this machine, whatever proxy its user has


@pytest.fixture(autouse=True)
def _own_mlflow_and_environment():
    """Gives every test the environment it was started with, and an mlflow that remembers no server of the test before.

    `mlflow.set_experiment` writes MLFLOW_EXPERIMENT_ID into os.environ and keeps it in a global: with the database of the
    next test that id does not exist.
    """
    environment = dict(os.environ)
    yield
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    if "mlflow.tracking.fluent" in sys.modules:
        import mlflow

        while mlflow.active_run() is not None:
            mlflow.end_run()
        mlflow.tracking.fluent._active_experiment_id = None
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)


@pytest.fixture
def stack_without_source(monkeypatch):
    """Makes `inspect.stack` leave out the source lines: kfp calls it at every setting of a task to learn one name, and
    under pytest, with all that other tests have imported, looking up the lines of every frame takes most of a compilation.
    """
    monkeypatch.setattr(inspect, "stack", functools.partial(inspect.stack, 0))
