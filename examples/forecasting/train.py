"""Gradient boosting with XGBoost; prints the validation error every ten rounds, and keeps the best round's model."""

import argparse

import pandas as pd
from xgboost import XGBRegressor
from xgboost.callback import TrainingCallback

import lags

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--depth", type=int, required=True)
parser.add_argument("--rounds", type=int, required=True)
parser.add_argument("--save", choices=["true", "false"], required=True, help="false in trials: only the metric counts")
parser.add_argument("--out", required=True, help="the folder for the model, in MLflow's format")
args = parser.parse_args()


class Report(TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        if epoch % 10 == 9 or epoch == args.rounds - 1:
            print(f"round {epoch + 1} val_wape={evals_log['validation_0']['wape'][-1]:.5f}", flush=True)
        return False


table = pd.read_csv(args.data)
train, val = table[table["split"] == "train"], table[table["split"] == "val"]
model = XGBRegressor(
    objective="count:poisson",
    learning_rate=args.lr,
    max_depth=args.depth,
    n_estimators=args.rounds,
    subsample=0.8,
    early_stopping_rounds=40,
    eval_metric=lags.wape,
    callbacks=[Report()],
    n_jobs=1,
    random_state=7,
)
model.fit(train[lags.FEATURES], train["units"], eval_set=[(val[lags.FEATURES], val["units"])], verbose=False)
print(f"best round {model.best_iteration + 1} val_wape={model.best_score:.5f}")

if args.save == "true":
    # Imported late: it takes seconds, and trials do without it.
    import mlflow.xgboost

    model.set_params(callbacks=None, eval_metric=None)  # they are of the training, and no part of the model
    mlflow.xgboost.save_model(
        model, args.out, input_example=val[lags.FEATURES].head(2), pip_requirements="requirements.txt"
    )
