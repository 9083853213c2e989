"""SQL that queries as of a day share; `$day` stands for the day. Whole queries are where they are asked.

DuckDB's dialect: only the models in `dbt/` run on Spark too.
"""

DAY_RATES = """
    SELECT currency, rate_to_base FROM intermediate.int_fx_daily WHERE fx_date <= $day AND fx_date > $day - 7
    QUALIFY row_number() OVER (PARTITION BY currency ORDER BY fx_date DESC) = 1
"""
"""The last exchange rate of each currency, at most a week old."""

RATES = f"rates AS ({DAY_RATES})"
"""DAY_RATES as a common table expression."""


def latest(key: str, by: str = "") -> str:
    """The clause that keeps of each key the version with the greatest `by`, of equal ones the one delivered last.

    The one place outside dbt that says which of two versions counts, as the macro `version_rank` does there. Further
    conditions may follow with AND.

    Args:
        key: Columns, between commas.
        by: Column; without one the last delivery counts.
    """
    order = ", ".join(f"{column} DESC" for column in (by, "_drop_date", "_file_id", "_row_no") if column)
    return f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order}) = 1"


TARIFF_RULES = f"""
    SELECT * EXCLUDE (_file_id, _row_no, _drop_date, _feed, _duplicate_records, _extra) FROM raw.tariff_rules
    {latest("rule_id")}
"""
"""Every rule as it was delivered last; a rule says itself on which days it holds."""
