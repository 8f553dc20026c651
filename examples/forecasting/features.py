"""Turns the sales into one table of lagged features, split by time for everyone: train, val, test."""

import argparse
import json

import pandas as pd

import lags

parser = argparse.ArgumentParser()
parser.add_argument("--sales", required=True)
parser.add_argument("--horizons", type=json.loads, required=True, help="days ahead, as a JSON list")
parser.add_argument("--out", required=True, help="the table to write")
parser.add_argument("--rows", required=True, help="the file that receives the number of rows")
args = parser.parse_args()

sales = lags.read(args.sales)
table = lags.table(sales, args.horizons).dropna(subset=["units"])
last = table["date"].max()
table["split"] = "train"
table.loc[table["date"] > last - pd.Timedelta(days=112), "split"] = "val"
table.loc[table["date"] > last - pd.Timedelta(days=56), "split"] = "test"
table.to_csv(args.out, index=False)
with open(args.rows, "w") as file:
    file.write(str(len(table)))
print(f"wrote {len(table)} rows of {sales['shop'].nunique()} shops, until {last:%Y-%m-%d}")
