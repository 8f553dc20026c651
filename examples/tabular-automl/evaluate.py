"""Judges the model on patients that neither training nor the search has seen."""

import argparse

import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--rows", type=int, required=True, help="how many rows the whole table has")
args = parser.parse_args()

table = pd.read_csv(args.data)
test = table[table["split"] == "test"].drop(columns="split")
wanted = test.pop("target")
error = mlflow.xgboost.load_model(args.model).predict(xgboost.DMatrix(test)) - wanted
print(f"{len(test)} of {args.rows} patients, test_rmse={np.sqrt((error**2).mean()):.5f}")
print(f"explained={1 - (error**2).mean() / wanted.var(ddof=0):.5f}")
