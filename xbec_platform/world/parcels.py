"""What a parcel is: contents, size, journey, fate, cost, number. When it leaves its warehouse: `picking`."""

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.journeys import LONGEST_TARGET, main_leg
from xbec_platform.world.network import Network
from xbec_platform.world.places import markets
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.stock import within
from xbec_platform.world.streams import stream
from xbec_platform.world.supply import hazard_class
from xbec_platform.world.transit import NONE, TransitTable, moments

DUE_AT_DOOR = "arrival_ts"
FATES = ("delivered", "stuck", "lost", "returned")
FATE = pl.Enum(list(FATES))
CUSTOMS_MODE = pl.Enum(["1210", "9610", "9810", "courier", "domestic"])
CM3_PER_M3 = 1e6


def pack(orders: pl.DataFrame, lines: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Return parcels: what leaves one warehouse for one order on one day, divided where it is too heavy.

    Args:
        orders: Row = order: market, currency, target_days, service, promised_ts.
        lines: order, product, qty, unit_price_cents, discount_cents, warehouse, ship_day.
        products: Row = product: weight_kg and sides in cm, flags.

    Returns:
        order, warehouse, ship_day, pieces, weight_kg, length_cm, width_cm, height_cm, hazard (bits), declared_cents,
        market, currency, target_days, service, promised_ts; sorted by ship_day, order, warehouse.
    """
    rule = parameters("logistics")["fulfilment"]
    sizes = products.select(
        product=pl.int_range(pl.len()).cast(lines.schema["product"]),
        kg="weight_kg",
        longest=pl.max_horizontal("length_cm", "width_cm", "height_cm"),
        middle=pl.concat_list("length_cm", "width_cm", "height_cm").list.sort().list.get(1),
        cm3=pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm"),
        hazard=pl.Series(hazard_class(products), dtype=pl.UInt8),
    )
    qty = pl.col("qty")
    boxes = (
        lines.join(sizes, on="product", how="left")
        .group_by("ship_day", "order", "warehouse")
        .agg(
            pieces=qty.sum().cast(pl.Int32),
            kg=(qty * pl.col("kg")).sum(),
            longest=pl.col("longest").max(),
            middle=pl.col("middle").max(),
            cm3=(qty * pl.col("cm3")).sum() * rule["packing_volume_factor"],
            hazard=pl.col("hazard").bitwise_or(),
            value=(qty * pl.col("unit_price_cents") - pl.col("discount_cents")).sum().clip(lower_bound=0),
        )
        .sort("ship_day", "order", "warehouse")
        .with_columns(
            parts=(pl.col("kg") / rule["parcel_max_kg"]).ceil().clip(1, pl.col("pieces")).cast(pl.Int64)
        )
    )
    return _boxed(boxes.select(pl.all().repeat_by("parts").explode()), orders)


def _boxed(boxes: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    rule = parameters("logistics")["fulfilment"]
    least = rule["box_least_cm"]
    order = boxes["order"]
    meta = orders.select("market", "currency", "target_days", "service", "promised_ts")[order]
    parts = pl.col("parts")
    length = pl.max_horizontal(pl.col("longest"), least[0])
    width = pl.max_horizontal(pl.col("middle"), least[1])
    return boxes.hstack(meta).select(
        "order",
        "warehouse",
        "ship_day",
        pieces=(pl.col("pieces") / parts).ceil().cast(pl.Int32),
        weight_kg=(pl.col("kg") / parts + rule["packaging_kg"]).round(3).cast(pl.Float32),
        length_cm=length.round(1).cast(pl.Float32),
        width_cm=width.round(1).cast(pl.Float32),
        height_cm=pl.max_horizontal(pl.col("cm3") / parts / length / width, least[2])
        .round(1)
        .cast(pl.Float32),
        hazard="hazard",
        declared_cents=(pl.col("value") // parts).cast(pl.Int64),
        market=pl.col("market").cast(pl.Int8),
        currency=pl.col("currency").cast(pl.Enum(sorted(set(orders["currency"])))),
        target_days=pl.col("target_days").clip(0, LONGEST_TARGET).cast(pl.Int8),
        service="service",
        promised_ts="promised_ts",
    )


def add_journeys(spec: WorldSpec, network: Network, parcels: pl.DataFrame) -> pl.DataFrame:
    """Add the journey: of the order's service, else cheapest in time, at times another; charters in the season."""
    rule = parameters("logistics")["fulfilment"]
    rng = stream(spec.seed, "fulfilment.journey")
    place, market, hazard, target = (
        parcels[name].to_numpy() for name in ("warehouse", "market", "hazard", "target_days")
    )
    cheapest = rng.random(parcels.height) < rule["cheapest_share"]
    choice = network.choice
    cells = (place, market, hazard)
    journey = np.where(cheapest, choice.cheapest[(*cells, target)], choice.other[(*cells, target)]).astype(
        np.int64
    )
    service = parcels["service"].cast(pl.String).fill_null("")
    for mode in sorted({slow["mode"] for slow in rule["bulky"]}):
        way = choice.by_mode[mode][cells]
        journey = np.where((service == mode).to_numpy() & (way != NONE), way, journey)
    season = np.array([within(spec.day(day), rule["charter"]) for day in range(spec.days)])
    by_air = network.journeys["mode"].to_numpy() == "air"
    way = choice.by_mode["air_charter"][cells]
    takes = season[parcels["ship_day"].to_numpy()] & by_air[journey] & (way != NONE)
    takes &= rng.random(parcels.height) < rule["charter"]["share"]
    journey = np.where(takes, way, journey)
    return parcels.with_columns(journey=pl.Series(journey, dtype=pl.Int16))


def add_fates(spec: WorldSpec, network: Network, parcels: pl.DataFrame) -> pl.DataFrame:
    """Add the milestones of the way, the fate, and when a parcel is delivered within the period."""
    rng = stream(spec.seed, "fulfilment.transit")
    journey = parcels["journey"].to_numpy().astype(np.int64)
    on_way = moments(spec, network, journey, parcels["shipped_ts"].to_numpy(), rng)
    border = network.journeys["crosses_customs"].to_numpy()[journey]
    rules = parameters("logistics")["fulfilment"]["fates"]
    edges = np.array(
        [np.cumsum([rules[kind][fate] for fate in FATES[1:]]) for kind in ("domestic", "cross_border")]
    )[border.astype(np.int64)]
    uniform = rng.random(parcels.height)
    fate = np.where(uniform < edges[:, 2], 1 + (uniform[:, None] >= edges).sum(axis=1), 0)
    end = spec.midnight(spec.days)
    arrives = (fate == 0) & (on_way.delivered < end)
    return parcels.with_columns(
        departed_ts=pl.Series(on_way.departed),
        landed_ts=pl.Series(on_way.landed),
        received_ts=pl.Series(on_way.received),
        arrival_ts=pl.Series(on_way.delivered),
        delivered_ts=pl.when(pl.Series(arrives)).then(pl.Series(on_way.delivered)),
        fate=pl.Series(np.array(FATES)[fate], dtype=FATE),
        ended_at=pl.Series(np.where(fate == 0, 1.0, rng.uniform(0.1, 0.95, len(fate))), dtype=pl.Float32),
    )


def add_costs(spec: WorldSpec, network: Network, parcels: pl.DataFrame) -> pl.DataFrame:
    """Add what shipping a parcel costs in EUR cents: pick, pack, and each lane's tariff on the chargeable weight."""
    rule = parameters("logistics")["fulfilment"]
    kg = parcels["weight_kg"].to_numpy().astype(np.float64)
    cm3 = parcels.select(pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm")).to_series()
    legs = TransitTable(spec, network).legs[parcels["journey"].to_numpy()]
    later = parcels["ship_day"].to_numpy() >= network.later_day
    freight = np.zeros(len(kg))
    for step in range(legs.shape[1]):
        on_leg = np.flatnonzero(legs[:, step] != NONE)
        freight[on_leg] += lane_freight(
            network, legs[on_leg, step], kg[on_leg], cm3.to_numpy()[on_leg].astype(np.float64), later[on_leg]
        )
    centres = network.warehouses[parcels["warehouse"]]
    handling = (
        centres["cost_pick"].to_numpy() * parcels["pieces"].to_numpy() + centres["cost_pack"].to_numpy()
    )
    known = stream(spec.seed, "fulfilment.invoice").random(len(kg)) >= rule["invoice_missing_share"]
    # Rounded twice: what the last bit decides at half a cent would differ between machines.
    cents = np.rint(np.round((freight + handling) * 100, 3)).astype(np.int32)
    return parcels.with_columns(cost_cents=pl.Series(cents), cost_is_known=pl.Series(known))


def lane_freight(
    network: Network,
    lane: npt.NDArray[np.int64],
    kg: npt.NDArray[np.float64],
    cm3: npt.NDArray[np.float64],
    later: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """Return the tariff of parcels on one lane each, in EUR: greatest of minimum, weight and volume, plus surcharge."""
    lanes = network.lanes
    steps = np.array(parameters("logistics")["brackets"], dtype=np.float64)
    divisor = lanes["vol_divisor"].fill_null(np.inf).to_numpy()[lane]
    chargeable = np.maximum(kg, cm3 / divisor)
    factor = steps[np.searchsorted(steps[:, 0], chargeable, side="right") - 1, 1]
    by_weight = lanes["rate_per_kg_eur"].to_numpy()[lane] * factor * chargeable
    by_volume = lanes["rate_per_cbm_eur"].fill_null(0.0).to_numpy()[lane] * cm3 / CM3_PER_M3
    least = lanes["min_charge_eur"].to_numpy()[lane]
    now, then = lanes["surcharge_pct"].to_numpy()[lane], lanes["surcharge_pct_later"].to_numpy()[lane]
    charge = np.maximum(np.maximum(by_weight, by_volume), least)
    return np.asarray(charge * (1 + np.where(later, then, now) / 100))


def add_identity(network: Network, parcels: pl.DataFrame) -> pl.DataFrame:
    """Add ids, lanes, mode, carrier, tracking number and customs mode."""
    ways = network.journeys.select(
        "journey",
        "lanes",
        pl.col("mode").cast(pl.Enum(sorted(set(network.lanes["mode"])))),
        "crosses_customs",
    )
    carriers = network.lanes["carrier"].cast(pl.Enum(sorted(set(network.lanes["carrier"]))))
    main = pl.Series([way[main_leg(len(way))] for way in ways["lanes"].to_list()])
    ways = ways.with_columns(carrier=carriers.gather(main))
    number = pl.int_range(1, pl.len() + 1)
    return (
        parcels.hstack(ways.drop("journey")[parcels["journey"]])
        .with_columns(
            parcel_id=pl.format("S{}", number.cast(pl.String).str.zfill(8)),
            tracking_no=_tracking_number(),
            customs_mode=_customs_mode(network, parcels),
        )
        .drop("target_days", "service", "crosses_customs")
    )


def _tracking_number() -> pl.Expr:
    """Write a number in each carrier's format; the postal one as UPU S10 with its check digit."""
    formats = parameters("carrier_codes")["tracking_number"]
    number = pl.int_range(1, pl.len() + 1)
    digits = [number // 10 ** (7 - place) % 10 for place in range(8)]
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    rest = 11 - sum((digit * weight for digit, weight in zip(digits, weights, strict=True)), pl.lit(0)) % 11
    check = pl.when(rest == 10).then(0).when(rest == 11).then(5).otherwise(rest)
    text = number.cast(pl.String)
    found = pl.lit(None, dtype=pl.String)
    for carrier, rule in formats.items():
        parts = [pl.lit(rule["prefix"]), text.str.zfill(rule["digits"])]
        if rule.get("s10"):
            parts += [check.cast(pl.String), pl.lit(rule["s10"])]
        found = (
            pl.when(pl.col("carrier").cast(pl.String) == carrier).then(pl.concat_str(parts)).otherwise(found)
        )
    return found


def _customs_mode(network: Network, parcels: pl.DataFrame) -> pl.Series:
    """Return the customs code of each parcel, `courier` on borders without a Chinese code, or `domestic`."""
    centres = network.warehouses.select("warehouse_id", "type", "country")
    ways = network.journeys.join(centres, on="warehouse_id", how="left", maintain_order="left")
    market = pl.col("market").replace_strict(dict(enumerate(markets())), return_dtype=pl.String)
    code = (
        pl.when(pl.col("type") == "bonded", pl.col("country") == market)
        .then(pl.lit("1210"))
        .when(~pl.col("crosses_customs"), pl.col("type") == "overseas")
        .then(pl.lit("9810"))
        .when(~pl.col("crosses_customs"))
        .then(pl.lit("domestic"))
        .when((pl.col("country") == "CN") | (market == "CN"))
        .then(pl.lit("9610"))
        .otherwise(pl.lit("courier"))
    )
    found = ways.select(code.cast(CUSTOMS_MODE)).to_series()
    return found.gather(parcels["journey"])
