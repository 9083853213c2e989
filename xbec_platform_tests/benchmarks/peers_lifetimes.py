"""The peers' fit of BG/NBD, run by an environment of their own: `python peers_lifetimes.py <file.csv> <peer>`.

lifetimes (archived) wants numpy below 2 and old pandas, pymc-marketing brings PyMC: neither goes beside the platform.
Needs nothing of the platform. Prints CPU seconds of the fit (best of three) and the parameters as JSON.
"""

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Fit and print."""
    rows = list(csv.DictReader(Path(sys.argv[1]).read_text().splitlines()))
    x, t_x, T = ([float(row[name]) for row in rows] for name in ("x", "t_x", "T"))
    fit = {"lifetimes": _lifetimes, "pymc-marketing": _pymc}[sys.argv[2]](x, t_x, T)
    times = []
    for _ in range(3):
        start = time.process_time()
        parameters = fit()
        times.append(time.process_time() - start)
    print(json.dumps({"cpu_s": min(times), "parameters": parameters}))


def _lifetimes(x: list[float], t_x: list[float], T: list[float]) -> Any:
    import numpy as np
    from lifetimes import BetaGeoFitter

    data = [np.array(values) for values in (x, t_x, T)]
    return lambda: [float(v) for v in BetaGeoFitter().fit(*data).params_[["r", "alpha", "a", "b"]]]


def _pymc(x: list[float], t_x: list[float], T: list[float]) -> Any:
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel
    from pymc_marketing.prior import Prior

    frame = pd.DataFrame({"customer_id": range(len(x)), "frequency": x, "recency": t_x, "T": T})
    flat = {name: Prior("HalfFlat") for name in ("r", "alpha", "a", "b")}

    def fit() -> list[float]:
        model = BetaGeoModel(frame, model_config=flat)
        model.fit(method="map", progressbar=False)
        point = model.fit_result
        return [float(point[name].mean()) for name in ("r", "alpha", "a", "b")]

    return fit


if __name__ == "__main__":
    main()
