"""What two engines made of one model: where they differ, in words. Everything here is a function of two tables."""

from collections.abc import Sequence

import duckdb

# Sums of floating-point numbers depend on the order of their rows; everything else must be equal to the last digit.
RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-9, 1e-12
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
FLOATS = {"FLOAT", "DOUBLE"}


def kind(data_type: str) -> str:
    """What a column holds, whatever its width: integers compare by value, decimals by value and scale."""
    if data_type in INTEGERS:
        return "integer"
    if data_type.startswith("DECIMAL("):
        return f"decimal of scale {data_type.rstrip(')').split(',')[1].strip()}"
    return "float" if data_type in FLOATS else data_type.lower()


def differences(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> list[str]:
    """Differences of two tables as sentences, empty when there are none.

    Rows are matched in the order of all exact columns, of which a model's key is a part; floats are then compared
    with a tolerance (relative 1e-9, absolute 1e-12).

    Args:
        connection: Sees both.
        one: Name or table function of the first table.
        other: The same of the second.
    """
    kinds, other_kinds = _kinds(connection, one), _kinds(connection, other)
    if kinds != other_kinds:
        unlike = sorted(set(kinds.items()) ^ set(other_kinds.items()))
        return [f"columns differ: {unlike}"]
    counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in (one, other)]
    if counts[0] != counts[1]:
        return [f"{counts[0]} and {counts[1]} rows", *_examples(connection, kinds, one, other)]
    exact = [name for name, what in kinds.items() if what != "float"]
    floats = [name for name, what in kinds.items() if what == "float"]
    found = _examples(connection, {name: kinds[name] for name in exact}, one, other)
    return found or _float_differences(connection, exact, floats, one, other)


def _kinds(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(
        f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {table})"
    ).fetchall()
    return {name: kind(data_type) for name, data_type in sorted(rows)}


def _examples(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str] | dict[str, str], one: str, other: str
) -> list[str]:
    """Up to three rows that only one side has, in either direction."""
    listed = ", ".join(f'"{name}"' for name in columns)
    found = []
    for side, (left, right) in {"first": (one, other), "second": (other, one)}.items():
        rows = connection.execute(
            f"SELECT {listed} FROM {left} EXCEPT ALL SELECT {listed} FROM {right} ORDER BY ALL"
        ).fetchall()
        if rows:
            shown = "; ".join(str(dict(zip(columns, row, strict=True))) for row in rows[:3])
            found.append(f"{len(rows)} rows only in the {side}: {shown}")
    return found


def _float_differences(
    connection: duckdb.DuckDBPyConnection, exact: list[str], floats: list[str], one: str, other: str
) -> list[str]:
    order = ", ".join(f'"{name}"' for name in [*exact, *floats])
    found = []
    for name in floats:
        numbered = [
            f'(SELECT row_number() OVER (ORDER BY {order}) AS row_no, "{name}" AS value FROM {table})'
            for table in (one, other)
        ]
        rows, worst = connection.execute(
            f"""SELECT count(*), max(abs(a.value - b.value)) FROM {numbered[0]} AS a
            JOIN {numbered[1]} AS b USING (row_no)
            WHERE (a.value IS NULL) <> (b.value IS NULL)
            OR abs(a.value - b.value) > {ABSOLUTE_TOLERANCE} + {RELATIVE_TOLERANCE} * abs(a.value)"""
        ).fetchall()[0]
        if rows:
            found.append(f"{name}: {rows} rows differ by up to {worst}")
    return found
