"""Forecasts the days that are planned and not yet sold, and writes them as one CSV file, here or to S3."""

import argparse
import io
from urllib.parse import urlsplit

import mlflow.xgboost
import pandas as pd

import lags

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--sales", required=True)
parser.add_argument("--to", required=True, help="a folder, or s3://BUCKET/PREFIX")
args = parser.parse_args()

sales = lags.read(args.sales)
sold_until = sales.loc[sales["units"].notna(), "date"].max()
horizons = range(1, (sales["date"].max() - sold_until).days + 1)
ahead = lags.table(sales, horizons)
ahead = ahead[ahead["date"] - pd.to_timedelta(ahead["horizon"], unit="D") == sold_until]
if ahead.empty:
    raise SystemExit(f"{args.sales}: no day after {sold_until:%Y-%m-%d} is planned")

model = mlflow.xgboost.load_model(args.model)
ahead = ahead.assign(units=model.predict(ahead[lags.FEATURES]).round(1)).sort_values(["shop", "date"])
text = io.StringIO()
ahead[["date", "shop", "units"]].to_csv(text, index=False)

name = f"{sold_until:%Y-%m-%d}.csv"  # the same night again writes the same file
place = urlsplit(args.to)
if place.scheme == "s3":
    import boto3

    key = f"{place.path.strip('/')}/{name}".lstrip("/")
    boto3.client("s3").put_object(Bucket=place.netloc, Key=key, Body=text.getvalue().encode())
else:
    from pathlib import Path

    Path(args.to).mkdir(parents=True, exist_ok=True)
    Path(args.to, name).write_text(text.getvalue())
print(f"wrote {args.to}/{name}: forecasts={len(ahead)} for {len(horizons)} days")
