"""How common baskets are counted, as of a day: SQL that DuckDB and Spark both read. Nothing is judged here.

It is no dbt model because pairs of products cannot be kept by day (28 million a year in a shop of 20,000 orders) and
counting a year anew costs 2 CPU s, too much for every day of a backfill. Only words of both engines are used, as in the
models; a test keeps it so.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from xbec_platform.as_of_sql import latest

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.recommendations.affinity import AffinityParams

ALL_MARKETS = "all"

# Orders of everybody, and what people who agreed to be profiled bought within four weeks.
_SOURCES = {
    "order": """
        select distinct order_id as basket_id, ship_country as market, product_id
        from marts.fct_order_line
        where is_product and is_paid and qty > 0 and order_date > {first} and order_date <= {day}
    """,
    "person": """
        select distinct
            concat(order_lines.customer_id, '@', cast(blocks.block_no as string)) as basket_id,
            people.country as market,
            order_lines.product_id
        from marts.fct_order_line as order_lines
        inner join blocks on order_lines.order_date > blocks.after_date and order_lines.order_date <= blocks.last_date
        inner join people on order_lines.customer_id = people.customer_id
        where order_lines.is_product and order_lines.is_paid and order_lines.qty > 0
    """,
}

_PEOPLE = f"""
    select customer_id, country from raw.customers where updated_ts < {{day_end}}
    {latest("customer_id", "updated_ts")} and consent_profiling
