"""Has the trained model answer what it never saw, as its server would: word for word, without chance."""

import argparse

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import tickets

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--tickets", required=True)
args = parser.parse_args()

torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForCausalLM.from_pretrained(args.model).eval()
test = tickets.part(args.tickets, "test")
right = 0
for messages in test:
    asked = torch.tensor([tickets.prompt(tokenizer, messages[:-1])])
    with torch.no_grad():
        made = model.generate(
            asked, attention_mask=torch.ones_like(asked), max_new_tokens=16, do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
    answer = tokenizer.decode(made[0, asked.shape[1] :], skip_special_tokens=True)
    right += answer == messages[-1]["content"]
    print(f"{messages[0]['content']} -> {answer}")
print(f"{len(test)} tickets, routed={right / len(test):.5f}")
