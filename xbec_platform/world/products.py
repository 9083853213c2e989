"""The feed of products and their truth; how the catalogue comes about is in catalogue."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.spec import parameters

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan


def products_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the product file of a day: everything on sale on the first day, then what is new, changed or retired.

    Columns of the contract `products.yml`; cost and price in EUR, weights in kg, sides in cm.
    """
    catalogue, spec = plan.catalogue, plan.spec
    launch, retire, price = catalogue.launch_day, catalogue.retire_day, catalogue.price_cents[day]
    product = np.arange(len(launch))
    if day == 0:
        moved = launch <= 0
    else:
        repriced = price != catalogue.price_cents[day - 1]
        moved = (launch == day) | (retire == day) | (repriced & catalogue.on_sale(product, day))
    index = np.flatnonzero(moved)
    currency = parameters("trade")["base_currency"]
    return (
        catalogue.frame[index]
        .with_columns(price=pl.Series(price[index]), is_retired=pl.Series(retire[index] <= day))
        .select(
            "product_id",
            timestamp(pl.lit(spec.midnight(day))).alias("valid_from"),
            *("sku", "title", "brand", "category_path", "attributes", "gtin", "hs_code", "origin_country"),
            money(pl.col("unit_cost_cents")).alias("unit_cost"),
            money(pl.col("price")).alias("list_price"),
            pl.lit(currency).alias("currency"),
            *("weight_kg", "length_cm", "width_cm", "height_cm"),
            *("has_battery", "is_liquid", "is_hazard", "is_food", "un_number", "shelf_life_days"),
            pl.when("is_retired").then(pl.lit("retired")).otherwise(pl.lit("active")).alias("status"),
            (pl.lit(spec.first_day) + pl.duration(days=pl.col("launch_day"))).alias("launch_date"),
        )
        .sort("product_id")
    )


def truth_products(plan: "Plan") -> pl.DataFrame:
    """Return what no model may see: quality, popularity (share of its category), companion, match by segment."""
    catalogue = plan.catalogue
    names = pl.Series(catalogue.categories)
    match = {
        f"weight_{name}": pl.Series(catalogue.segment_weight[number])
        for number, name in enumerate(parameters("products")["segments"])
    }
    return catalogue.frame.select(
        "product_id",
        names.gather(catalogue.frame["category"]).alias("category"),
        *("quality", "popularity", "launch_day", "retire_day"),
        catalogue.frame["product_id"].gather(catalogue.companion).alias("companion_id"),
    ).with_columns(**match)
