"""Money of orders: prices, discounts, fees, taxes and duty in cents of the order's currency. Who orders is not here."""

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.trade import Trade

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def priced_lines(
    spec: WorldSpec, catalogue: Catalogue, trade: Trade, orders: pl.DataFrame, lines: pl.DataFrame
) -> pl.DataFrame:
    """Add unit_price_cents and discount_cents (of the whole line) to lines.

    Args:
        spec: Seed.
        catalogue: List prices.
        trade: Price levels, rates and promotions.
        orders: order_day and market of each order; presale_final_cents (EUR) of pre-sale orders, else null.
        lines: order, product and qty.
    """
    order = lines["order"].to_numpy()
    product = lines["product"].to_numpy().astype(np.int64)
    quantity = lines["qty"].to_numpy().astype(np.int64)
    day = orders["order_day"].to_numpy()[order]
    market = orders["market"].to_numpy()[order]
    factor = trade.term("price_factor")[market] / trade.eur_per_unit[day, market]
    unit = np.maximum(np.round(catalogue.list_price_cents(product, day) * factor), 1).astype(np.int64)
    products = len(catalogue.companion)
    promoted = stream(spec.seed, "promoted").random(products) < parameters("orders")["promoted_share"]
    percent = np.where(promoted[product], trade.discount_pct[day, market], 0)
    discount = np.round(unit * quantity * percent / 100).astype(np.int64)
    final_eur = orders["presale_final_cents"].fill_null(-1).to_numpy()[order]
    reserved = final_eur >= 0
    final = np.round(final_eur * factor).astype(np.int64) * quantity
    discount = np.where(reserved, np.maximum(unit * quantity - final, 0), discount)
    return lines.with_columns(unit_price_cents=pl.Series(unit), discount_cents=pl.Series(discount))


def order_totals(
    spec: WorldSpec, catalogue: Catalogue, trade: Trade, orders: pl.DataFrame, lines: pl.DataFrame
) -> dict[str, pl.Series]:
    """Return goods_cents, discount_cents, shipping_cents, tax_cents and duty_cents of each order.

    Goods are the lines after their discounts; the discount is a coupon on the whole order. Tax is charged at the
    sale unless the goods cross the border on the buyer's account above the threshold. Duty is null where the
    buyer pays it, 0 up to the threshold, and else by category. A simplification: tariff_rules has the rules.

    Args:
        spec: Seed.
        catalogue: duty_pct by product.
        trade: Terms of the markets.
        orders: order_day, market, crosses_border, seller_pays_duty, is_presale.
        lines: With prices.
    """
    size = orders.height
    day, market = orders["order_day"].to_numpy(), orders["market"].to_numpy()
    net = (lines["unit_price_cents"] * lines["qty"].cast(pl.Int64) - lines["discount_cents"]).to_numpy()
    order = lines["order"].to_numpy()
    # Sums of integers below 2^53 are exact in float64.
    goods = np.bincount(order, net, size).astype(np.int64)
    eur = trade.eur_per_unit[day, market]
    coupon = _coupons(spec, orders, goods * eur)
    coupon = np.round(coupon / eur).astype(np.int64)
    free = goods * eur >= trade.term("free_shipping_from_eur")[market] * 100
    fee = np.where(free, 0, np.round(trade.term("shipping_fee_eur")[market] * 100 / eur)).astype(np.int64)
    percent = catalogue.frame["duty_pct"].to_numpy()[lines["product"].to_numpy()]
    dutiable = np.bincount(order, net * percent, size) / 100
    tax, duty = _tax_and_duty(trade, orders, goods, goods - coupon, fee, dutiable)
    return {
        "goods_cents": pl.Series(goods),
        "discount_cents": pl.Series(coupon),
        "shipping_cents": pl.Series(fee),
        "tax_cents": tax,
        "duty_cents": duty,
    }


def _tax_and_duty(
    trade: Trade, orders: pl.DataFrame, goods: IntArray, net: IntArray, fee: IntArray, dutiable: FloatArray
) -> tuple[pl.Series, pl.Series]:
    """Return tax and duty in cents; dutiable is the duty of the lines before the factor of the market."""
    market = orders["market"].to_numpy()
    above = goods > trade.term("duty", "de_minimis")[market] * 100
    imported = orders["crosses_border"].to_numpy() & above
    charged = ~imported | orders["seller_pays_duty"].to_numpy()
    taxed = net + fee * trade.term("tax", "on_shipping")[market]
    tax = np.round(taxed * trade.term("tax", "pct")[market] / 100) * charged
    duty = np.round(dutiable * trade.term("duty", "pct_factor")[market]) * imported
    known = pl.select(pl.when(pl.Series(charged)).then(pl.Series(duty.astype(np.int64)))).to_series()
    return pl.Series(tax.astype(np.int64)), known


def _coupons(spec: WorldSpec, orders: pl.DataFrame, goods_eur_cents: FloatArray) -> FloatArray:
    """Return the coupon of each order in EUR cents; a pre-sale takes none."""
    rule = parameters("trade")["coupon"]
    given = stream(spec.seed, "coupons").random(orders.height) < rule["share"]
    enough = goods_eur_cents >= rule["from_eur"] * 100
    return np.where(given & enough & ~orders["is_presale"].to_numpy(), rule["amount_eur"] * 100.0, 0.0)
