"""Judges the model on eight weeks that training never saw, beside the forecast that needs none: last week's sales."""

import argparse
import json
from pathlib import Path

import mlflow.xgboost
import pandas as pd

import lags

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--rows", type=int, required=True, help="how many rows the whole table has")
parser.add_argument("--backtests", required=True, help="a folder with the result of each horizon")
args = parser.parse_args()

table = pd.read_csv(args.data)
test = table[table["split"] == "test"]
model = mlflow.xgboost.load_model(args.model)
test = test.assign(forecast=model.predict(test[lags.FEATURES]))
for horizon, rows in test.groupby("horizon"):
    print(f"{horizon:.0f} days ahead: {lags.wape(rows['units'], rows['forecast']):.4f}")

error = lags.wape(test["units"], test["forecast"])
naive = lags.wape(test["units"], test["same_weekday"])
past = [json.loads(path.read_text()) for path in Path(args.backtests).rglob("*") if path.is_file()]
print(f"{len(test)} of {args.rows} rows: test_wape={error:.5f}, {naive:.5f} with last week's sales")
print(f"skill={1 - error / naive:.5f}")
print(f"worst_backtest={min(1 - result['wape'] / result['naive'] for result in past):.5f}")
