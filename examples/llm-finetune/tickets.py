"""Conversations and their tokens: what training and evaluation share."""

import json
import zlib

import torch


def part(path, name):
    """The conversations of one part, by their text: 80 % `train`, 10 % `val`, 10 % `test`."""
    with open(path) as file:
        found = [json.loads(line)["messages"] for line in file]
    kinds = {8: "val", 9: "test"}
    return [found for found in found if kinds.get(zlib.crc32(found[0]["content"].encode()) % 10, "train") == name]


def prompt(tokenizer, messages):
    """The tokens up to where the model is to answer."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False).input_ids


def batch(tokenizer, conversations, length):
    """Tokens, and labels that leave out all but the answers, padded to one length."""
    rows = []
    for messages in conversations:
        asked = prompt(tokenizer, messages[:-1])
        answer = [*tokenizer(messages[-1]["content"], add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        rows.append(((asked + answer)[-length:], ([-100] * len(asked) + answer)[-length:]))
    longest, pad = max(len(ids) for ids, _ in rows), tokenizer.pad_token_id or tokenizer.eos_token_id
    return {
        "input_ids": torch.tensor([ids + [pad] * (longest - len(ids)) for ids, _ in rows]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows]),
        "labels": torch.tensor([labels + [-100] * (longest - len(ids)) for ids, labels in rows]),
    }
