#!/bin/sh
# The same review in any pipeline: sh review.sh BASE, in a checkout that has BASE, with mlwright on PATH.
# Leaves findings.sarif, plan.json and review.md; exits 1 where something has to be mended.
set -u
base=$1
failed=0
mlwright validate . --format sarif --output findings.sarif || failed=1
mlwright validate . || failed=1
mlwright check --full . || failed=1
mlwright diff . --base "$base" --format json > plan.json || failed=1
mlwright diff . --base "$base" --format markdown > review.md || failed=1
exit $failed
