"""Tuning without an engine: the Jobs of a search, or one that has the search's owner make it."""

from __future__ import annotations

from mlwright.emit.kube import environment, jobs, operated, plan, search
from mlwright.emit.kube.jobs import Manifest
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Pipeline, Search

CONDUCTOR = "conductor"
"""The account of the conductor and of what makes objects for it."""


def search_manifests(objects: Objects, pipeline: Pipeline, node: Search) -> list[Manifest]:
    """All objects of a search, the one first that decides how tuning ends."""
    if not operated.operated(objects.context, node):
        return search.search_manifests(objects, pipeline, node, CONDUCTOR)
    env = {**environment.tracking(objects.project), environment.RUN: ""}
    template = operated.template(objects, pipeline, node, env, account=CONDUCTOR)
    spec = {"backoffLimit": 3, "podFailurePolicy": plan.POD_FAILURES}
    return [jobs.job(objects, plan.name(node.name, node.name), spec, template, node=node.id)]
