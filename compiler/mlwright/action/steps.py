"""The steps, one function each: what they ask of mlwright, what they print, and what they leave for the next ones."""

from __future__ import annotations

from pathlib import Path

from mlwright.action import event, state
from mlwright.action.inputs import Inputs
from mlwright.cli import exits, terminal
from mlwright.cli.findings import repository
from mlwright.diag import Diagnostic, Label, Severity
from mlwright.diag.render import github
from mlwright.review.model import RISKS, Review, Risk

COMMENT_ROOM = 60_000
"""Characters of the review in the comment: GitHub takes 65,536, and the state of the other steps comes below it."""
_ALARMING: tuple[Risk, ...] = ("downtime", "data-loss")


def validate(inputs: Inputs) -> int:
    """All findings, as annotations."""
    from mlwright import api

    result = api.validate(inputs.paths, env=inputs.env, strict=inputs.strict, apart=True)
    _annotate(result.usage_error, result.diagnostics)
    state.Findings(unusable=result.usage_error, items=result.diagnostics).write(inputs.folder, "validate")
    return exits.CLEAN


def check(inputs: Inputs) -> int:
    """Whether the committed output is current; annotations for what `validate` has not said yet."""
    from mlwright import api

    result = api.check(inputs.paths, env=inputs.env, full=True, apart=True).result
    items = tuple(item for item in result.diagnostics if item.code.startswith("CHECK"))
    # Where there is nothing to look at, `validate` has said so.
    told = state.Findings.read(inputs.folder, "validate")
    _annotate("" if told is not None and told.unusable else result.usage_error, state.loud(items))
    state.Findings(unusable=result.usage_error, items=items).write(inputs.folder, "check")
    return exits.CLEAN


def diff(inputs: Inputs) -> int:
    """What the change means, against the commit that the event gives. Where there is none to be had, it says why."""
    from mlwright import api
    from mlwright.gitops import fetch
    from mlwright.gitops.git import GitError

    base = event.base(inputs.event_name, inputs.event, inputs.base)
    if not base.revision:
        return _skipped(inputs, base.why, alarming=False)
    try:
        commit = fetch.base(".", base.revision)
    except GitError as problem:
        return _skipped(inputs, str(problem), alarming=True)
    found = api.diff(inputs.paths, base=commit, envs=(inputs.env,) if inputs.env else (), apart=True)
    if found.review is None:
        return _skipped(inputs, found.result.usage_error, alarming=True)
    _keep(inputs, found.review, commit)
    return exits.CLEAN


def _keep(inputs: Inputs, review: Review, commit: str) -> None:
    from mlwright.review import document, markdown
    from mlwright.review.model import headline

    _annotate("", _hazards(review), closing=False)
    terminal.say(headline(review))
    key = state.comment_key(inputs.place, inputs.env)
    (inputs.folder / "plan.json").write_text(document.document(review) + "\n", encoding="utf-8")
    (inputs.folder / "comment.md").write_text(markdown.render(review, COMMENT_ROOM, key=key), encoding="utf-8")
    (inputs.folder / "change.md").write_text(markdown.render(review, state.SUMMARY_ROOM, key=key), encoding="utf-8")
    state.Change(base=commit, changed=bool(review.projects), risk=review.risk, headline=headline(review)).write(
        inputs.folder
    )


def _skipped(inputs: Inputs, why: str, *, alarming: bool) -> int:
    text = f"the change is not shown: {why}"
    terminal.say(github.command("warning", text, {"title": "mlwright"}) if alarming else text)
    state.Change(why=why).write(inputs.folder)
    return exits.CLEAN


def _hazards(review: Review) -> list[Diagnostic]:
    """What is worth a look beside the line that brings it about, the gravest of each line."""
    found: list[Diagnostic] = []
    for project in review.projects:
        for remark in project.remarks:
            grave = max(remark.hazards, key=lambda one: RISKS.index(one.risk), default=None)
            if grave is not None and grave.risk != "safe" and remark.span is not None:
                severity: Severity = "warning" if grave.risk in _ALARMING else "note"
                text = f"{remark.section}: {remark.text}: {grave.reason}"
                found.append(Diagnostic(code=grave.risk, message=text, at=Label(span=remark.span), severity=severity))
    return found


def _annotate(unusable: str, items: tuple[Diagnostic, ...] | list[Diagnostic], *, closing: bool = True) -> None:
    if unusable:
        terminal.say(github.command("error", unusable, {"title": "mlwright"}))
        return
    shown = state.loud(items)
    if closing or shown:
        terminal.say(github.render(shown, repository(), closing=closing).rstrip("\n"))


def report(inputs: Inputs) -> int:
    """The summary of the job, the SARIF file, and the outputs."""
    from mlwright.action import summary

    made = state.gathered(inputs.folder, inputs.sarif)
    _sarif(made)
    text = summary.render(made)
    (inputs.folder / "summary.md").write_text(text, encoding="utf-8")
    if inputs.summary:
        with Path(inputs.summary).open("a", encoding="utf-8") as stream:
            stream.write(text)
    state.outputs(inputs.output, made)
    return exits.CLEAN


def _sarif(made: state.Gathered) -> None:
    from mlwright import __version__
    from mlwright.api import Result
    from mlwright.diag.render import sarif

    items = state.loud(made.findings)
    path = Path(made.sarif)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sarif.render(items, repository(), Result().read, __version__), encoding="utf-8")


def comment(inputs: Inputs) -> int:
    """One comment at the pull request. A token without the right to it is usual, and no failure."""
    from mlwright.action import summary
    from mlwright.remote.comment import Issue, NoRightError
    from mlwright.remote.http import Http, RemoteError
    from mlwright.review.markdown import marker

    number = event.pull_request(inputs.event_name, inputs.event)
    if number is None or not inputs.token:
        terminal.say("no comment: it takes a pull request and a token")
        return exits.CLEAN
    made = state.gathered(inputs.folder)
    key = state.comment_key(inputs.place, inputs.env)
    body = summary.comment(made, marker(key))
    worth = made.change.changed or made.errors > 0 or made.warnings > 0
    try:
        issue = Issue(http=Http(inputs.api), repository=inputs.repository, number=number, token=inputs.token)
        done = issue.put(marker(key), body, create=worth)
    except NoRightError as problem:
        text = f"the token may not write comments here ({problem}): the review is in the summary of this job"
        terminal.say(github.command("notice", text, {"title": "mlwright"}))
    except RemoteError as problem:
        text = f"there is no comment: {problem}; the review is in the summary of this job"
        terminal.say(github.command("warning", text, {"title": "mlwright"}))
    else:
        terminal.say(f"comment: {done}")
    return exits.CLEAN


def verdict(inputs: Inputs) -> int:
    """Exit 1 where `fail-on` says so, or nothing could be looked at."""
    made = state.gathered(inputs.folder)
    reasons = [made.unusable] if made.unusable else []
    wanted = inputs.fail_on
    if "never" not in wanted and made.errors:
        reasons.append(state.count(made.errors, "error"))
    if "warning" in wanted and made.warnings:
        reasons.append(f"{state.count(made.warnings, 'warning')}, and `fail-on` has `warning`")
    least = min((RISKS.index(word) for word in wanted if word in RISKS), default=len(RISKS))
    if RISKS.index(made.change.risk) >= least:
        reasons.append(f"the change is of the class `{made.change.risk}`, and `fail-on` has `{RISKS[least]}`")
    for reason in reasons:
        terminal.say(github.command("error", reason, {"title": "mlwright"}))
    if not reasons:
        terminal.say("nothing that `fail-on` names")
    return exits.FINDINGS if reasons else exits.CLEAN
