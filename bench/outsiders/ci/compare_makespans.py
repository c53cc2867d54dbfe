#!/usr/bin/env python3
"""Holds the runs of a policy against those of a baseline: both files as `megabed run SCENARIO --json` writes them.

Usage: compare_makespans.py BASELINE.json POLICY.json [--slower-percent-max P]

Simulated times are equal on every machine, so P may be 0. Both must have been decided at the same place: a plug-in
decides on the host, so give its baseline --decide host. Exit status: 0 no run is slower by more than P percent; 1 one
is, or could not finish its work; 2 bad input.
"""

import argparse
import json
import sys


def refuse(message):
    print(f"compare_makespans: {message}", file=sys.stderr)
    sys.exit(2)


def runs_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            runs = json.load(file)["runs"]
        return {run["name"]: run for run in runs
                if isinstance(run["makespan_ns"], int) and run["decide"] in ("host", "device") and "stopped_by" in run}
    except OSError as error:
        refuse(f"{path}: cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        refuse(f"{path}: is no document of `megabed run --json`")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("Usage: "), add_help=False)
    parser.add_argument("baseline")
    parser.add_argument("policy")
    parser.add_argument("--slower-percent-max", type=float, default=0.0)
    arguments = parser.parse_args()
    before, now = runs_of(arguments.baseline), runs_of(arguments.policy)
    if not now or set(before) != set(now):
        refuse(f"{arguments.policy}: has the runs {sorted(now)}; allowed: those of {arguments.baseline}, {sorted(before)}")
    failed = False
    for name, run in now.items():
        other = before[name]
        if run["decide"] != other["decide"]:
            refuse(f"{name}: decided on the {run['decide']}, the baseline on the {other['decide']}; allowed: the same place")
        percent = 100.0 * (run["makespan_ns"] / max(other["makespan_ns"], 1) - 1.0)
        slower = run["makespan_ns"] * 100 > other["makespan_ns"] * (100 + arguments.slower_percent_max)
        failed = failed or slower or run["stopped_by"] is not None
        verdict = "UNFINISHED" if run["stopped_by"] is not None else "SLOWER" if slower else "ok"
        print(f"{name:<20} {other['policy']} {other['makespan_ns']} ns, {run['policy']} {run['makespan_ns']} ns: "
              f"{percent:+.1f} %, switches {other['topology_switches']} to {run['topology_switches']}: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
