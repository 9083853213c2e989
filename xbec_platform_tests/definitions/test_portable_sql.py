"""The models stay one text for DuckDB and Spark: checked without Java, by what they may name.

That they also give the same rows is for `make test-spark`. What is written instead of what is refused here stands at
the top of dbt/macros/portable.sql.
"""

import re
from pathlib import Path

import pytest

DBT = Path(__file__).parents[2] / "dbt"
PORTABLE = DBT / "macros" / "portable.sql"
FILES = sorted(
    path
    for folder in ("models", "macros", "data_tests", "analyses")
    for path in (DBT / folder).rglob("*.sql")
    if path != PORTABLE
)

# Functions that mean the same on both engines for the types used here. Left out on purpose: avg and median (of
# decimals a double here, a decimal there), date_trunc (keeps a date here, makes a zoned time there), regexp_replace
# (first match here, all there), any_value, first, mode, arg_max, max_by (ties have no order), approx_*.
FUNCTIONS = set(
    re.findall(
        r"\w+",
        """
        abs array_contains asin atan2 bool_and bool_or cast ceil coalesce concat concat_ws corr cos count cume_dist
        dense_rank exists exp extract first_value floor greatest hour lag last_value lead least left length
        ln lower lpad max md5 min minute month nullif ntile percent_rank percentile_cont pow power radians
        rank replace right round row_number rpad sin sqrt stddev_pop stddev_samp substring sum trim upper
        var_pop var_samp year
        """,
    )
)
# Words and types that stand before a bracket and are no function.
WORDS = set(
    re.findall(
        r"\w+",
        """
        all and any as between by case decimal distinct else except filter from group having in intersect
        join not on or over partition select then union using values when where window with within
        """,
    )
)
REFUSED = {
    r"//": "whole_quotient",
    r"\bvarchar\b": "string",
    r"\b(hugeint|ubigint|uinteger|timestamptz|text|float4|float8|int4|int8|numeric)\b\s*\)": "a type both know",
    r"\b(exclude|positional|asof|pivot|unpivot|summarize|ilike|glob)\b": "standard SQL",
    r"\bignore\s+nulls\b": "first_known or last_known",
    r"\bdistinct\s+on\b": "row_number",
    r"\bat\s+time\s+zone\b": "timestamps in UTC",
    r"->": "a column of the contract",
    r"[\[\]{}^~]": "standard SQL: no lists, structs, powers or patterns by operator",
    r'"': "names without quotes: on Spark this is a text",
    r"^\s*delete\b": "delete_window or delete_rows",
}


def sql_of(text: str) -> str:
    """A model's SQL without comments and texts; of Jinja only what its macro calls pass on as SQL."""
    text = re.sub(
        r"\{#.*?#\}|\{%.*?%\}|\{\{ config\(.*?\) \}\}\s*$", " ", text, flags=re.DOTALL | re.MULTILINE
    )
    text = re.sub(r"\{\{.*?\}\}", _passed_on, text, flags=re.DOTALL)
    text = re.sub(r"--[^\n]*", " ", text)
    return re.sub(r"'(?:[^']|'')*'", "''", text).lower()


def _passed_on(call: re.Match[str]) -> str:
    texts = re.findall(r"\"([^\"]*)\"|'([^']*)'", call.group(0))
    return " x " + " ".join(double or single for double, single in texts) + " "


def calls(sql: str) -> set[str]:
    """Names that are called like functions; x stands for a macro's own words."""
    return set(re.findall(r"\b([a-z_][a-z0-9_]*)\s*\(", sql)) - WORDS - {"x"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_models_name_only_what_both_engines_know(path: Path) -> None:
    """A function or operator of one engine would break the way to the other without a word."""
    sql = sql_of(path.read_text())
    # A common table expression with a column list reads like a call; the models name columns inside.
    unknown = calls(sql) - FUNCTIONS
    assert not unknown, (
        f"{sorted(unknown)}: use a macro of portable.sql, or add a function that both engines share"
    )
    for pattern, instead in REFUSED.items():
        found = re.search(pattern, sql, flags=re.MULTILINE)
        assert found is None, f"'{found and found.group(0)}': write {instead}, see portable.sql"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_engine_is_named_outside_the_portable_macros(path: Path) -> None:
    """One place to look when an engine is added or changes."""
    assert not re.search(
        r"duckdb|spark|target\.type|adapter\.dispatch", path.read_text(), flags=re.IGNORECASE
    )


MODELS = [path for path in FILES if path.is_relative_to(DBT / "models")]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_windows_are_partitions(path: Path) -> None:
    """An engine without row deletes drops whole days: the table must be cut by the day whose window is deleted."""
    text = path.read_text()
    window = re.search(r"delete_window\('(\w+)'\)", text)
    cut = re.search(r"partition_by='(\w+)'", text)
    assert (window and window.group(1)) == (cut and cut.group(1)), (
        "pre_hook and partition_by name the same day"
    )


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select string_agg(name, ',') from t", "string_agg"),
        ("select {{ days_between('list_max(x)', 'b') }} from t", "list_max"),
        ("select name::varchar from t", "varchar"),
        ("select a // b from t", "//"),
        ('select "name" from t', '"'),
    ],
)
def test_what_one_engine_knows_is_found(sql: str, reason: str) -> None:
    """The check itself: each of these once was or could be in a model."""
    plain = sql_of(sql)
    assert reason in calls(plain) or any(re.search(pattern, plain) for pattern in REFUSED), plain


def test_comments_texts_and_jinja_are_no_sql() -> None:
    """What is only said about the SQL is not judged."""
    text = "{# arg_max(x) #} {{ config(pre_hook=\"{{ f('day') }}\") }} -- unnest(x)\nselect 'a // b' as name, max(x)"
    assert calls(sql_of(text)) == {"max"}
