"""A checkpoint is complete or absent, on a local store; the S3 store has the same functions below it."""

import pytest

from components.common.training.checkpoints import complete_steps, fetch_newest, prune_checkpoints, upload_checkpoint


@pytest.fixture
def saved(tmp_path):
    directory = tmp_path / "checkpoint"
    (directory / "global_step").mkdir(parents=True)
    (directory / "model.bin").write_bytes(b"weights")
    (directory / "global_step" / "shard0").write_bytes(b"state")
    return directory


def test_absent_store_has_no_checkpoint(tmp_path):
    assert complete_steps(str(tmp_path / "nothing")) == []
    assert fetch_newest(str(tmp_path / "nothing"), tmp_path) is None


def test_checkpoint_without_marker_is_not_there(saved, tmp_path):
    uri = str(tmp_path / "store")
    upload_checkpoint(saved, uri, step=2, node=0, nodes=1)
    upload_checkpoint(saved, uri, step=4, node=0, nodes=1)
    (tmp_path / "store" / "checkpoint-4" / "complete-0-of-1.json").unlink()  # killed before its last write
    assert complete_steps(uri) == [2]
    assert fetch_newest(uri, tmp_path / "local").name == "checkpoint-2"


def test_marker_is_written_last(saved, tmp_path, monkeypatch):
    from components.common.training import checkpoints

    monkeypatch.setattr(checkpoints, "upload_dir", lambda *_: (_ for _ in ()).throw(OSError("store gone")))
    with pytest.raises(OSError, match="store gone"):
        upload_checkpoint(saved, str(tmp_path / "store"), step=2, node=0, nodes=1)
    assert complete_steps(str(tmp_path / "store")) == []


def test_every_node_must_have_finished(saved, tmp_path):
    uri = str(tmp_path / "store")
    upload_checkpoint(saved, uri, step=2, node=0, nodes=2)
    assert complete_steps(uri) == []
    upload_checkpoint(saved, uri, step=2, node=1, nodes=2)
    assert complete_steps(uri) == [2]


def test_newest_is_by_number_not_by_name(saved, tmp_path):
    uri = str(tmp_path / "store")
    for step in (9, 10, 100):
        upload_checkpoint(saved, uri, step, node=0, nodes=1)
    fetched = fetch_newest(uri, tmp_path / "local")
    assert fetched.name == "checkpoint-100"
    assert (fetched / "global_step" / "shard0").read_bytes() == b"state"


def test_pruning_keeps_the_newest_and_the_one_still_being_written(saved, tmp_path):
    uri = str(tmp_path / "store")
    for step in (2, 4, 6):
        upload_checkpoint(saved, uri, step, node=0, nodes=1)
    for unfinished in (3, 8):
        (tmp_path / "store" / f"checkpoint-{unfinished}").mkdir()
        (tmp_path / "store" / f"checkpoint-{unfinished}" / "model.bin").write_bytes(b"")
    prune_checkpoints(uri, keep=2)
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == ["checkpoint-4", "checkpoint-6", "checkpoint-8"]
