// Any bytes as policy parameters and up to eight launches in a row, each after the topology of the last one
// that succeeded: the reference policy against its model in unbounded integers. One byte chooses how a field is
// made (absent, a value that comparisons look at, or raw bytes), so that thresholds and extremes, each -1, +0
// and +1, are a few mutations apart. Bytes that are not there read as 0.
#include "properties/reference_model.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace {

using namespace megabed;

class Bytewise {
public:
    Bytewise(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }

    std::uint8_t byte() {
        if (rest_.empty()) {
            return 0;
        }
        const std::uint8_t first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }

    template <class Integer>
    Integer raw() {
        std::uint64_t value = 0;
        for (std::size_t index = 0; index < sizeof(Integer); ++index) {
            value = value << 8U | byte();
        }
        return static_cast<Integer>(value);
    }

    /// Of the selector's 256 values, each entry of the table takes three (-1, +0, +1, stopping at the ends of
    /// the type); what is left over means raw bytes.
    template <class Integer>
    Integer choose(std::uint8_t selector, std::initializer_list<std::uint64_t> table) {
        constexpr Integer kMax = std::numeric_limits<Integer>::max();
        const std::size_t entry = selector / 3U;
        if (entry >= table.size()) {
            return raw<Integer>();
        }
        const auto value = static_cast<Integer>(*(table.begin() + entry));
        switch (selector % 3U) {
        case 0:
            return value;
        case 1:
            return value == 0 ? value : static_cast<Integer>(value - 1);
        default:
            return value == kMax ? value : static_cast<Integer>(value + 1);
        }
    }

    template <class Integer>
    Integer integer(std::initializer_list<std::uint64_t> table) {
        return choose<Integer>(byte(), table);
    }

    /// The selector 255 means absent.
    template <class Integer>
    std::optional<Integer> maybe(std::initializer_list<std::uint64_t> table) {
        const std::uint8_t selector = byte();
        return selector == 255 ? std::nullopt : std::optional(choose<Integer>(selector, table));
    }

    std::uint32_t count(std::uint32_t relative) {
        return integer<std::uint32_t>({relative, 0, 1, 32, 256, 1024, 4096, 65'536, 1U << 31U,
                                       std::numeric_limits<std::uint32_t>::max()});
    }