"""

# Each basket has one market; what is counted by market adds up to all. Numbers instead of ids: pairs of integers are
# grouped twice as fast as pairs of texts.
_STATEMENTS = (
    ("source_rows", "{source}"),
    (
        "baskets",
        """
        select basket_id, cast(row_number() over (order by basket_id) as integer) as basket_ix
        from (select basket_id from source_rows group by basket_id having count(*) <= {max_basket}) as small_enough
        """,
    ),
    (
        "basket_rows",
        """
        select baskets.basket_ix, source_rows.market, source_rows.product_id
        from source_rows inner join baskets on source_rows.basket_id = baskets.basket_id
        """,
    ),
    (
        "market_sizes",
        """
        select market, n_baskets, greatest({min_baskets}, ceil({min_share} * n_baskets)) as least,
            greatest({min_baskets}, ceil({min_triple_share} * n_baskets)) as least_of_triples
        from (
            select coalesce(market, '?') as market, count(distinct basket_ix) as n_baskets
            from basket_rows group by 1 having count(distinct basket_ix) >= {min_market_baskets}
            union all
            select '{all_markets}' as market, count(distinct basket_ix) as n_baskets from basket_rows
        ) as sizes
        """,
    ),
    (
        "item_counts",
        """
        select coalesce(market, '?') as market, product_id, count(*) as n from basket_rows group by 1, 2
        """,
    ),
    (
        "items",
        """
        select product_id, n, cast(row_number() over (order by product_id) as integer) as item_ix
        from (select product_id, sum(n) as n from item_counts group by 1) as totals
        """,
    ),
    (
        "market_items",
        """
        select market, items.product_id, item_ix, item_counts.n
        from item_counts inner join items on item_counts.product_id = items.product_id
        union all
        select '{all_markets}' as market, product_id, item_ix, n from items
        """,
    ),
    (
        "frequent_items",
        """
        select market_items.market, product_id, item_ix, n
        from market_items inner join market_sizes on market_items.market = market_sizes.market
        where n >= least
        """,
    ),
    (
        "markets",
        """
        select market, cast(row_number() over (order by market) as integer) as market_ix
        from (select distinct market from item_counts) as named
        """,
    ),
    (
        "basket_items",
        """
        select basket_rows.basket_ix, items.item_ix, markets.market, markets.market_ix
        from basket_rows
        inner join items on basket_rows.product_id = items.product_id
        inner join markets on coalesce(basket_rows.market, '?') = markets.market
        left join frequent_items as here
            on basket_rows.product_id = here.product_id and markets.market = here.market
        left join frequent_items as anywhere
            on basket_rows.product_id = anywhere.product_id and anywhere.market = '{all_markets}'
        where here.n is not null or anywhere.n is not null
        """,
    ),
    # Markets cost extra only where the shop has several: the largest one is what the others leave of all.
    (
        "largest",
        """
        select market, market_ix from (
            select market, market_ix, row_number() over (order by count(*) desc, market) as place
            from basket_items group by 1, 2
        ) as ranked
        where place = 1
        """,
    ),
    (
        "pair_counts",
        """
        select one.item_ix as a_ix, other.item_ix as b_ix, cast(count(*) as integer) as n
        from basket_items as one
        inner join basket_items as other on one.basket_ix = other.basket_ix and one.item_ix < other.item_ix
        group by 1, 2
        having count(*) >= (
            select min(least) from market_sizes
            where market = '{all_markets}' or market in (select largest.market from largest)
        )
        """,
    ),
    (
        "other_pairs",
        """
        select one.market_ix, one.item_ix as a_ix, other.item_ix as b_ix, cast(count(*) as integer) as n
        from (
            select * from basket_items
            where
                market_ix not in (select largest.market_ix from largest)
                and exists (select 1 from market_sizes where market <> '{all_markets}')
        ) as one
        inner join basket_items as other on one.basket_ix = other.basket_ix and one.item_ix < other.item_ix
        group by 1, 2, 3
        """,
    ),
    (
        "pairs",
        """
        select counted.market, a_ix, b_ix, n
        from (
            select '{all_markets}' as market, a_ix, b_ix, n from pair_counts
            union all
            select market, a_ix, b_ix, n
            from other_pairs inner join markets on other_pairs.market_ix = markets.market_ix
            union all
            select largest.market, candidates.a_ix, candidates.b_ix, candidates.n - coalesce(others.n, 0) as n
            from largest
            inner join market_sizes on largest.market = market_sizes.market
            inner join pair_counts as candidates on candidates.n >= market_sizes.least
            left join (select a_ix, b_ix, sum(n) as n from other_pairs group by 1, 2) as others
                on candidates.a_ix = others.a_ix and candidates.b_ix = others.b_ix
        ) as counted
        inner join market_sizes on counted.market = market_sizes.market
        where n >= least
        """,
    ),
    (
        "strong_pairs",
        """
        select distinct a_ix, b_ix
        from pairs inner join market_sizes on pairs.market = market_sizes.market
        where n >= least_of_triples
        """,
    ),
    (
        "pair_baskets",
        """
        select one.basket_ix, one.market_ix, one.item_ix as a_ix, other.item_ix as b_ix
        from basket_items as one
        inner join basket_items as other on one.basket_ix = other.basket_ix and one.item_ix < other.item_ix
        inner join strong_pairs on one.item_ix = strong_pairs.a_ix and other.item_ix = strong_pairs.b_ix
        """,
    ),
    (
        "triple_counts",
        """
        select ab.market_ix, ab.a_ix, ab.b_ix, ac.b_ix as c_ix, cast(count(*) as integer) as n
        from pair_baskets as ab
        inner join pair_baskets as ac on ab.basket_ix = ac.basket_ix and ab.a_ix = ac.a_ix and ab.b_ix < ac.b_ix
        inner join strong_pairs as bc on ab.b_ix = bc.a_ix and ac.b_ix = bc.b_ix
        group by 1, 2, 3, 4
        """,
    ),
    (
        "triples",
        """
        select counted.market, a_ix, b_ix, c_ix, n
        from (
            select market, a_ix, b_ix, c_ix, n
            from triple_counts inner join markets on triple_counts.market_ix = markets.market_ix
            union all
            select '{all_markets}' as market, a_ix, b_ix, c_ix, sum(n) as n from triple_counts group by 2, 3, 4
        ) as counted
        inner join market_sizes on counted.market = market_sizes.market
        where n >= least_of_triples
        """,
    ),
)

RESULTS = {
    "pairs": """
        select
            '{kind}' as basket_kind, pairs.market, a.product_id as product_a, b.product_id as product_b,
            cast(n_baskets as bigint) as n_baskets, cast(a.n as bigint) as n_a, cast(b.n as bigint) as n_b,
            cast(pairs.n as bigint) as n_both
        from pairs
        inner join market_sizes on pairs.market = market_sizes.market
        inner join market_items as a on pairs.market = a.market and pairs.a_ix = a.item_ix
        inner join market_items as b on pairs.market = b.market and pairs.b_ix = b.item_ix
        order by 1, 2, 3, 4
    """,
    # Each of the three may be what the other two bring along.
    "triples": """
        select
            '{kind}' as basket_kind, turned.market, a.product_id as product_a, b.product_id as product_b,
            c.product_id as product_c, cast(n_baskets as bigint) as n_baskets, cast(pairs.n as bigint) as n_ab,
            cast(c.n as bigint) as n_c, cast(turned.n as bigint) as n_all
        from (
            select market, a_ix, b_ix, c_ix, n from triples
            union all
            select market, a_ix, c_ix as b_ix, b_ix as c_ix, n from triples
            union all
            select market, b_ix as a_ix, c_ix as b_ix, a_ix as c_ix, n from triples
        ) as turned
        inner join pairs
            on turned.market = pairs.market and turned.a_ix = pairs.a_ix and turned.b_ix = pairs.b_ix
        inner join market_sizes on turned.market = market_sizes.market
        inner join market_items as a on turned.market = a.market and turned.a_ix = a.item_ix
        inner join market_items as b on turned.market = b.market and turned.b_ix = b.item_ix
        inner join market_items as c on turned.market = c.market and turned.c_ix = c.item_ix
        order by 1, 2, 3, 4, 5
    """,
    "tests": """
        select
            '{kind}' as basket_kind, market_sizes.market, cast(n_baskets as bigint) as n_baskets,
            count(product_id) as n_items
        from market_sizes left join frequent_items on market_sizes.market = frequent_items.market
        group by 1, 2, 3 order by 1, 2
    """,
    "n_pairs": """
        select '{kind}' as basket_kind, pairs.market, count(*) as n_pairs
        from pairs inner join market_sizes on pairs.market = market_sizes.market
        where n >= least_of_triples group by 1, 2 order by 1, 2
    """,
}


def _date(day: date) -> str:
    return f"date '{day.isoformat()}'"


def _blocks(day: date, params: "AffinityParams") -> str:
    """The stretches of a person's baskets, back from the day, as a query."""
    length = params.person_days
    ends = [day - timedelta(days=length * n) for n in range(params.history_days // length)]
    rows = [
        f"select {n} as block_no, {_date(end - timedelta(days=length))} as after_date, {_date(end)} as last_date"
        for n, end in enumerate(ends)
    ]
    return " union all ".join(rows)


def statements(kind: str, day: date, params: "AffinityParams") -> list[tuple[str, str]]:
    """Tables to make one after the other, each with the query that fills it."""
    words = {name: getattr(params, name) for name in params.__dataclass_fields__}
    day_end = f"timestamp '{(day + timedelta(days=1)).isoformat()} 00:00:00'"
    first = _date(day - timedelta(days=params.history_days))
    dates = {"day": _date(day), "first": first, "day_end": day_end}
    words |= {"source": _SOURCES[kind].format(**dates), "all_markets": ALL_MARKETS}
    before = (
        [("blocks", _blocks(day, params)), ("people", _PEOPLE.format(**dates))] if kind == "person" else []
    )
    return [*before, *((name, sql.format(**words)) for name, sql in _STATEMENTS)]


def count_baskets(
    connection: Any, day: date, params: "AffinityParams", *, kinds: tuple[str, ...] = ("order", "person")
) -> "dict[str, pl.DataFrame]":
    """Count products, pairs and triples of all baskets known on a day.

    Args:
        connection: an open database; gets temporary tables.
        day: the last day that counts.
        params: limits.
        kinds: of baskets.

    Returns:
        pairs (`affinity.PAIR_SCHEMA`), triples (`affinity.TRIPLE_SCHEMA`), tests (basket_kind, market, n_baskets,
        n_items) and n_pairs (basket_kind, market, n_pairs).
    """
    import polars as pl

    from xbec_platform.warehouse.database import read_frame

    # Pairs of up to 4,096 products are counted in one array of 2^24 cells (.2 GB) instead of a hash table: 1.3 CPU s
    # instead of 2.0 for 25 million pairs.
    connection.execute("set perfect_ht_threshold = 24")
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in RESULTS}
    for kind in kinds:
        made = statements(kind, day, params)
        for name, sql in made:
            connection.execute(f"create or replace temporary table {name} as {sql}")
        for name, sql in RESULTS.items():
            parts[name].append(read_frame(connection, sql.format(kind=kind)))
        for name, _ in reversed(made):
            connection.execute(f"drop table temp.{name}")
    connection.execute("reset perfect_ht_threshold")
    return {name: pl.concat(frames) for name, frames in parts.items()}
