#!/usr/bin/env bash
# Instructions per event of the hold model (exponential increments; one event popped, one pushed, random number and
# handler included), counted by callgrind, so that a regression shows on a machine too noisy for times.
#
#   bench/micro/count_instructions.sh            prints them beside the record
#   bench/micro/count_instructions.sh --check    fails where one is more than 10 % above the record
#   bench/micro/count_instructions.sh --record   writes bench/results/instructions_per_event.json
#
# ENGINE_BENCHMARK names the program; by default that of the preset `bench`.
# Exit status: 0 all well, 1 above the record, 2 wrong usage or no program or no record, 3 no valgrind.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly program=${ENGINE_BENCHMARK:-$root/build/bench/bench/engine_benchmark}
readonly record=$root/bench/results/instructions_per_event.json
readonly mode=${1:-print}

case $mode in
print | --check | --record) ;;
*)
    echo "usage: $0 [--check | --record]" >&2
    exit 2
    ;;
esac
if ! command -v valgrind > /dev/null; then
    echo "valgrind is missing; install the package valgrind" >&2
    exit 3
fi
if [[ ! -x $program ]]; then
    echo "$program is missing: cmake --preset bench && cmake --build build/bench --target engine_benchmark" >&2
    exit 2
fi
if [[ $mode == --check && ! -f $record ]]; then
    echo "$record is missing; --record writes it" >&2
    exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for pending in 100 10000 1000000; do
    valgrind --tool=callgrind --callgrind-out-file="$folder/$pending.callgrind" --toggle-collect='*hold_events*' \
        "$program" --benchmark_filter="^hold<Ours, Exponential>/$pending\$" --benchmark_min_time=0 \
        --benchmark_out="$folder/$pending.json" --benchmark_out_format=json > "$folder/$pending.log" 2>&1 || {
        cat "$folder/$pending.log" >&2
        exit 2
    }
done

python3 - "$mode" "$folder" "$record" "$program" "$root" << 'END'
import datetime, json, pathlib, re, subprocess, sys

mode, folder, record, program, root = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), *sys.argv[4:]
SLACK = 1.10


def counted(pending):
    benchmark, = json.loads((folder / f"{pending}.json").read_text())["benchmarks"]
    total = re.search(r"^(?:totals|summary): (\d+)", (folder / f"{pending}.callgrind").read_text(), re.M)
    return round(int(total[1]) / benchmark["held"], 1)


def from_cache(build, key):
    found = re.search(rf"^{key}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    return found[1] if found else ""


now = {pending: counted(pending) for pending in ("100", "10000", "1000000")}
then = json.loads(record.read_text())["instructions_per_event"] if record.exists() else {}
above = False
print(f"{'pending':>9} {'instructions/event':>19} {'record':>8}")
for pending, count in now.items():
    known = then.get(pending)
    worse = known is not None and count > known * SLACK
    above |= worse
    print(f"{pending:>9} {count:>19} {known if known is not None else '-':>8}{'  above the record' if worse else ''}")

if mode == "--record":
    build = pathlib.Path(program).resolve().parent.parent
    compiler = from_cache(build, "CMAKE_CXX_COMPILER")
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    record.write_text(json.dumps({
        "workload": "hold model, exponential increments, 8-byte payload; random number and handler included",
        "command": "bench/micro/count_instructions.sh --record",
        "date": datetime.date.today().isoformat(),
        "compiler": version,
        "flags": (from_cache(build, "CMAKE_CXX_FLAGS") + " " + from_cache(build, "CMAKE_CXX_FLAGS_RELEASE")).strip()
                 + " -std=c++20 -ffp-contract=off",
        "instructions_per_event": now,
    }, indent=2) + "\n")
sys.exit(1 if mode == "--check" and above else 0)
END
