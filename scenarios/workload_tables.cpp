#include "scenarios/workload_tables.h"

#include <fmt/format.h>
#include <variant>

namespace megabed {
namespace {

struct TableOf {
    std::string_view operator()(const TraversalWorkload& workload) const {
        switch (workload.traversal.kind) {
        case TraversalKind::BreadthFirst:
            return "bfs";
        case TraversalKind::ShortestPaths:
            return "sssp";
        case TraversalKind::Components:
            return "components";
        case TraversalKind::PageRank:
            return "pagerank";
        }
        return {};
    }
    std::string_view operator()(const SyntheticWorkload& /*workload*/) const { return "synthetic"; }
    std::string_view operator()(const ServiceWorkload& /*workload*/) const { return "service"; }
    std::string_view operator()(const RequestsWorkload& /*workload*/) const { return "requests"; }
};

}  // namespace

std::string_view workload_table(const Workload& workload) { return std::visit(TableOf{}, workload); }

std::string listed_workload_tables() {
    std::string text;
    for (const std::string_view table : kWorkloadTables) {
        text += fmt::format("{}[run.{}]", text.empty() ? "" : ", ", table);
    }
    return text;
}

}  // namespace megabed
