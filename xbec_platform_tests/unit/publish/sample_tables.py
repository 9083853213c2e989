"""Tables of a realistic gift shop in pounds, as text blocks read into frames. Data only, no assertions."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import numpy as np
import polars as pl

MONEY = pl.Decimal(18, 4)
_TYPES = {
    "text": pl.String,
    "int": pl.Int64,
    "real": pl.Float64,
    "money": MONEY,
    "day": pl.Date,
    "flag": pl.Boolean,
}


def table(block: str) -> pl.DataFrame:
    """Read a block: first line `name:type|...`, then one row a line; an empty cell is null."""
    lines = [line.strip() for line in block.strip().splitlines()]
    head = dict(item.split(":") for item in lines[0].split("|"))
    schema = {name: _TYPES[kind] for name, kind in head.items()}
    return pl.read_csv(
        StringIO("\n".join(lines[1:])), has_header=False, separator="|", schema=schema, quote_char=None
    )


def kpi_days(*, first: date, last: date) -> pl.DataFrame:
    """Daily figures that rise before Christmas, closed on Saturdays, with one huge order."""
    rng = np.random.default_rng(20111209)
    rows = []
    for day in (first + timedelta(days=i) for i in range((last - first).days + 1)):
        if day.weekday() == 5:
            continue
        season = (
            1
            + 1.1 * np.exp(-(((day - date(2011, 11, 18)).days / 28) ** 2))
            + 0.12 * np.sin(day.toordinal() / 9)
        )
        orders = int(rng.poisson(58 * season * (0.6 if day.weekday() == 6 else 1.0))) + 1
        gross = Decimal(int(orders * rng.normal(46000, 7000))) / 100
        gross += Decimal("60000.50") if day == date(2011, 9, 20) else Decimal(0)
        returns = (gross * Decimal(int(rng.integers(5, 60))) / 1000).quantize(Decimal("0.0001"))
        people = (int(orders * 0.8) + 1, max(1, orders // 6), orders // 9)
        rows.append((day, orders, *people, gross, returns, gross - returns))
    names = ["kpi_date", "n_orders", "n_customers", "n_new_customers", "n_anonymous_orders"]
    amounts = ["gross_base", "returns_base", "net_base"]
    return pl.DataFrame(
        rows, schema=names + amounts, schema_overrides=dict.fromkeys(amounts, MONEY), orient="row"
    )


RFM = table("""
    segment:text|n_customers:int|net_base:money
    champions|812|4812330.12
    loyal|640|1604211.80
    potential_loyal|518|702118.44
    new|391|214009.10
    promising|288|166740.95
    needs_attention|402|390118.20
    at_risk|577|588340.02
    hibernating|689|233961.71
    lost|12|4120.00
""")

CLUSTERS = table("""
    cluster_key:text|name:text|evidence:text|n_customers:int|share:real|revenue_share:real
    c1|Weekly wholesale buyers|Order every 9 days (all customers: 41), 310 items per order (median 102).|486|0.112|0.514
    c2|Steady autumn gifters|71 % of orders from September to November; 18 products per order.|1204|0.2776|0.221
    c3|Small baskets, often|Median order of 118 GBP, 6.2 orders a year, half of them on Thursdays.|905|0.2086|0.133
    c4|One big order|A single order of more than 600 GBP, none in the last 120 days.|377|0.0869|0.079
    c5|Tried once|One order, 14 different products, no order since 190 days (median).|1343|0.3096|0.052
    c6|Buyers who return much|Return rate 34 % (all customers: 3 %).|23|0.0053|0.001
""")

CUSTOMER: dict[str, object] = {
    "customer_id": "14646",
    "country": "NL",
    "cluster_name": "Weekly wholesale buyers",
    "segment": "champions",
    "first_order_date": date(2010, 12, 20),
    "last_order_date": date(2011, 12, 8),
    "n_orders": 74,
    "n_products": 703,
    "net_base": Decimal("279138.0200"),
    "aov_base": Decimal("3787.2900"),
}

HABITS: dict[str, object] = {
    "Usual time of order": "10 to 11 h UTC",
    "Usual weekday": "Tuesday",
    "Time between orders": "5 days (mean)",
    "Price band": "low: mostly below 2.10 GBP a piece",
    "Favourite categories": ["lunch boxes", "storage bags", "garden lights"],
}

DISCOVER = table("""
    rank:int|product_id:text|title:text|generator:text|reason_product_id:text|reason_title:text
    1|22666|RECIPE BOX PANTRY YELLOW DESIGN|ease_time_decay|22722|SET OF 6 SPICE TINS PANTRY DESIGN
    2|23203|JUMBO BAG VINTAGE DOILY|ease_time_decay|22386|JUMBO BAG PINK POLKADOT
    3|84378|SET OF 3 HEART COOKIE CUTTERS|ease_time_decay|22993|SET OF 4 PANTRY JELLY MOULDS
    4|22138|BAKING SET 9 PIECE RETROSPOT|ease_time_decay|22960|JAM MAKING SET WITH JARS
    5|47566|PARTY BUNTING|popularity||
