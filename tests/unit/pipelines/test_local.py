"""The embedded platform's word about disks: before a run starts, and while it goes on."""

import shutil
from types import SimpleNamespace

import pytest

from components.common.errors import UserError
from pipelines import local


def with_free_space(monkeypatch, gigabytes):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=int(gigabytes * 2**30)))


@pytest.mark.parametrize(("gigabytes", "refused"), [(0, True), (3.9, True), (4, False), (100, False)])
def test_a_run_starts_only_where_there_is_space_for_it(monkeypatch, tmp_path, gigabytes, refused):
    with_free_space(monkeypatch, gigabytes)
    if not refused:
        return local.check_disk(tmp_path, "set PSYCHE_HOME")
    with pytest.raises(UserError, match=rf"{tmp_path} has {gigabytes:.1f} GB free and a run needs 4: free some space or set PSYCHE_HOME."):
        local.check_disk(tmp_path, "set PSYCHE_HOME")


@pytest.mark.parametrize(("gigabytes", "ended"), [(0, True), (0.1, True), (0.3, False)])
def test_a_disk_that_fills_up_ends_the_run_with_the_fix(monkeypatch, tmp_path, gigabytes, ended):
    with_free_space(monkeypatch, gigabytes)
    if not ended:
        return local.check_space_left(tmp_path)
    with pytest.raises(UserError, match="is full: free some space, then run the same command again to continue"):
        local.check_space_left(tmp_path)
