#!/bin/sh
# The same review in any pipeline: sh review.sh BASE, in a checkout that has BASE, with mlwright on PATH.
# Leaves findings.sarif and plan.json; exits 1 where something has to be mended.
set -u
base=$1
failed=0
mlwright validate . --format sarif --output findings.sarif || failed=1
mlwright validate . || failed=1
mlwright check --full . || failed=1
mlwright diff . --base "$base" --format json > plan.json || failed=1
mlwright diff . --base "$base" || failed=1
exit $failed
