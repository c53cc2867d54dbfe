#include "bench/commands/commands.h"
#include "bench/commands/whole_number.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/scenario_runner.h"
#include "bench/summary_table.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/breadth_first_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

struct GraphArguments {
    std::string source;
    std::optional<Vertex> root;
    bool bfs = false;
    std::string backend = "sim";
    bool json = false;
};

struct Search {
    Levels levels;
    double seconds = 0;
};

Json document_of(const LoadedGraph& loaded, const std::optional<Search>& search) {
    Json json;
    json["vertices"] = loaded.graph.vertices();
    json["undirected_edges"] = loaded.graph.undirected_edges();
    json["arcs_in_file"] = loaded.arcs_in_file;
    json["root"] = search ? Json(search->levels.root) : Json(nullptr);
    json["reached"] = search ? Json(search->levels.reached) : Json(nullptr);
    json["levels"] = search ? Json(search->levels.frontier_sizes.size()) : Json(nullptr);
    json["max_frontier"] = search ? Json(search->levels.max_frontier()) : Json(nullptr);
    json["frontier_sizes"] = search ? Json(search->levels.frontier_sizes) : Json(nullptr);
    json["from_cache"] = loaded.from_cache;
    json["seconds"] = {{"load", loaded.load_seconds},
                       {"build", loaded.build_seconds},
                       {"bfs", search ? Json(search->seconds) : Json(nullptr)}};
    return json;
}

void print_for_people(const std::string& source, const LoadedGraph& loaded,
                      const std::optional<Search>& search) {
    const CsrGraph& graph = loaded.graph;
    fmt::print(
        "{}\n  {} vertices, {} undirected edges without loops and duplicates, {} entries in the source\n",
        source, with_commas(graph.vertices()), with_commas(graph.undirected_edges()),
        with_commas(loaded.arcs_in_file));
    fmt::print("  loaded in {:.3f} s{}, built in {:.3f} s, {} in memory\n", loaded.load_seconds,
               loaded.from_cache ? " from the cache" : "", loaded.build_seconds, human_bytes(graph.bytes()));
    if (search) {
        const Levels& levels = search->levels;
        fmt::print(
            "  search from {}: {} vertices in {} levels, largest frontier {}, {:.4f} s\n  frontiers: {}\n",
            levels.root, with_commas(levels.reached), levels.frontier_sizes.size(),
            with_commas(levels.max_frontier()), search->seconds, fmt::join(levels.frontier_sizes, " "));
    }
}

int graph(const GraphArguments& arguments) {
    if (const auto known = check_backend(arguments.backend); !known) {
        return refuse(known.error());
    }
    const auto loaded = load_graph(arguments.source);
    if (!loaded) {
        return refuse(loaded.error());
    }
    const CsrGraph& csr = loaded->graph;
    if (arguments.root && *arguments.root >= csr.vertices()) {
        return refuse({.where = "--root",
                       .line = {},
                       .key = {},
                       .problem = fmt::format("is {}", *arguments.root),
                       .allowed = fmt::format("0 to {}", csr.vertices() - 1)});
    }
    std::optional<Search> search;
    if (arguments.bfs || arguments.root) {
        const auto start = std::chrono::steady_clock::now();
        const unsigned threads = std::max(std::thread::hardware_concurrency(), 1U);
        search = Search{search_levels(csr, arguments.root.value_or(highest_degree_vertex(csr)), threads), 0};
        search->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    if (arguments.json) {
        fmt::print("{}", json_text(document_of(*loaded, search)));
    } else {
        print_for_people(arguments.source, *loaded, search);
    }
    return kExitDone;
}

}  // namespace

void add_graph_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<GraphArguments>();
    CLI::App* const command = app.add_subcommand(
        "graph", "Say what a graph is, and search it breadth-first on the undirected simple graph.");
    command
        ->add_option("SOURCE", arguments->source,
                     "file (Matrix Market, DIMACS 9 .gr, SNAP edge list; plain or gzip) or generator SPEC")
        ->required();
    command->add_flag("--bfs", arguments->bfs,
                      "search from the vertex of highest degree, the lowest id among equals");
    command
        ->add_option("--root", arguments->root,
                     "search from this vertex, 0-based; ids of a SNAP list are renumbered in ascending order")
        ->check(whole_number(std::numeric_limits<Vertex>::max()));
    command->add_option("--backend", arguments->backend, "where to search; see `megabed list backends`")
        ->capture_default_str();
    command->add_flag("--json", arguments->json,
                      "one JSON document on stdout and nothing else; seconds are wall time");
    command->footer("Example: megabed graph rmat:scale=16,edge_factor=16,seed=1 --bfs");
    command->callback([arguments, &action] { action = [arguments] { return graph(*arguments); }; });
}

}  // namespace megabed