    BasisPoints bps() {
        return BasisPoints(
            integer<std::uint16_t>({0, 250, 500, 4000, 8500, 9750, 10'000, 65'535 - 250, 65'535}));
    }

private:
    std::span<const std::uint8_t> rest_;
};

LaunchPolicyParameters parameters_from(Bytewise& bytes) {
    LaunchPolicyParameters parameters;
    const std::uint8_t kind = bytes.byte();
    if ((kind & 1U) != 0) {
        parameters.sparse_frontier_threshold = bytes.bps();
        parameters.dense_frontier_threshold = bytes.bps();
        parameters.memory_pressure_threshold = bytes.bps();
    }
    if ((kind & 2U) != 0) {
        parameters.min_hit_capacity = bytes.count(1024);
        parameters.hit_capacity_multiplier = bytes.count(2);
        parameters.saturated_waves = bytes.count(4);
        parameters.hot_opcode_threshold = bytes.count(8);
        parameters.hot_window_threshold = bytes.count(4);
        parameters.jit_queue_len_threshold = bytes.count(2);
        parameters.priority_age_threshold = bytes.count(2);
        parameters.fusion_edge_threshold = bytes.count(2);
        parameters.scratch_bytes_per_hit = bytes.count(16);
    }
    if ((kind & 8U) != 0) {
        parameters.hysteresis = bytes.bps();
    }
    if ((kind & 4U) != 0) {
        parameters.sizing.occupancy_divisor = bytes.count(2);
        parameters.sizing.dispatch_workgroups_max = bytes.count(64);
        parameters.sizing.powerful_invocations = bytes.count(2);
        parameters.sizing.powerful_groups_min = bytes.count(64);
    }
    return parameters;
}

/// A sum or difference that stops at the ends of a reading.
std::uint64_t shifted(BasisPoints threshold, int by) {
    const int shifted = threshold.value() + by;
    return static_cast<std::uint64_t>(shifted < 0 ? 0 : shifted > 65'535 ? 65'535 : shifted);
}

LaunchRequest request_from(Bytewise& bytes, const LaunchPolicyParameters& parameters) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
    const BasisPoints sparse = parameters.sparse_frontier_threshold;
    const BasisPoints dense = parameters.dense_frontier_threshold;
    const BasisPoints memory = parameters.memory_pressure_threshold;
    const int width = parameters.hysteresis.value();
    LaunchRequest request;
    request.queue_len = bytes.count(parameters.jit_queue_len_threshold);
    request.requested_worker_groups =
        bytes.maybe<std::uint32_t>({1, 0, 2, 32, 128, 256, 1024, 1U << 31U, kMax});
    request.max_workgroup_size_x = bytes.count(request.requested_worker_groups.value_or(64));
    request.max_compute_workgroups_per_dimension =
        bytes.integer<std::uint32_t>({65'535, 1, 256, parameters.sizing.occupancy_divisor, 0, kMax});
    request.max_compute_invocations_per_workgroup =
        bytes.integer<std::uint32_t>({1024, 1, parameters.sizing.powerful_invocations, 0, kMax});
    request.requested_hit_capacity = bytes.maybe<std::uint32_t>({1, 0, 1U << 20U, kMax});
    request.expected_hits_per_item = bytes.count(1);
    request.hot_opcode_count = bytes.count(parameters.hot_opcode_threshold);
    request.hot_window_count = bytes.count(parameters.hot_window_threshold);
    request.requeue_count =
        bytes.integer<std::uint64_t>({0, 1, 1ULL << 32U, std::numeric_limits<std::uint64_t>::max()});
    request.max_priority_age = bytes.count(parameters.priority_age_threshold);
    request.graph_node_count =
        bytes.maybe<std::uint32_t>({request.queue_len, 0, 1, std::uint64_t{request.queue_len} * 20, kMax});
    request.graph_edge_count = bytes.maybe<std::uint32_t>({parameters.fusion_edge_threshold, 0, 1, kMax});
    if (const auto density = bytes.maybe<std::uint16_t>(
            {sparse.value(), shifted(sparse, width), shifted(sparse, -width), dense.value(),
             shifted(dense, width), shifted(dense, -width), 0, 10'000, 65'535})) {
        request.frontier_density = BasisPoints(*density);
    }
    if (const auto pressure = bytes.maybe<std::uint16_t>(
            {0, memory.value(), shifted(memory, -width), shifted(memory, width), 10'000, 65'535})) {
        request.memory_pressure = BasisPoints(*pressure);
    }
    constexpr std::uint64_t kBytesMax = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t scratch = std::uint64_t{parameters.min_hit_capacity} * parameters.scratch_bytes_per_hit;
    const auto resident = bytes.integer<std::uint64_t>(
        {0, 1, 1U << 20U, kBytesMax, kBytesMax - scratch, kBytesMax / 10'000, 1ULL << 40U});
    request.resident_device_bytes = Bytes(resident);
    if (const auto budget = bytes.maybe<std::uint64_t>(
            {0, resident, resident + scratch, resident / 85 * 100, 1, 1ULL << 40U, kBytesMax})) {
        request.device_memory_budget = Bytes(*budget);
    }
    return request;
}

/// The first topology: none, or one of the six.
std::optional<DispatchTopology> topology_from(Bytewise& bytes) {
    const std::size_t index = bytes.byte() % (kAllTopologies.size() + 1);
    return index == 0 ? std::nullopt : std::optional(kAllTopologies[index - 1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr int kLaunches = 8;
    Bytewise bytes(data, size);
    const LaunchPolicyParameters parameters = parameters_from(bytes);
    std::optional<DispatchTopology> previous = topology_from(bytes);
    for (int launch = 0; launch < kLaunches && (launch == 0 || !bytes.empty()); ++launch) {
        const LaunchRequest request = request_from(bytes, parameters);
        const auto code = reference::recommend(parameters, request, previous);
        const std::string line = difference(reference_model(parameters, request, previous), code);
        if (!line.empty()) {
            const std::string before = previous ? std::string(to_string(*previous)) : "no topology";
            (void)std::fprintf(stderr, "policy and model differ at launch %d, after %s: %s\n", launch,
                               before.c_str(), line.c_str());
            std::abort();
        }
        if (code) {
            previous = code->recommendation.topology;
        }
    }
    return 0;
}
