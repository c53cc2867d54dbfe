"""Writes every mutant of the reference policy as C++: make_mutants.py MUTANTS.toml SOURCE_DIR OUT.cpp

A mutant is the policy's own headers and its cache, one text of them replaced, in a namespace of its own. The text
must occur exactly once in its file, so that a mutant cannot rot silently.
"""
import re
import sys
import tomllib
from pathlib import Path

ENTRY = "policy/recommendation_cache.cpp"  # includes the whole reference policy


def refuse(message):
    sys.exit(f"make_mutants.py: {message}")


def amalgamate(root, path, mutant, seen, system):
    """The text of a file with its project includes inlined, once each; system includes are collected."""
    if path in seen:
        return ""
    seen.add(path)
    text = (root / path).read_text()
    if mutant and mutant["file"] == Path(path).name:
        found = text.count(mutant["from"])
        if found != 1:
            refuse(f"mutant {mutant['name']}: {mutant['from']!r} occurs {found} times in {path}")
        text = text.replace(mutant["from"], mutant["to"])
        mutant["applied"] = True
    out = []
    for line in text.splitlines():
        own = re.match(r'#include "([^"]+)"', line)
        if own:
            out.append(amalgamate(root, own.group(1), mutant, seen, system))
        elif line.startswith("#include <"):
            system.add(line)
        elif line.strip() != "#pragma once":
            out.append(line)
    return "\n".join(out)


def main():
    table, source, target = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    mutants = tomllib.loads(table.read_text())["mutant"]
    names = [mutant["name"] for mutant in mutants]
    if len(set(names)) != len(names):
        refuse("two mutants have the same name")
    # The unmutated policy comes first: it must survive, or a killer kills anything.
    body, rows, system = [], [], set()
    for index, mutant in enumerate([None, *mutants]):
        text = amalgamate(source, ENTRY, mutant, set(), system)
        if mutant and not mutant.get("applied"):
            refuse(f"mutant {mutant['name']}: {mutant['file']} is no file of the policy")
        space = f"megabed_mutant_{index}"
        text = re.sub(r"\bmegabed\b", space, text)
        # The headers' own examples kill some mutants when they are compiled; here they must live to be judged.
        text = re.sub(r"^static_assert\(.*?\);\n", "", text, flags=re.DOTALL | re.MULTILINE)
        body.append(text)
        name = mutant["name"] if mutant else "unmutated"
        reason = mutant.get("equivalent", "") if mutant else ""
        rows.append(f'    row_of<{space}::LaunchPolicyParameters, {space}::LaunchRequest, {space}::DispatchTopology,\n'
                    f'           {space}::RecommendationCache, &{space}::reference::recommend>("{name}", "{reason}"),')
    target.write_text("// Made by make_mutants.py.\n" + "\n".join(sorted(system)) + "\n" + "\n".join(body) +
                      '\n#include "properties/mutants/mutant_rows.h"\n\nnamespace megabed {\n\n'
                      "std::vector<MutantRow> mutant_rows() {\n    return {\n" + "\n".join(rows) +
                      "\n    };\n}\n\n}  // namespace megabed\n")


main()
