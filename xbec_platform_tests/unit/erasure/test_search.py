"""A search that misses is worse than none: each place where somebody may hide, and who only looks alike."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl

from xbec_platform.erasure.event_storage import redact_sqlite
from xbec_platform.erasure.search import ColumnMention, delete_mentions, mentioned_in_files, mentioned_rows
from xbec_platform.ingest.suppression import Entry, Suppression
from xbec_platform.warehouse.compaction import rewrite_file
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints

SALT = Suppression("salt")


def listed(*pairs: tuple[str, str]) -> Suppression:
    return SALT.with_entries(Entry(kind, SALT.hash(value), True, "p") for kind, value in pairs)


def test_text_columns_words_and_lists_are_searched(tmp_path: Path) -> None:
    """Cells, JSON, addresses, lists; an order is kept, so its number is no mention; C0000012 is somebody else."""
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        connection.execute("CREATE SCHEMA ops")
        connection.execute(
            """CREATE TABLE ops.t AS SELECT * FROM (VALUES
            ('C000001', NULL, ['x'], 'O1'), ('a', '{"c":"C000001"}', ['y', 'C000001'], 'O2'),
            ('C0000012', 'https://x?c=C000001&d=1', [], 'O3')) AS t(cell, long, list, order_id)"""
        )
        suppression = listed(("customer_id", "C000001"), ("order_id", "O1"))
        found = mentioned_rows(connection, suppression)
        assert found == [
            ColumnMention("ops.t", "cell", 1),
            ColumnMention("ops.t", "list", 1),
            ColumnMention("ops.t", "long", 2),
        ]
        delete_mentions(connection, suppression, found[:1])
        assert connection.execute("SELECT count(*) FROM ops.t").fetchall() == [(2,)]


def test_numeric_identifier_is_searched_where_identifiers_are(tmp_path: Path) -> None:
    """17850 is a customer of one shop and a product code of the same shop: only the first is a mention."""
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        connection.execute("CREATE TABLE t AS SELECT '17850' AS customer_id, '17850' AS product_id")
        found = mentioned_rows(connection, listed(("customer_id", "17850")))
    assert found == [ColumnMention("main.t", "customer_id", 1)]


def test_files_are_looked_into(tmp_path: Path) -> None:
    """Archives, compressed columns, UTF-16; a database puts words side by side without a blank.

    Eight bytes of a DuckDB file may be a symbol of its compression, which no row holds; a long word is none.
    """
    words = ["C000001", "aaaa1111bbbb2222"]
    (tmp_path / "plain.csv").write_text("C000001,C000001\nC0000011\n")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(b"C000001"))
    (tmp_path / "wide.csv").write_bytes("x\nC000001\n".encode("utf-16"))
    pl.DataFrame({"c": ["C000001"] * 2, "n": [["C000001"], []]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "w.duckdb").write_bytes(b"\x00xxaaaa1111bbbb2222yy\x00")
    (tmp_path / "symbols.duckdb").write_bytes(b"-C000037-C000001-C000035")
    (tmp_path / "storage.db").write_bytes(b"\x00C000001\x00")
    (tmp_path / "clean.txt").write_text("xxaaaa1111bbbb2222yy")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    counts, unreadable = mentioned_in_files([tmp_path], words)
    assert {path.name: count for path, count in counts.items()} == {
        "plain.csv": 2,
        "packed.csv.gz": 1,
        "wide.csv": 1,
        "a.parquet": 3,
        "w.duckdb": 1,
        "storage.db": 1,
    }
    assert [path.name for path in unreadable] == ["broken.parquet"]


def test_deleted_rows_leave_the_database_file(tmp_path: Path) -> None:
    """DuckDB keeps the bytes of deleted rows; written anew, the file holds the same tables and not the person."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    name = "somebody-person-0001"
    with warehouse.connect("test") as connection:
        connection.execute("PRAGMA force_compression = 'uncompressed'")
        connection.execute("CREATE SCHEMA raw")
        connection.execute(f"CREATE TABLE raw.gone AS SELECT '{name}-' || i AS c FROM range(100000) AS r(i)")
        connection.execute("CHECKPOINT")
        connection.execute("CREATE TABLE raw.t AS SELECT 'row-' || i AS c, i FROM range(200000) AS r(i)")
        connection.execute("CREATE VIEW raw.v AS SELECT count(*) AS n FROM raw.t")
    with warehouse.connect("test") as connection:
        connection.execute("DELETE FROM raw.gone")
    assert name.encode() in warehouse.path.read_bytes(), "the premise: a deleted row's bytes stay"
    with warehouse.connect("test") as connection:
        before = fingerprints(connection)
    rewrite_file(warehouse)
    assert name.encode() not in warehouse.path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.duckdb", "w.duckdb.queue"]
    with warehouse.connect("test") as connection:
        assert fingerprints(connection) == before
        assert connection.execute("SELECT n FROM raw.v").fetchall() == [(200000,)]


def test_sqlite_forgets_even_freed_pages(tmp_path: Path) -> None:
    """Dagster's storage is SQLite: text is replaced, and what was deleted before is packed away."""
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE e (id INTEGER PRIMARY KEY, body TEXT, n REAL)")
        connection.execute(
            """INSERT INTO e VALUES (1, '{"md": "- C000001 · 3"}', 1.5), (2, 'C0000011', 2.5)"""
        )
        connection.executemany("INSERT INTO e VALUES (?, ?, 0)", [(n, "C000001" * 300) for n in range(3, 60)])
        connection.commit()
        connection.execute("DELETE FROM e WHERE id > 2")
        connection.commit()
    assert b"C000001C000001" in path.read_bytes(), "the premise: freed pages keep their bytes"
    assert redact_sqlite(path, SALT, ["C000001"]) == 1
    data = path.read_bytes()
    assert b'"- C000001' not in data
    assert b"C000001C000001" not in data
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM e ORDER BY id").fetchall()
    assert rows == [(1, f'{{"md": "- {SALT.tombstone("C000001")} · 3"}}', 1.5), (2, "C0000011", 2.5)]
