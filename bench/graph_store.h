#pragma once

#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstddef>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace megabed {

using SharedGraph = std::shared_ptr<const CsrGraph>;

/// Graphs by source, so that runs that name the same file or SPEC load it once. Threads may share a store: who
/// asks for a graph that another is loading waits for it.
class GraphStore {
public:
    /// Keeps the `kept` graphs that were asked for last; others live as long as somebody holds them.
    explicit GraphStore(std::size_t kept = 1) : kept_max_(kept) {}

    /// Errors: of `load_graph`.
    [[nodiscard]] Loaded<SharedGraph> get(const std::string& source);

private:
    void keep(const std::string& source, SharedGraph graph);

    std::size_t kept_max_;
    std::mutex mutex_;
    std::deque<std::pair<std::string, SharedGraph>> kept_;  ///< the last asked for in front
    std::map<std::string, std::weak_ptr<const CsrGraph>> known_;
    std::map<std::string, std::shared_future<Loaded<SharedGraph>>> loading_;
};

}  // namespace megabed
