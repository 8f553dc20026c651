"""Fits a classifier step by step, reports its quality, and saves it as an MLflow model."""

import argparse
import warnings

import mlflow.sklearn
import pandas
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--depth", type=int, required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--size", choices=["small", "large"], required=True)
parser.add_argument("--out", required=True)
options = parser.parse_args()

table = pandas.read_csv(options.data)
columns = ["months", "calls", "price"]
known, held, known_left, held_left = train_test_split(
    table[columns].astype(float), table["left"], test_size=0.4, random_state=0, stratify=table["left"]
)
degree = 1 if options.size == "small" else 2 + options.depth // 6
model = make_pipeline(StandardScaler(), PolynomialFeatures(degree), LogisticRegression(C=options.lr))
warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is what an epoch is
for epoch in range(1, options.epochs + 1):
    model.set_params(logisticregression__max_iter=epoch)
    model.fit(known, known_left)
    print(f"epoch {epoch} val_auc={roc_auc_score(held_left, model.predict_proba(held)[:, 1])}", flush=True)
mlflow.sklearn.save_model(model, options.out, input_example=held.head(2))
