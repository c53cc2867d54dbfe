#include "sim/graphs/graph_source.h"

#include "sim/graphs/edge_file.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_cache.h"
#include "sim/memory_limit.h"

#include <chrono>
#include <new>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

/// Smaller sources parse in less time than a cache entry takes to be looked after.
constexpr std::uint64_t kCacheFromEdges = 1'000'000;

class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Refusal refuse(const std::string& source, std::string problem, std::string allowed = {}) {
    return Refusal(InputError{
        .where = source, .line = {}, .key = {}, .problem = std::move(problem), .allowed = std::move(allowed)});
}

Loaded<LoadedGraph> build(const std::string& source, Vertex vertices, std::uint64_t arcs_in_file,
                          EdgeList edges, double load_seconds) {
    if (vertices == 0) {
        return refuse(source, "the graph has no vertex", "at least one");
    }
    if (auto error = exceeds_memory(source, vertices, arcs_in_file)) {
        return Refusal(*std::move(error));
    }
    const Stopwatch watch;
    LoadedGraph loaded;
    loaded.arcs_in_file = arcs_in_file;
    loaded.load_seconds = load_seconds;
    loaded.graph = build_undirected(vertices, std::move(edges));
    loaded.build_seconds = watch.seconds();
    return loaded;
}

Loaded<LoadedGraph> load_file(const std::string& source) {
    const Stopwatch watch;
    const auto cache = GraphCache::of_this_user();
    if (cache) {
        if (auto entry = cache->find(source)) {
            LoadedGraph loaded;
            loaded.graph = std::move(entry->graph);
            loaded.arcs_in_file = entry->arcs_in_file;
            loaded.from_cache = true;
            loaded.load_seconds = watch.seconds();
            return loaded;
        }
    }
    auto file = read_edge_file(std::filesystem::path(source));
    if (!file) {
        return Refusal(file.error());
    }
    auto loaded = build(source, file->vertices, file->arcs_in_file, std::move(file->edges), watch.seconds());
    if (loaded && cache && loaded->arcs_in_file >= kCacheFromEdges) {
        cache->store(source, loaded->graph, loaded->arcs_in_file);
    }
    return loaded;
}

/// A misspelt generator is told from a missing file by its shape: letters, then `:key=`.
bool looks_like_spec(const std::string& source) {
    const std::size_t colon = source.find(':');
    const std::size_t equals = source.find('=');
    std::error_code code;
    return colon != std::string::npos && equals != std::string::npos && colon < equals &&
           source.find('/') > colon && !std::filesystem::exists(source, code);
}

}  // namespace

Loaded<LoadedGraph> load_graph(const std::string& source) {
    try {
        if (is_generator_spec(source) || looks_like_spec(source)) {
            const Stopwatch watch;
            auto generated = generate_edges(source);
            if (!generated) {
                return Refusal(generated.error());
            }
            const std::uint64_t edges = generated->edges.size();
            return build(source, generated->vertices, edges, std::move(generated->edges), watch.seconds());
        }
        return load_file(source);
    } catch (const std::bad_alloc&) {
        return refuse(source, "does not fit in memory");
    }
}

}  // namespace megabed
