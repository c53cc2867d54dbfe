#include "sim/telemetry_faults.h"

#include <algorithm>
#include <array>
#include <limits>

namespace megabed {
namespace {

constexpr std::uint64_t kFaultStream = 3'000'000'000'000;

/// Whether a request always has this reading.
bool always_there(Signal signal) {
    switch (signal) {
    case Signal::GraphNodes:
    case Signal::GraphEdges:
    case Signal::Density:
    case Signal::Pressure:
        return false;
    default:
        return true;
    }
}

std::uint64_t greatest(Signal signal) {
    switch (signal) {
    case Signal::Density:
    case Signal::Pressure:
        return kWholeBps;
    case Signal::Requeues:
    case Signal::ResidentBytes:
        return std::numeric_limits<std::uint64_t>::max();
    default:
        return std::numeric_limits<std::uint32_t>::max();
    }
}

/// Off by a uniform amount of at most `most`, either way, without leaving the range of the signal.
std::uint64_t corrupted(std::uint64_t value, std::uint32_t most, std::uint64_t draw, std::uint64_t limit) {
    const std::uint64_t span = 2 * std::uint64_t{most} + 1;
    const std::uint64_t shift = draw % span;
    if (shift <= most) {
        const std::uint64_t down = most - shift;
        return value > down ? value - down : 0;
    }
    const std::uint64_t up = shift - most;
    return value > limit - std::min(up, limit) ? limit : value + up;
}

template <class Value>
std::optional<std::uint64_t> widened(const std::optional<Value>& value) {
    return value ? std::optional<std::uint64_t>(*value) : std::nullopt;
}

std::optional<std::uint64_t> widened(const std::optional<BasisPoints>& value) {
    return value ? std::optional<std::uint64_t>(value->value()) : std::nullopt;
}

}  // namespace

std::string_view to_string(Signal signal) {
    constexpr std::array<std::string_view, 10> kNames{
        "queue-length", "hot-opcodes", "hot-windows", "requeues", "priority-age",
        "graph-nodes",  "graph-edges", "density",     "pressure", "resident-bytes"};
    return kNames[static_cast<std::size_t>(signal)];
}

std::string_view to_string(FaultKind kind) {
    constexpr std::array<std::string_view, 5> kNames{"drop", "delay", "quantise", "corrupt", "reorder"};
    return kNames[static_cast<std::size_t>(kind)];
}

TelemetryFaults::TelemetryFaults(const std::vector<TelemetryFault>& faults, std::uint64_t seed)
    : faults_(faults) {
    for (std::size_t fault = 0; fault < faults.size(); ++fault) {
        states_.push_back({CounterRandom(seed, kFaultStream + fault)});
    }
}

Observation TelemetryFaults::deliver(const Observation& truth) {
    Observation observation = truth;
    for (std::size_t at = 0; at < states_.size(); ++at) {
        const TelemetryFault& fault = faults_[at];
        State& state = states_[at];
        const std::uint64_t chance = state.random.next();
        const std::uint64_t draw = state.random.next();
        const bool hit = chance % kWholeBps < fault.share.value();
        const Reading came = read(observation.request, fault.signal);
        Reading delivered = disturb(fault, state, came, launch_, hit, draw);
        if (!delivered && always_there(fault.signal)) {
            delivered = state.delivered ? state.delivered : Reading(0);
        }
        state.delivered = delivered;
        write(observation.request, fault.signal, delivered);
    }
    ++launch_;
    return observation;
}

TelemetryFaults::Reading TelemetryFaults::disturb(const TelemetryFault& fault, State& state, Reading reading,
                                                  std::uint64_t launch, bool hit, std::uint64_t draw) {
    switch (fault.kind) {
    case FaultKind::Drop:
        return hit ? std::nullopt : reading;
    case FaultKind::Quantise:
        return hit && reading ? Reading(*reading - *reading % fault.amount) : reading;
    case FaultKind::Corrupt:
        return hit && reading ? Reading(corrupted(*reading, fault.amount, draw, greatest(fault.signal)))
                              : reading;
    case FaultKind::Delay: {
        // Until there is an old enough reading, the oldest stands for it.
        if (state.past.size() < fault.amount) {
            state.past.push_back(reading);
            return hit ? state.past.front() : reading;
        }
        Reading& oldest = state.past[launch % fault.amount];
        const Reading old = oldest;
        oldest = reading;
        return hit ? old : reading;
    }
    case FaultKind::Reorder:
        break;
    }
    // A late reading arrives after that of the launch which follows; meanwhile the one before it stands.
    if (state.late_in > 0 && --state.late_in == 0) {
        return state.late;
    }
    if (hit && state.late_in == 0) {
        state.late = reading;
        state.late_in = 2;
        return launch == 0 ? reading : state.delivered;
    }
    return reading;
}

TelemetryFaults::Reading TelemetryFaults::read(const LaunchRequest& request, Signal signal) {
    switch (signal) {
    case Signal::QueueLength:
        return request.queue_len;
    case Signal::HotOpcodes:
        return request.hot_opcode_count;
    case Signal::HotWindows:
        return request.hot_window_count;
    case Signal::Requeues:
        return request.requeue_count;
    case Signal::PriorityAge:
        return request.max_priority_age;
    case Signal::GraphNodes:
        return widened(request.graph_node_count);
    case Signal::GraphEdges:
        return widened(request.graph_edge_count);
    case Signal::Density:
        return widened(request.frontier_density);
    case Signal::Pressure:
        return widened(request.memory_pressure);
    case Signal::ResidentBytes:
        return request.resident_device_bytes.value();
    }
    return std::nullopt;
}

void TelemetryFaults::write(LaunchRequest& request, Signal signal, Reading reading) {
    const auto count = static_cast<std::uint32_t>(reading.value_or(0));
    const auto optional_count = reading ? std::optional(count) : std::nullopt;
    const auto share =
        reading ? std::optional(BasisPoints(static_cast<std::uint16_t>(*reading))) : std::nullopt;
    switch (signal) {
    case Signal::QueueLength:
        request.queue_len = count;
        break;
    case Signal::HotOpcodes:
        request.hot_opcode_count = count;
        break;
    case Signal::HotWindows:
        request.hot_window_count = count;
        break;
    case Signal::Requeues:
        request.requeue_count = reading.value_or(0);
        break;
    case Signal::PriorityAge:
        request.max_priority_age = count;
        break;
    case Signal::GraphNodes:
        request.graph_node_count = optional_count;
        break;
    case Signal::GraphEdges:
        request.graph_edge_count = optional_count;
        break;
    case Signal::Density:
        request.frontier_density = share;
        break;
    case Signal::Pressure:
        request.memory_pressure = share;
        break;
    case Signal::ResidentBytes:
        request.resident_device_bytes = Bytes(reading.value_or(0));
        break;
    }
}

}  // namespace megabed
