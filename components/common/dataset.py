"""Dataset artifacts: a directory of Parquet shards that `datasets.load_dataset(directory)` opens.

Layout: `data/*.parquet` (the records), `rejected/*.parquet` (what was left out, with reasons), `stats.json`, and
`README.md` with `plots/` (a data card in the style of the Hugging Face hub, whose header names the two configurations).
Shards are written beside their place and renamed, so a killed stage leaves no half-written shard.
"""

import json
import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from components.common.cards import Profile, write_card
from components.common.errors import UserError
from components.common.records import Rejected

R = TypeVar("R", bound=BaseModel)
SHARD_ROWS = 20_000
GROUP_ROWS = 1000  # of a shard's row groups: what is in memory at a time


def arrow_type(annotation: Any) -> Any:
    """Returns the pyarrow type of a field annotation of a record.

    Written out, not inferred from values, so that an empty list or an empty shard has the same schema as a full one.
    """
    import pyarrow as pa

    origin = typing.get_origin(annotation)
    if origin is list:
        return pa.list_(arrow_type(typing.get_args(annotation)[0]))
    if origin is typing.Literal:
        return pa.string()
    if origin in (typing.Union, types.UnionType):
        return arrow_type(next(a for a in typing.get_args(annotation) if a is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct([(k, arrow_type(f.annotation)) for k, f in annotation.model_fields.items()])
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[annotation]


def arrow_schema(model: type[BaseModel]) -> Any:
    """Returns the pyarrow schema of a record type."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(field.annotation)) for name, field in model.model_fields.items()])


class ShardWriter:
    """Appends records of one type to numbered Parquet shards; memory holds one row group at most."""

    def __init__(self, directory: Path, model: type[BaseModel]) -> None:
        self.directory, self.model, self.count = directory, model, 0
        self._rows: list[dict[str, Any]] = []
        self._shards = 0
        self._file: Any = None  # the pyarrow writer of the shard that is being filled
        directory.mkdir(parents=True, exist_ok=True)
        for stale in directory.glob("*"):  # a killed attempt's shards would be counted twice
            stale.unlink()

    def add(self, record: BaseModel) -> None:
        """Appends one record."""
        self._rows.append(record.model_dump())
        self.count += 1
        if len(self._rows) >= GROUP_ROWS:
            self._write_group()
        if self.count % SHARD_ROWS == 0:
            self._finish_shard()

    def _path(self) -> Path:
        return self.directory / f"{self._shards:05d}.parquet"

    def _write_group(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = arrow_schema(self.model)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path().with_suffix(".part"), schema)
        self._file.write_table(pa.Table.from_pylist(self._rows, schema=schema))
        self._rows = []

    def _finish_shard(self) -> None:
        self._file.close()
        self._path().with_suffix(".part").rename(self._path())
        self._file, self._shards = None, self._shards + 1

    def close(self) -> None:
        """Writes the last shard; an empty dataset still gets one, so that its schema can be read."""
        if self._rows or not self.count:
            self._write_group()
        if self._file is not None:
            self._finish_shard()


class DatasetWriter:
    """Writes one Dataset artifact: kept records and rejected ones."""

    def __init__(self, directory: str | Path, model: type[BaseModel], stage: str) -> None:
        self.directory, self.stage = Path(directory), stage
        self.kept = ShardWriter(self.directory / "data", model)
        self.rejects = ShardWriter(self.directory / "rejected", Rejected)
        self.reasons: dict[str, int] = {}
        self.profile = Profile()

    def add(self, record: BaseModel) -> None:
        """Appends a record that goes on to the next stage."""
        self.kept.add(record)
        self.profile.add(record)

    def reject(self, record: BaseModel | dict[str, Any] | str, reason: str, detail: str = "") -> None:
        """Appends a record, or a raw row that could not become one, to `rejected/`."""
        raw = record.model_dump() if isinstance(record, BaseModel) else record
        text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
        # Rows from broken files can hold lone surrogates, which Parquet cannot.
        text, detail = (t.encode("utf-8", "replace").decode() for t in (text, detail))
        record_id = str(raw.get("id", "")) if isinstance(raw, dict) else ""
        self.rejects.add(Rejected(id=record_id, stage=self.stage, reason=reason, detail=detail, record=text))
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def close(self, stats: dict[str, Any]) -> None:
        """Flushes the shards and writes stats.json and the data card."""
        self.kept.close()
        self.rejects.close()
        stats = {**stats, "records": self.kept.count, "rejected": self.rejects.count, "reasons": self.reasons}
        write_text(self.directory / "stats.json", json.dumps(stats, indent=2, ensure_ascii=False, sort_keys=True))
        write_card(self.directory, self.kept.model, self.stage, self.kept.count, self.reasons, self.profile)


def write_text(path: Path, text: str) -> None:
    """Writes a text file beside its place, then renames it: readers see all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.rename(path)


def read_records(directory: str | Path, model: type[R], part: str = "data") -> Iterator[R]:
    """Yields the records of a Dataset artifact, in order, with one row group in memory.

    Raises:
        UserError: The directory is no dataset, a shard is corrupt, or a row does not fit the record type.
    """
    import pyarrow.parquet as pq

    shards = sorted((Path(directory) / part).glob("*.parquet"))
    if not shards:
        raise UserError(f"{directory} holds no {part}/*.parquet: it is not a dataset artifact of a stage.")
    for shard in shards:
        with _readable(shard):
            for batch in pq.ParquetFile(shard).iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    yield _record(model, row, shard)


def _record(model: type[R], row: dict[str, Any], shard: Path) -> R:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise UserError(f"{shard} does not hold {model.__name__} records: {error.errors()[0]['msg']}.") from error


def count_records(directory: str | Path, part: str = "data") -> int:
    """Returns the number of rows of a Dataset artifact from the Parquet footers alone.

    Raises:
        UserError: A shard is corrupt.
    """
    import pyarrow.parquet as pq

    total = 0
    for shard in sorted((Path(directory) / part).glob("*.parquet")):
        with _readable(shard):
            total += pq.read_metadata(shard).num_rows
    return total


@contextmanager
def _readable(shard: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        # Not "delete it": the records of the other shards alone would look like a whole dataset.
        raise UserError(f"{shard} is not a readable Parquet file ({error}): run the stage that wrote this dataset again.") from error
