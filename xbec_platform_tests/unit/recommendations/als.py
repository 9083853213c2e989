"""The peer of the recommendation comparison: implicit's alternating least squares, stock settings."""

import numpy as np
import polars as pl
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from xbec_platform.recommendations.interactions import build_history


def als_lists(
    train: pl.DataFrame, *, as_of, n_items: int, factors: int, counts: bool, exclude_bought: bool
) -> pl.DataFrame:
    """Return customer_id, rank, product_id for every customer of train.

    Args:
        train: interactions.
        as_of: last day of train.
        n_items: length of the lists.
        factors: dimensions.
        counts: number of orders as weight instead of 1.
        exclude_bought: never-bought products only.
    """
    nobody = pl.Series([], dtype=pl.String)
    history = build_history(train, as_of=as_of, customer_ids=nobody, product_ids=nobody)
    pairs = history.pairs
    weight = pairs["n_orders"].to_numpy() if counts else np.ones(len(pairs))
    place = (pairs["customer_ix"].to_numpy(), pairs["product_ix"].to_numpy())
    matrix = sp.csr_matrix(
        (weight.astype(np.float32), place), shape=(history.n_customers, history.n_products)
    )
    with threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=factors, regularization=10.0, alpha=1.0, iterations=15, num_threads=1, random_state=0
        )
        model.fit(matrix, show_progress=False)
        found, score = model.recommend(
            np.arange(history.n_customers), matrix, N=n_items, filter_already_liked_items=exclude_bought
        )
    kept = (found >= 0) & (score > np.finfo(np.float32).min)
    customer, place_in_list = np.nonzero(kept)
    return pl.DataFrame(
        {
            "customer_id": history.customer_ids.gather(customer),
            "rank": place_in_list + 1,
            "product_id": history.product_ids.gather(found[kept]),
        }
    )
