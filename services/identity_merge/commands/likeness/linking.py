"""The linkage itself: rows into DuckDB, Splink over them, pairs out of it, in memory that is bounded."""

from __future__ import annotations

import logging
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker

from services.identity_merge.commands.likeness.features import Features, features
from services.identity_merge.commands.likeness.model import USUAL, settings
from services.identity_merge.domain.duplicates import Known

# A key that more members share says too little to compare them all with one another.
_MOST_BEARERS = 40
_BATCH = 500
_TEXTS = pa.list_(pa.string())
_KINDS = {"bool": pa.bool_(), "str | None": pa.string(), "list[str]": _TEXTS, "list[int]": pa.list_(pa.int64())}
_COLUMNS = [(field.name, _KINDS[str(field.type)]) for field in fields(Features)]
_SCHEMA = pa.schema([("place", pa.int64()), ("known", pa.binary()), *_COLUMNS])


class Linking:
    """One scan: members are added, and then linked. What it works with lies in a temporary file, so that memory is bounded."""

    def __init__(self, *, memory: str = "320MB", threads: int = 2) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="onefold-scan-")
        self._duckdb = duckdb.connect(
            str(Path(self._folder.name) / "scan"),
            config={
                "memory_limit": memory,
                "threads": threads,
                "temp_directory": self._folder.name,
            },
        )
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._duckdb.close()
        self._folder.cleanup()

    def add(self, members: Sequence[Known]) -> None:
        """Further members."""
        rows = list(map(features, members))
        columns: dict[str, list[object]] = {name: [getattr(row, name) for row in rows] for name, _ in _COLUMNS}
        columns["place"] = list(range(self._rows, self._rows + len(rows)))
        columns["known"] = list(map(pickle.dumps, members))
        batch = pa.table(columns, schema=_SCHEMA)
        first = "CREATE TABLE read AS" if self._rows == 0 else "INSERT INTO read"
        self._duckdb.register("batch", batch)
        self._duckdb.execute(f"{first} SELECT * FROM batch")
        self._duckdb.unregister("batch")
        self._rows += len(rows)

    def pairs(self, least: float) -> Iterator[list[tuple[Known, Known, float]]]:
        """Batches of two members and the probability, of at least `least`, that they are one person."""
        if self._rows < 2:
            return
        self._duckdb.execute(_SHARED, [_MOST_BEARERS])
        found = self._linker().inference.predict(threshold_match_probability=least)
        cursor = self._duckdb.execute(_FOUND.format(found=found.physical_name))
        while batch := cursor.fetchmany(_BATCH):
            # Written by this process a moment ago, into a folder of its own.
            yield [(pickle.loads(one), pickle.loads(other), probability) for one, other, probability in batch]  # noqa: S301

    def _linker(self) -> Linker:
        ((plain,),) = self._duckdb.execute(_PLAIN).fetchall()
        api = DuckDBAPI(connection=self._duckdb)
        linker = Linker(api.register("people"), settings(self._rows, plain))
        for column, usual in USUAL.items():
            table = f"tf_of_{column}"
            self._duckdb.execute(_FREQUENCIES.format(table=table, column=column), {"usual": usual, "rows": self._rows})
            linker.table_management.register_term_frequency_lookup(api.register(table), column)
        # It sets its own level with each linker, and tells of every step on standard error, where logs are JSON.
        logging.getLogger("splink").setLevel(logging.ERROR)
        return linker


_FOUND = """SELECT one.known, other.known, found.match_probability FROM {found} AS found
 JOIN read AS one ON one.place = found.place_l JOIN read AS other ON other.place = found.place_r"""
# Keys that nobody shares, or too many do, go before anything is compared.
_SHARED = """CREATE TABLE people AS
 WITH keys AS (SELECT place, unnest(blocks) AS key FROM read),
  shared AS (SELECT key FROM keys GROUP BY key HAVING count(*) BETWEEN 2 AND ?),
  kept AS (SELECT place, list(key) AS blocks FROM keys SEMI JOIN shared USING (key) GROUP BY place)
 SELECT read.* EXCLUDE (blocks, known), kept.blocks FROM read LEFT JOIN kept USING (place)"""
# How frequent a value is beside those whom a merge can take, who may all be one person: a name that nobody else has says as much in a
# small store as in a large one.
_FREQUENCIES = """CREATE TABLE {table} AS
 SELECT {column}, $usual + greatest(0, count(*) - 5) / $rows AS tf_{column} FROM people WHERE {column} IS NOT NULL GROUP BY {column}"""
_PLAIN = """SELECT coalesce(sum(n * (n - 1) / 2), 0)::bigint FROM (SELECT count(*) AS n FROM people
 WHERE name_whole IS NOT NULL AND birthday IS NOT NULL GROUP BY name_whole, birthday HAVING count(*) BETWEEN 2 AND 5)"""
