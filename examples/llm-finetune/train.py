"""Fine-tunes a causal language model on conversations; prints the loss on others after each epoch.

With `--zero 0` this is one process and PyTorch alone. With 1 or 2 it is DeepSpeed, which shares the optimizer's state
(and the gradients) among all processes that the launcher has started. After each epoch the state goes to
MLWRIGHT_CHECKPOINT_DIR, where that is set; started again, training goes on from there.
"""

import argparse
import os
import random
from pathlib import Path

import torch
from torch import distributed
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

import tickets

parser = argparse.ArgumentParser()
parser.add_argument("--base", required=True, help="the model's folder: weights, or its configuration to start anew")
parser.add_argument("--tickets", required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--batch", type=int, required=True, help="conversations a step, of all processes together")
parser.add_argument("--length", type=int, required=True, help="most tokens of a conversation")
parser.add_argument("--zero", type=int, choices=[0, 1, 2], required=True, help="stage of DeepSpeed's ZeRO; 0: without")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--out", required=True, help="the folder for the model, in Hugging Face's format")
args = parser.parse_args()


class Alone:
    """One process, PyTorch alone."""

    rank, world = 0, 1

    def __init__(self, model):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)

    def step(self, loss):
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def together(self, numbers):
        return numbers

    def keep(self, folder, losses):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "losses": losses}
        torch.save(state, folder / "state.new")  # whole or not at all, whenever this process is killed
        (folder / "state.new").replace(folder / "state.pt")

    def found(self, folder):
        if not (folder / "state.pt").is_file():
            return []
        state = torch.load(folder / "state.pt", map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        return state["losses"]


class Sharded:
    """Many processes, DeepSpeed."""

    def __init__(self, model):
        import deepspeed

        deepspeed.init_distributed()
        self.rank, self.world = distributed.get_rank(), distributed.get_world_size()
        if args.batch % self.world:
            raise SystemExit(f"--batch {args.batch} cannot be shared by {self.world} processes")
        self.engine, *_ = deepspeed.initialize(
            model=model,
            optimizer=torch.optim.AdamW(model.parameters(), lr=args.lr),
            config={
                "train_micro_batch_size_per_gpu": args.batch // self.world,
                "zero_optimization": {"stage": args.zero},
                "zero_allow_untested_optimizer": True,
                "bf16": {"enabled": torch.cuda.is_available()},
                "gradient_clipping": 1.0,
            },
        )
        self.model, self.device = self.engine.module, self.engine.device

    def step(self, loss):
        self.engine.backward(loss)
        self.engine.step()

    def together(self, numbers):
        distributed.all_reduce(numbers)
        return numbers

    def keep(self, folder, losses):
        self.engine.save_checkpoint(str(folder), tag=f"epoch-{len(losses)}", client_state={"losses": losses})

    def found(self, folder):
        if not (folder / "latest").is_file():  # DeepSpeed's name of what is whole
            return []
        return self.engine.load_checkpoint(str(folder))[1]["losses"]


def say(text):
    if way.rank == 0:
        print(text, flush=True)


def measured(conversations):
    """The mean loss of a token of the answers; each process looks at some of the conversations."""
    total = torch.zeros(2, dtype=torch.float64, device=way.device)
    way.model.eval()
    for start in range(way.rank * 16, len(conversations), way.world * 16):
        batch = tickets.batch(tokenizer, conversations[start : start + 16], args.length).items()
        inputs = {name: tensor.to(way.device) for name, tensor in batch}
        tokens = (inputs["labels"][:, 1:] != -100).sum()
        with torch.no_grad():
            total += torch.stack([way.model(**inputs).loss.double() * tokens, tokens.double()])
    way.model.train()
    loss, tokens = way.together(total).tolist()
    return loss / tokens


torch.manual_seed(args.seed)
if not torch.cuda.is_available():
    torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(args.base)
if any(Path(args.base).glob("*.safetensors")):
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
else:
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(args.base))
way = (Sharded if args.zero else Alone)(model)
train, val = tickets.part(args.tickets, "train"), tickets.part(args.tickets, "val")
count = sum(weights.numel() for weights in model.parameters())
say(f"{count} weights, {way.world} process(es) on {way.device.type}, {len(train)} conversations to learn from")

folder = Path(os.environ["MLWRIGHT_CHECKPOINT_DIR"]) if os.environ.get("MLWRIGHT_CHECKPOINT_DIR") else None
losses = way.found(folder) if folder else []
for epoch, loss in enumerate(losses):  # said again: a metric belongs to the attempt that says it
    say(f"epoch {epoch + 1} val_loss={loss:.5f}")
if losses:
    say(f"goes on after epoch {len(losses)}")
way.model.train()
for epoch in range(len(losses), args.epochs):
    # What is drawn depends on the epoch and the process alone, not on when training started.
    torch.manual_seed((args.seed * 1000 + epoch) * way.world + way.rank)
    order = random.Random(args.seed * 1000 + epoch).sample(train, len(train))
    for start in range(0, len(order) - args.batch + 1, args.batch):
        mine = order[start : start + args.batch][way.rank :: way.world]
        inputs = {name: tensor.to(way.device) for name, tensor in tickets.batch(tokenizer, mine, args.length).items()}
        way.step(getattr(way, "engine", way.model)(**inputs).loss)
    losses = [*losses, measured(val)]
    say(f"epoch {epoch + 1} val_loss={losses[-1]:.5f}")
    if folder:
        way.keep(folder, losses)

if way.rank == 0:
    from mlflow.models import Model

    # A folder as Hugging Face's servers read it. `MLmodel` beside that is what a registry of MLflow's asks for.
    way.model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    Model().add_flavor("huggingface", task="text-generation").save(os.path.join(args.out, "MLmodel"))
if way.world > 1:
    distributed.barrier()
