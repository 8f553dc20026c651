"""Why a question has no answer."""

from __future__ import annotations

from mlwright.api import Result


class InquiryError(Exception):
    """The question makes no sense; the message says what to ask instead."""


class BrokenProjectError(Exception):
    """The project has errors that stand against an answer: those in `result`."""

    def __init__(self, result: Result) -> None:
        super().__init__("the project has errors")
        self.result = result
