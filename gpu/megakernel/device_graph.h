#pragma once

#include "gpu/megakernel/run_layout.h"
#include "gpu/memory/device_pool.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace megabed::gpu {

/// A graph as the kernels want it: 4 bytes an arc and 4 a vertex, 4 more where it is renumbered.
/// Where the heaviest vertex has many times the mean degree, vertices are renumbered by falling degree and rows
/// are sorted: a pull then meets hubs first, and the bits that are looked at most lie together.
class DeviceGraph {
public:
    /// `with_heads`: with the head of every row, 16 bytes each, which only searches read.
    /// Errors: more than 2^32 - 1 arcs; as DevicePool::allocate.
    [[nodiscard]] static Loaded<DeviceGraph> upload(DevicePool& pool, const CsrGraph& graph, bool with_heads);

    [[nodiscard]] const GraphView& view() const { return view_; }
    [[nodiscard]] Bytes bytes() const;
    /// The number that a vertex has on the device.
    [[nodiscard]] Vertex on_device(Vertex vertex) const {
        return renumbered_.empty() ? vertex : renumbered_[vertex];
    }

    /// Values by the graph's own numbers.
    template <class Value>
    [[nodiscard]] std::vector<Value> in_order(const std::vector<Value>& on_device_order) const {
        if (renumbered_.empty()) {
            return on_device_order;
        }
        std::vector<Value> ordered(on_device_order.size());
        for (std::size_t vertex = 0; vertex < ordered.size(); ++vertex) {
            ordered[vertex] = on_device_order[renumbered_[vertex]];
        }
        return ordered;
    }

private:
    GraphView view_{};
    std::vector<Vertex> renumbered_;  ///< by own number; empty: not renumbered
    DeviceBuffer<std::uint32_t> row_;
    DeviceBuffer<Vertex> column_;
    DeviceBuffer<RowHead> head_;
    DeviceBuffer<Vertex> original_;
    DeviceBuffer<RowTile> tile_;
};

}  // namespace megabed::gpu
