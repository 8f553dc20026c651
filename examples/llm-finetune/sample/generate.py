"""Makes tickets.jsonl anew: what customers write to a shop, and the department whose it is."""

import json
import random
from pathlib import Path

THINGS = ["my order", "the parcel", "the blue jacket", "order 4711", "my last order", "the boots"]
TEXTS = {
    "delivery": ["Where is {}?", "{} has not arrived.", "When will {} be delivered?", "The courier lost {}."],
    "returns": ["I want to send {} back.", "{} is broken.", "{} does not fit, how do I return it?", "Exchange {}."],
    "billing": ["I was charged twice for {}.", "The invoice for {} is wrong.", "My card was declined for {}.",
                "Where is the refund for {}?"],
    "account": ["I cannot log in to see {}.", "Change the password, I need {}.", "Close my account after {}.",
                "My email is wrong, so I hear nothing of {}."],
}  # fmt: skip
GREETINGS = ["", "Hello. ", "Hi! ", "Dear team, "]

rng = random.Random(7)
tickets = [
    (greeting + text.format(thing), department)
    for department, texts in TEXTS.items()
    for text in texts
    for thing in THINGS
    for greeting in GREETINGS
]
rng.shuffle(tickets)
with open(Path(__file__).with_name("tickets.jsonl"), "w") as file:
    for text, department in tickets[:320]:
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": department}]
        file.write(json.dumps({"messages": messages}) + "\n")