""")

REPLENISH = table("""
    rank:int|product_id:text|title:text|n_orders:int|last_order_date:day|generator:text
    1|22630|DOLLY GIRL LUNCH BOX|31|2011-12-05|personal_frequency
    2|22629|SPACEBOY LUNCH BOX|30|2011-12-08|personal_frequency
    3|23084|RABBIT NIGHT LIGHT|22|2011-11-29|personal_frequency
    4|21080|SET/20 RED RETROSPOT PAPER NAPKINS|14|2011-11-22|personal_frequency
    5|22326|ROUND SNACK BOXES SET OF 4 WOODLAND|13|2011-10-06|personal_frequency
""")

WAREHOUSES = table("""
    warehouse_id:text|name:text|country:text|lat:real|lon:real|capacity_orders_day:int|used_units:int|is_sample:flag
    DC-GBR-1|Daventry|GB|52.26|-1.16|9000|7020|true
    DC-NLD-1|Venlo|NL|51.37|6.17|5200|5180|true
    DC-POL-1|Wrocław|PL|51.11|17.03|4000|2410|true
    DC-ESP-1|Zaragoza|ES|41.65|-0.88|2500|2110|true
    DC-USA-1|Columbus|US|39.96|-83.0|1500|391|true
    DC-SGP-1|Singapore|SG|1.35|103.82|1200|840|true
    DC-CHN-1|Ningbo|CN|29.87|121.54|6000|120|true
""")

PLACES = """
    GB 54.0 -2.5, IE 53.2 -8.1, FR 46.6 2.5, DE 51.1 10.4, NL 52.2 5.5, BE 50.6 4.6, LU 49.8 6.1, CH 46.8 8.2,
    AT 47.6 14.1, IT 42.8 12.5, ES 40.2 -3.6, PT 39.6 -8.5, DK 56.0 9.6, SE 62.8 16.7, NO 61.2 9.0, FI 64.5 26.3,
    PL 52.1 19.4, CZ 49.7 15.3, GR 39.1 22.9, CY 35.0 33.2, MT 35.9 14.4, US 39.8 -98.6, CA 57.0 -106.0,
    BR -10.8 -53.1, AU -25.7 134.5, JP 36.6 138.0, SG 1.35 103.8, AE 23.9 54.3, IL 31.5 34.9, ZA -29.0 25.1,
    SA 24.1 44.5, HK 22.4 114.1
"""
SERVED = {
    "DC-GBR-1": "GB 6200, IE 610, NO 210",
    "DC-NLD-1": "NL 1310, DE 1650, FR 1220, BE 520, LU 60, CH 330, DK 90",
    "DC-POL-1": "PL 410, DE 800, AT 330, CZ 280, SE 310, FI 180, GR 60, CY 40",
    "DC-ESP-1": "ES 900, PT 540, FR 410, IT 240, MT 20",
    "DC-USA-1": "US 281, CA 90, BR 20",
    "DC-SGP-1": "SG 120, AU 590, HK 80, AE 50",
    "DC-CHN-1": "JP 90, SA 10, IL 12, ZA 8",
}


def flows() -> pl.DataFrame:
    """What each warehouse sends to each country."""
    places = {
        code: (float(lat), float(lon)) for code, lat, lon in (item.split() for item in PLACES.split(","))
    }
    rows = [
        (warehouse, country, *places[country], int(units))
        for warehouse, listed in SERVED.items()
        for country, units in (item.split() for item in listed.split(","))
    ]
    columns = ("warehouse_id", "dest_country", "dest_lat", "dest_lon", "units")
    return pl.DataFrame(rows, schema=list(columns), orient="row")


PLAN_SUMMARY: dict[str, object] = {
    "Cost of the plan": Decimal("18204.6600"),
    "Saved against nearest warehouse": Decimal("3310.1200"),
    "Regret of nearest warehouse": "18.2 %",
    "Ordered units": 18_490,
    "Units served": 18_071,
    "Units unserved": 419,
}

UNSERVED = table("""
    reason:text|units:int|lines:int
    WAREHOUSE_CAPACITY_FULL|262|41
    SKU_STOCK_EXHAUSTED_IN_REACH|131|58
    NO_MODE_MEETS_PROMISE|26|9
""")

BOTTLENECKS = table("""
    kind:text|warehouse_id:text|product_id:text|limit:real|used:real|shadow_price_base:money
    capacity|DC-NLD-1||5180|5180|2.41
    stock|DC-GBR-1|22423|40|40|6.15
    stock|DC-POL-1|85123A|12|12|3.05
""")

INTAKE = table("""
    feed:text|files:int|rows_in:int|loaded:int|quarantined:int|exact_duplicates:int|rejected_files:int
    order_lines|305|541909|534112|2529|5268|1
    customers|1|4372|4372|0|0|0
    products|1|4070|4066|4|0|0
    warehouses|1|7|7|0|0|0
    lanes|1|412|412|0|0|0
    fx_rates|1|11214|11214|0|0|0
""")

REJECTS = table("""
    feed:text|path:text|reason:text
    order_lines|order_lines/dt=2011-06-14/lines_2011-06-14_resent.csv.gz|line 1: required column unit_price is missing
""")

QUARANTINE_REASONS = table("""
    feed:text|reason:text|rows:int
    order_lines|unit_price: must be greater than 0|2517
    order_lines|country: not an ISO code (Unspecified)|12
    products|title: must not be empty|4
""")
