"""Trains with DistributedDataParallel, one process a GPU (or on CPUs); prints the validation accuracy of each epoch.

Started by torchrun, or as it is for a single process. After each epoch the first process keeps its state in
MLWRIGHT_CHECKPOINT_DIR, where that is set; started again, training goes on from there, to the very same model.
"""

import argparse
import os
import shutil
from pathlib import Path

import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

import net

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--width", type=int, required=True, help="channels of the first convolution")
parser.add_argument("--dropout", type=float, required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--batch", type=int, required=True, help="pictures a step, of all processes together")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--save", choices=["true", "false"], required=True, help="false in trials: only the metric counts")
parser.add_argument("--out", required=True, help="the folder for the model, in MLflow's format")
args = parser.parse_args()

for name, alone in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"}.items():
    os.environ.setdefault(name, alone)
os.environ.setdefault("MASTER_PORT", "29511")
gpus = torch.cuda.is_available()
device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpus else torch.device("cpu")
if gpus:
    torch.cuda.set_device(device)
else:
    torch.set_num_threads(1)
distributed.init_process_group("nccl" if gpus else "gloo")
rank, world = distributed.get_rank(), distributed.get_world_size()
torch.use_deterministic_algorithms(True)
kept = Path(os.environ["MLWRIGHT_CHECKPOINT_DIR"], "state.pt") if os.environ.get("MLWRIGHT_CHECKPOINT_DIR") else None


def say(text):
    if rank == 0:
        print(text, flush=True)


def found():
    """What the first process finds, told to all: no other has to see the same folder at the same time."""
    state = [torch.load(kept, map_location="cpu") if rank == 0 and kept and kept.is_file() else None]
    distributed.broadcast_object_list(state)
    return state[0] or {"epoch": 0, "accuracies": []}


def keep(state):
    """Whole or not at all, whenever this process is killed."""
    if rank == 0 and kept:
        torch.save(state, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)


def accuracy(images, labels):
    """The share of right answers; each process looks at some of the pictures."""
    model.eval()
    with torch.no_grad():
        right = (model.module(images[rank::world]).argmax(1) == labels[rank::world]).sum()
    distributed.all_reduce(right)
    model.train()
    return int(right) / len(labels)


images, labels, kinds = net.part(args.data, "train")
val = [tensor.to(device) for tensor in net.part(args.data, "val")[:2]]
torch.manual_seed(args.seed)
plain = net.Net(images.shape[-1], len(kinds), args.width, args.dropout).to(device)
state = found()
if state["epoch"]:
    plain.load_state_dict(state["model"])
    for epoch, value in enumerate(state["accuracies"]):  # said again: a metric belongs to the attempt that says it
        say(f"epoch {epoch + 1} val_accuracy={value:.5f}")
    say(f"goes on after epoch {state['epoch']}")
model = DistributedDataParallel(plain, device_ids=[device.index] if gpus else None)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
if state["epoch"]:
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
say(f"{world} process(es) on {device.type}, {len(images)} pictures")

for epoch in range(state["epoch"], args.epochs):
    # What is drawn depends on the epoch and the process alone, not on when training started.
    torch.manual_seed((args.seed * 1000 + epoch) * world + rank)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(args.seed * 1000 + epoch))
    for batch in order[: len(order) // args.batch * args.batch].split(args.batch):
        mine = batch[rank::world]
        optimizer.zero_grad()
        functional.cross_entropy(model(images[mine].to(device)), labels[mine].to(device)).backward()
        optimizer.step()
    schedule.step()
    value = accuracy(*val)
    say(f"epoch {epoch + 1} val_accuracy={value:.5f}")
    better = not state["accuracies"] or value > max(state["accuracies"])
    weights = {name: tensor.cpu().clone() for name, tensor in plain.state_dict().items()}
    state = {
        "epoch": epoch + 1,
        "accuracies": [*state["accuracies"], value],
        "model": weights,
        "best": weights if better else state["best"],
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
    }
    keep(state)

if rank == 0 and args.save == "true":
    # Imported late: it takes seconds, and trials do without it.
    import mlflow.pytorch

    plain.load_state_dict(state["best"])
    shutil.rmtree(args.out, ignore_errors=True)  # what a process left that was killed while it wrote
    mlflow.pytorch.save_model(
        plain.cpu().eval(),  # as an exported graph: who serves it needs no code of ours
        args.out,
        input_example=images[:2].numpy(),
        pip_requirements="requirements.txt",
    )
distributed.destroy_process_group()
