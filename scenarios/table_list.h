#pragma once

#include "scenarios/section_reader.h"

#include <fmt/format.h>
#include <algorithm>
#include <string_view>
#include <vector>

namespace megabed {

/// Calls `visit` with a reader and the table of every entry of a list of tables; unknown keys are refused after
/// each, but for tables in `subsections`. A node that is no list of tables is reported.
template <class Visit>
void for_each_table(const toml::node& list, const Layer& layer, std::string_view section, FirstError& errors,
                    const std::vector<std::string_view>& subsections, Visit visit) {
    const toml::array* const entries = list.as_array();
    const bool tables = entries != nullptr && std::all_of(entries->begin(), entries->end(),
                                                          [](const auto& entry) { return entry.is_table(); });
    if (!tables) {
        InputError error{.where = std::string(layer.source),
                         .line = {},
                         .key = std::string(section),
                         .problem = fmt::format("is {}", as_written(list)),
                         .allowed = fmt::format("[[{}]] tables", section)};
        if (layer.has_lines) {
            error.line = list.source().begin.line;
        }
        errors.report(std::move(error));
        return;
    }
    for (const toml::node& node : *entries) {
        const Layer entry_layer{node.as_table(), layer.source, layer.has_lines};
        SectionReader entry(scenario_keys(), section, {entry_layer}, errors);
        visit(entry, entry_layer);
        entry.refuse_unknown(subsections);
    }
}

}  // namespace megabed
