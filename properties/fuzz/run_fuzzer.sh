#!/usr/bin/env bash
# run_fuzzer.sh NAME: replays the corpus of fuzz_NAME, then fuzzes for MEGABED_FUZZ_SECONDS (default 5) from the seed
# MEGABED_FUZZ_SEED (default 1), so that a finding of one machine can be found on another. The target comes from the
# build tree MEGABED_FUZZ_BUILD; without one the test is skipped with status 4, because 77 is how libFuzzer reports a
# finding. New inputs go into a temporary folder; a finding is left beside the target and named in the output.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${MEGABED_FUZZ_BUILD:-$here/../../build/fuzz}/properties/fuzz
if [ ! -x "$folder/fuzz_$1" ]; then
  echo "no fuzz build: clang with libFuzzer was not found"
  exit 4
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$folder/fuzz_$1" -max_total_time="${MEGABED_FUZZ_SECONDS:-5}" -timeout=20 -rss_limit_mb=4096 -max_len=4096 \
  -seed="${MEGABED_FUZZ_SEED:-1}" -verbosity=0 -print_final_stats=1 -artifact_prefix="$folder/finding-" "$work" "$here/corpus/$1"
