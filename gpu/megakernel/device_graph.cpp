#include "gpu/megakernel/device_graph.h"

#include "sim/engine/thread_team.h"
#include "sim/graphs/hub_order.h"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <thread>
#include <utility>

namespace megabed::gpu {
namespace {

/// A graph in the order that the device has it in.
struct DeviceOrder {
    std::vector<Vertex> renumbered;  ///< by own number; both empty where nothing is renumbered
    std::vector<Vertex> original;
    std::vector<std::uint32_t> row;
    std::vector<Vertex> column;
    std::vector<RowHead> head;
    std::vector<RowTile> tile;
    Vertex with_arcs = 0;  ///< no vertex from this on has arcs
};

void renumber(const CsrGraph& graph, DeviceOrder& order) {
    order.original = by_falling_degree(graph);
    order.renumbered.resize(graph.vertices());
    for (Vertex place = 0; place < graph.vertices(); ++place) {
        order.renumbered[order.original[place]] = place;
    }
}

void fill_row(const CsrGraph& graph, DeviceOrder& order, Vertex place) {
    const bool same = order.original.empty();
    const auto neighbours = graph.neighbours(same ? place : order.original[place]);
    const auto row = order.column.begin() + order.row[place];
    std::transform(neighbours.begin(), neighbours.end(), row,
                   [&](Vertex neighbour) { return same ? neighbour : order.renumbered[neighbour]; });
    if (!same) {
        std::sort(row, row + static_cast<std::ptrdiff_t>(neighbours.size()));
    }
    if (order.head.empty()) {
        return;
    }
    RowHead& head = order.head[place];
    if (neighbours.size() > kWholeRowMost) {
        head = {{std::max(row[0], row[1]), std::min(row[0], row[1]), order.row[place],
                 static_cast<std::uint32_t>(neighbours.size())}};
        return;
    }
    std::fill(std::begin(head.at), std::end(head.at), place);
    std::copy_n(row, neighbours.size(), std::begin(head.at));
    std::sort(std::begin(head.at), std::end(head.at));
}

DeviceOrder in_device_order(const CsrGraph& graph, bool with_heads) {
    DeviceOrder order;
    if (graph.is_skewed()) {
        renumber(graph, order);
    }
    order.row.resize(std::size_t{graph.vertices()} + 1);
    order.column.resize(graph.arcs());
    order.head.resize(with_heads ? graph.vertices() : 0);
    for (Vertex place = 0; place < graph.vertices(); ++place) {
        const auto degree =
            static_cast<std::uint32_t>(graph.degree(order.original.empty() ? place : order.original[place]));
        order.row[place + std::size_t{1}] = order.row[place] + degree;
        order.with_arcs = degree != 0 ? place + 1 : order.with_arcs;
        if (!with_heads && degree >= kLongRowArcs) {
            const std::uint32_t end = order.row[place + std::size_t{1}];
            for (std::uint32_t arc = order.row[place]; arc != end; arc = std::min(arc + kRowTileArcs, end)) {
                order.tile.push_back({place, arc, std::min(arc + kRowTileArcs, end)});
            }
        }
    }
    constexpr Vertex kPiece = 1024;
    std::atomic<Vertex> taken = 0;
    ThreadTeam team(std::max(std::thread::hardware_concurrency(), 1U));
    team.run([&](unsigned /*number*/) {
        for (Vertex first = taken.fetch_add(kPiece); first < graph.vertices();
             first = taken.fetch_add(kPiece)) {
            for (Vertex place = first; place < graph.vertices() && place - first < kPiece; ++place) {
                fill_row(graph, order, place);
            }
        }
    });
    return order;
}

template <class Value>
Loaded<DeviceBuffer<Value>> uploaded(DevicePool& pool, const std::vector<Value>& values,
                                     std::string_view name) {
    auto buffer = pool.buffer<Value>(values.size(), name);
    if (!buffer) {
        return buffer;
    }
    if (const auto done = buffer->upload(values); !done) {
        return Refusal(done.error());
    }
    return buffer;
}

}  // namespace

Loaded<DeviceGraph> DeviceGraph::upload(DevicePool& pool, const CsrGraph& graph, bool with_heads) {
    constexpr std::uint64_t kArcsMax = std::numeric_limits<std::uint32_t>::max();
    if (graph.arcs() > kArcsMax) {
        return Refusal(InputError{.where = "--backend cuda",
                                  .line = {},
                                  .key = "graph",
                                  .problem = fmt::format("has {} arcs", graph.arcs()),
                                  .allowed = fmt::format("at most {} (an edge is two arcs)", kArcsMax)});
    }
    DeviceOrder order = in_device_order(graph, with_heads);
    DeviceGraph device;
    const auto take = [&](auto& into, const auto& values, std::string_view name) -> Loaded<void> {
        auto buffer = uploaded(pool, values, name);
        if (!buffer) {
            return Refusal(buffer.error());
        }
        into = *std::move(buffer);
        return {};
    };
    for (const auto& taken :
         {take(device.row_, order.row, "rows of the graph"),
          take(device.column_, order.column, "arcs of the graph"), take(device.head_, order.head, "row heads"),
          take(device.original_, order.original, "vertex numbers"),
          take(device.tile_, order.tile, "tiles of long rows")}) {
        if (!taken) {
            return Refusal(taken.error());
        }
    }
    device.renumbered_ = std::move(order.renumbered);
    device.view_ = {graph.vertices(),
                    order.with_arcs,
                    static_cast<std::uint32_t>(graph.arcs()),
                    device.row_.data(),
                    device.column_.data(),
                    device.head_.data(),
                    device.renumbered_.empty() ? nullptr : device.original_.data(),
                    device.tile_.data(),
                    static_cast<std::uint32_t>(order.tile.size())};
    return device;
}

Bytes DeviceGraph::bytes() const {
    return row_.bytes() + column_.bytes() + head_.bytes() + original_.bytes() + tile_.bytes();
}

}  // namespace megabed::gpu
