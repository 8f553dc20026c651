"""What the model sees: how a shop sold up to the day of the forecast, and what is planned for its target day."""

import numpy as np
import pandas as pd

FEATURES = [
    "horizon", "weekday", "season_sin", "season_cos", "price", "promotion",
    "same_weekday", "last_day", "mean_7", "mean_28", "promotions_28",
]  # fmt: skip


def read(path):
    """The sales: one row a shop and day, without gaps. The last days may lack `units`: they are planned, not sold."""
    sales = pd.read_csv(path, parse_dates=["date"]).sort_values(["shop", "date"])
    for shop, rows in sales.groupby("shop"):
        if (rows["date"].diff().dropna() != pd.Timedelta(days=1)).any():
            raise SystemExit(f"{path}: {shop} has a day twice or not at all")
    return sales


def table(sales, horizons):
    """One row a shop, target day and horizon (days ahead), with FEATURES and `units`, which is missing in the future.

    Nothing that is known only after the day of the forecast, target minus horizon, is in a row's features.
    """
    return pd.concat(
        [_ahead(rows, horizon) for _, rows in sales.groupby("shop") for horizon in horizons], ignore_index=True
    ).dropna(subset=FEATURES)


def _ahead(rows, horizon):
    day = rows["date"].dt.dayofyear * 2 * np.pi / 365.25
    sold = rows["units"]
    return pd.DataFrame(
        {
            "date": rows["date"],
            "shop": rows["shop"],
            "horizon": float(horizon),
            "weekday": rows["date"].dt.dayofweek.astype(float),
            "season_sin": np.sin(day),
            "season_cos": np.cos(day),
            "price": rows["price"],
            "promotion": rows["promotion"].astype(float),
            "same_weekday": sold.shift(7 * -(-horizon // 7)),
            "last_day": sold.shift(horizon),
            "mean_7": sold.shift(horizon).rolling(7).mean(),
            "mean_28": sold.shift(horizon).rolling(28).mean(),
            "promotions_28": rows["promotion"].shift(horizon).rolling(28).sum(),
            "units": sold,
        }
    )


def wape(actual, forecast):
    """Weighted absolute percentage error: what all forecasts were off by, as a share of what was sold."""
    return float(np.abs(actual - forecast).sum() / np.abs(actual).sum())
