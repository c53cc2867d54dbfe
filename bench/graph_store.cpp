#include "bench/graph_store.h"

#include "sim/graphs/graph_source.h"

#include <algorithm>
#include <exception>

namespace megabed {

void GraphStore::keep(const std::string& source, SharedGraph graph) {
    const auto there =
        std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.first == source; });
    if (there != kept_.end()) {
        kept_.erase(there);
    }
    known_[source] = graph;
    kept_.emplace_front(source, std::move(graph));
    if (kept_.size() > kept_max_) {
        kept_.pop_back();
    }
}

Loaded<SharedGraph> GraphStore::get(const std::string& source) {
    std::unique_lock lock(mutex_);
    if (const auto known = known_.find(source); known != known_.end()) {
        if (SharedGraph graph = known->second.lock()) {
            keep(source, graph);
            return graph;
        }
    }
    if (const auto other = loading_.find(source); other != loading_.end()) {
        const auto future = other->second;
        lock.unlock();
        return future.get();
    }
    if (kept_.size() >= kept_max_ && !kept_.empty()) {
        kept_.pop_back();  // before the new one is there, so that both need not fit the memory
    }
    std::promise<Loaded<SharedGraph>> promise;
    loading_.emplace(source, promise.get_future().share());
    lock.unlock();

    Loaded<SharedGraph> result = nullptr;
    try {
        auto loaded = load_graph(source);
        result = loaded ? Loaded<SharedGraph>(std::make_shared<const CsrGraph>(std::move(loaded->graph)))
                        : Refusal(loaded.error());
    } catch (...) {
        lock.lock();
        loading_.erase(source);
        promise.set_exception(std::current_exception());
        throw;
    }
    lock.lock();
    loading_.erase(source);
    if (result) {
        keep(source, *result);
    }
    promise.set_value(result);
    return result;
}

}  // namespace megabed
