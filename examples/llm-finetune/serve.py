"""Answers OpenAI's chat requests with the model that MLWRIGHT_MODEL names: what vLLM does on a cluster, in small."""

import argparse
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import tickets

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
args = parser.parse_args()
tokenizer = AutoTokenizer.from_pretrained(os.environ["MLWRIGHT_MODEL"])
model = AutoModelForCausalLM.from_pretrained(os.environ["MLWRIGHT_MODEL"]).eval()


def completed(request):
    asked = torch.tensor([tickets.prompt(tokenizer, request["messages"])])
    with torch.no_grad():
        made = model.generate(
            asked, attention_mask=torch.ones_like(asked), max_new_tokens=int(request.get("max_tokens") or 16),
            do_sample=False, pad_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
    text = tokenizer.decode(made[0, asked.shape[1] :], skip_special_tokens=True)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.get("model", ""),
        "choices": [choice],
    }


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200 if self.path == "/health" else 404, {})

    def do_POST(self):
        try:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = (200, completed(request)) if self.path == "/v1/chat/completions" else (404, {})
        except (KeyError, TypeError, ValueError) as error:
            status, answer = 400, {"error": {"message": f"not a chat request: {error!r}"}}
        self.answer(status, answer)

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


HTTPServer(("127.0.0.1", args.port), Handler).serve_forever()
