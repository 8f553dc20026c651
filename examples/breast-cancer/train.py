"""Logistic regression by gradient descent; prints the validation AUC after every epoch, and keeps the last model."""

import argparse
import csv

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--lr", type=float, required=True, help="step length")
parser.add_argument("--l2", type=float, required=True, help="weight of the penalty on large coefficients")
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--save", choices=["true", "false"], required=True, help="false in trials: only the metric counts")
parser.add_argument("--out", required=True, help="the folder for the model, in MLflow's format")
args = parser.parse_args()


def rows(part):
    """Features and labels of one part of the table."""
    with open(args.data, newline="") as file:
        table = np.array([row[1:] for row in csv.reader(file) if row[0] == part], dtype=float)
    return table[:, 1:], table[:, 0].astype(int)


x, y = rows("train")
x_val, y_val = rows("val")
scaler = StandardScaler().fit(x)
classifier = SGDClassifier(
    loss="log_loss", learning_rate="constant", eta0=args.lr, alpha=args.l2, average=True, random_state=0
)
model = make_pipeline(scaler, classifier)
for epoch in range(1, args.epochs + 1):
    classifier.partial_fit(scaler.transform(x), y, classes=[0, 1])
    auc = roc_auc_score(y_val, model.predict_proba(x_val)[:, 1])
    print(f"epoch {epoch} val_auc={auc:.5f}", flush=True)

if args.save == "true":
    # Imported late: it takes seconds, and trials do without it.
    import mlflow.sklearn

    mlflow.sklearn.save_model(model, args.out, input_example=x_val[:2])
