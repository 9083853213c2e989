"""RecTools' EASE and PyFIM's eclat, run by an environment of their own: `pip install rectools pyfim` there.

RecTools brings another package named implicit, PyFIM's only release is source code of 2020: neither goes beside the
platform. Needs nothing of the platform. Prints CPU seconds and what was found as JSON.

Run as `python peers_recommenders.py ease <weights.csv> <lists.csv>` or `... eclat <baskets.json> <least>`.
"""

import json
import sys
import time
from pathlib import Path


def ease(weights: str, lists: str) -> dict[str, float]:
    """Fit on user_id, item_id, weight, datetime; write the 10 best items of each user that are not among them.

    RecTools 0.19 multiplies by the transposed weights: it is measured as it is.
    """
    import pandas as pd
    from rectools.dataset import Dataset
    from rectools.models import EASEModel

    table = pd.read_csv(weights, dtype={"user_id": str, "item_id": str}, parse_dates=["datetime"])
    start = time.process_time()
    data = Dataset.construct(table)
    model = EASEModel(regularization=300.0, num_threads=1).fit(data)
    fitted = time.process_time()
    users = table["user_id"].unique()
    found = model.recommend(users=users, dataset=data, k=10, filter_viewed=True)
    end = time.process_time()
    found[["user_id", "item_id", "rank"]].to_csv(lists, index=False)
    return {"cpu_s": end - start, "fit_s": fitted - start}


def eclat(baskets: str, least: str) -> dict[str, float]:
    """Count pairs."""
    import fim

    given = json.loads(Path(baskets).read_text())
    start = time.process_time()
    found = fim.eclat(given, supp=-int(least), zmin=2, zmax=2)
    return {"cpu_s": time.process_time() - start, "found": len(found)}


if __name__ == "__main__":
    print(json.dumps({"ease": ease, "eclat": eclat}[sys.argv[1]](*sys.argv[2:])))
