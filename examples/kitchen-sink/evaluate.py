"""Measures a saved model on the whole table."""

import argparse

import mlflow.sklearn
import pandas
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
options = parser.parse_args()

table = pandas.read_csv(options.data)
model = mlflow.sklearn.load_model(options.model)
quality = roc_auc_score(table["left"], model.predict_proba(table[["months", "calls", "price"]].astype(float))[:, 1])
print(f"test_auc={quality}")
