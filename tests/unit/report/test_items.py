"""The error browser's items: joined over models, packed to fit."""

import base64
import gzip
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.dataset import DatasetWriter, read_records
from components.common.scores import RawReply, Sample
from components.report.items import LONGEST_TEXTS, pack_items, read_items
from tests.report_run import write_results


def unpack(packed):
    return json.loads(gzip.decompress(base64.b64decode(packed.data)))


def item(i, text="x", **outcomes):
    models = {m: {"outcome": o, "reasoning": text, "final": text, "letters": "A"} for m, o in outcomes.items()}
    return {"id": str(i), "prompt": text, "key": "A", "models": models}


def test_items_hold_what_each_model_said(tmp_path):
    results = write_results(tmp_path, items=10)
    items = read_items(results)
    assert len(items) == 18
    assert all(list(i["models"]) == ["base", "sft", "final"] for i in items)
    sample = next(read_records(results["final"], Sample))
    reply = items[0]["models"]["final"]
    assert (reply["outcome"], reply["letters"], reply["reasoning"]) == (sample.strict, sample.letters, sample.reasoning)
    safety = next(i for i in items if i["suite"] == "safety")
    assert safety["models"]["final"]["outcome"] == safety["models"]["final"]["scores"]["passed"]


def test_reply_cut_while_thinking_shows_its_raw_text(tmp_path):
    replies = [RawReply(text="<think>never closed", finish_reason="length")]
    writer = DatasetWriter(tmp_path, Sample, "evaluation-base")
    writer.add(Sample(id="1", suite="pceb", kind="single", language="en", prompt="?", key="A", replies=replies, strict=0.0, truncated=1.0))
    writer.close({})
    reply = read_items({"base": str(tmp_path)})[0]["models"]["base"]
    assert reply["final"] == "<think>never closed"
    assert reply["truncated"] is True


def test_models_with_other_items_stay_apart(tmp_path):
    for model, ids in (("base", "12"), ("final", "23")):
        writer = DatasetWriter(tmp_path / model, Sample, "evaluation")
        for i in ids:
            writer.add(Sample(id=i, suite="s", kind="case", language="en", prompt="?", replies=[RawReply(text=i)]))
        writer.close({})
    items = read_items({m: str(tmp_path / m) for m in ("base", "final")})
    assert [(i["id"], list(i["models"])) for i in items] == [("1", ["base"]), ("2", ["base", "final"]), ("3", ["final"])]


def test_all_is_kept_where_there_is_room():
    items = [item(1, "a" * 5000, base=0.0, final=1.0)]
    packed = pack_items(items, 1_000_000)
    assert unpack(packed) == items
    assert (packed.cut, packed.shown, packed.total) == (0, 1, 1)


def test_right_replies_are_cut_first(tmp_path):
    noise = "".join(chr(0x4E00 + (i * 7919) % 20000) for i in range(9000))
    packed = pack_items([item(1, noise, base=0.0, final=1.0)], 20_000)
    models = unpack(packed)[0]["models"]
    assert len(packed.data) <= 20_000
    assert len(models["base"]["final"]) > len(models["final"]["final"])
    assert packed.cut > 0
    assert models["base"]["final"].endswith("[...]")


def test_items_that_all_got_right_are_left_out_first():
    items = [item(i, str(i) * 90, base=1.0, final=float(i % 4 > 0)) for i in range(400)]
    packed = pack_items(items, 3000)
    kept = unpack(packed)
    assert len(packed.data) <= 3000
    assert packed.shown == len(kept) < packed.total == 400
    assert all(i["models"]["final"]["outcome"] == 0 for i in kept[:50])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=12), st.integers(min_value=400, max_value=5000))
def test_packing_survives_any_text(texts, room):
    items = [item(i, text, base=0.0) for i, text in enumerate(texts)]
    packed = pack_items(items, room)
    assert len(packed.data) <= room or packed.longest == LONGEST_TEXTS[-1]
    assert [i["id"] for i in unpack(packed)] == [str(i) for i in range(packed.shown)]


def test_same_items_same_bytes(tmp_path):
    items = [item(1, "a", base=0.0)]
    assert pack_items(items, 9999).data == pack_items(items, 9999).data
