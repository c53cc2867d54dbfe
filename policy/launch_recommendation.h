#pragma once

#include "policy/units.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace megabed {

/// How full the queue is against the lanes that take part.
enum class QueuePressure : std::uint8_t { Empty, Light, Balanced, Saturated };

/// Interpreter: the generic opcode switch. Jit: a kernel fused for the hot opcodes or windows.
enum class ExecutionMode : std::uint8_t { Interpreter, Jit };

/// The shape of one launch.
enum class DispatchTopology : std::uint8_t {
    Empty,              ///< nothing is queued
    SparseFrontier,     ///< push from a queue of frontier vertices
    HybridFrontier,     ///< push, with heavy vertices split into edge tiles
    DenseFrontier,      ///< pull over a bitmap of all vertices
    FusedDense,         ///< several dense waves without a decision in between
    MemoryConstrained,  ///< push in batches that fit the hit capacity
};

inline constexpr std::array kAllTopologies{
    DispatchTopology::Empty,         DispatchTopology::SparseFrontier, DispatchTopology::HybridFrontier,
    DispatchTopology::DenseFrontier, DispatchTopology::FusedDense,     DispatchTopology::MemoryConstrained,
};

/// The spelling used in files and JSON.
[[nodiscard]] constexpr std::string_view to_string(DispatchTopology topology) {
    constexpr std::array<std::string_view, 6> kNames{"empty", "sparse", "hybrid", "dense", "fused", "memory"};
    return kNames[static_cast<std::size_t>(topology)];
}

[[nodiscard]] constexpr std::optional<DispatchTopology> topology_from_name(std::string_view name) {
    for (const DispatchTopology topology : kAllTopologies) {
        if (to_string(topology) == name) {
            return topology;
        }
    }
    return std::nullopt;
}

[[nodiscard]] constexpr std::string_view to_string(QueuePressure pressure) {
    constexpr std::array<std::string_view, 4> kNames{"empty", "light", "balanced", "saturated"};
    return kNames[static_cast<std::size_t>(pressure)];
}

[[nodiscard]] constexpr std::string_view to_string(ExecutionMode mode) {
    return mode == ExecutionMode::Jit ? "jit" : "interpreter";
}

/// Padded geometry of one launch.
struct LaunchGeometry {
    std::uint32_t workgroup_size_x = 0;            ///< lanes a group
    SlotCount slot_count{};                        ///< a multiple of workgroup_size_x unless saturated
    std::array<std::uint32_t, 3> dispatch_grid{};  ///< groups in x, y, z; y = z = 1

    constexpr bool operator==(const LaunchGeometry&) const = default;
};

/// The answer to a LaunchRequest.
struct LaunchRecommendation {
    LaunchGeometry geometry{};
    std::uint32_t worker_groups = 0;
    std::uint32_t hit_capacity = 0;  ///< entries of the output queue
    QueuePressure pressure{};
    ExecutionMode execution_mode{};
    DispatchTopology topology{};
    bool promote_hot_opcodes = false;
    bool promote_hot_windows = false;
    bool age_priority_work = false;
    Bytes estimated_peak_device_bytes{};
    std::optional<Bytes> device_memory_budget{};

    constexpr bool operator==(const LaunchRecommendation&) const = default;
};

}  // namespace megabed
