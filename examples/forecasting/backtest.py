"""Forecasts one horizon as it would have been done twice in the past, each time from what was known then."""

import argparse
import json

import pandas as pd
from xgboost import XGBRegressor

import lags

FOLDS, DAYS = 2, 28

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--horizon", type=int, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--depth", type=int, required=True)
parser.add_argument("--rounds", type=int, required=True)
parser.add_argument("--out", required=True, help="the file that receives the result, as JSON")
args = parser.parse_args()

table = pd.read_csv(args.data, parse_dates=["date"])
table = table[(table["horizon"] == args.horizon) & (table["split"] != "test")]
end = table["date"].max()
tested = []
for fold in range(FOLDS, 0, -1):
    start = end - pd.Timedelta(days=fold * DAYS)
    # The first forecast of the fold is made `horizon` days before its target day, and knows nothing that came later.
    past = table[table["date"] <= start - pd.Timedelta(days=args.horizon - 1)]
    model = XGBRegressor(
        objective="count:poisson", learning_rate=args.lr, max_depth=args.depth, n_estimators=args.rounds, n_jobs=1
    ).fit(past[lags.FEATURES], past["units"])
    span = table[(table["date"] > start) & (table["date"] <= start + pd.Timedelta(days=DAYS))]
    tested.append(span.assign(forecast=model.predict(span[lags.FEATURES])))
    print(f"{start:%Y-%m-%d}: {lags.wape(span['units'], tested[-1]['forecast']):.4f}")

every = pd.concat(tested)
error = lags.wape(every["units"], every["forecast"])
naive = lags.wape(every["units"], every["same_weekday"])
with open(args.out, "w") as file:
    json.dump({"horizon": args.horizon, "wape": error, "naive": naive}, file)
print(f"{args.horizon} days ahead: backtest_wape={error:.5f}, and {naive:.5f} with last week's sales")
