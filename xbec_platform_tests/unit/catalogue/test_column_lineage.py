"""Column lineage out of SQL: what enters a value, through any number of steps, and nothing else."""

from xbec_platform.catalogue.column_lineage import column_lineage

COLUMNS = {
    "raw.orders": {
        "order_id": "VARCHAR",
        "total": "DECIMAL(18,4)",
        "currency": "VARCHAR",
        "customer_id": "VARCHAR",
    },
    "raw.fx": {"currency": "VARCHAR", "rate": "DOUBLE"},
    "marts.fct_order": {"order_id": "VARCHAR", "total_base": "DOUBLE"},
}


def test_sources_of_a_value_are_found_through_steps() -> None:
    """A filter, a join key and a window's order decide which rows there are: they are no part of a value."""
    sql = """
        with orders as (select * from "demo"."raw"."orders" where customer_id is not null),
        priced as (
            select orders.order_id, orders.total * fx.rate as total_base, 1 as one
            from orders left join "demo"."raw"."fx" as fx on orders.currency = fx.currency
        )
        select order_id, total_base, one, count(*) as n from priced group by all
    """
    assert column_lineage({"marts.fct_order": sql}, COLUMNS) == {
        "marts.fct_order": {
            "order_id": (("raw.orders", "order_id"),),
            "total_base": (("raw.fx", "rate"), ("raw.orders", "total")),
            "one": (),
            "n": (),
        }
    }


def test_a_union_has_the_sources_of_all_parts_and_an_increment_not_itself() -> None:
    """An increment reads its own table; that is not where its values come from."""
    sql = """
        select order_id, total as total_base from raw.orders
        union all select order_id, total_base from marts.fct_order
    """
    assert column_lineage({"marts.fct_order": sql}, COLUMNS)["marts.fct_order"] == {
        "order_id": (("raw.orders", "order_id"),),
        "total_base": (("raw.orders", "total"),),
    }
