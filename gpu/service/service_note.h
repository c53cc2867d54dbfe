#pragma once

#include "policy/compiled_policy.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/ring/ring_layout.h"
#include "sim/traversals/frontier_readings.h"

#include <cstdint>
#include <optional>
#include <type_traits>

/// What a service whose launches are decided on the device is told and tells.
namespace megabed {

/// What the device reads before it decides a launch.
struct ServiceReadings {
    std::uint64_t requeues = 0;        ///< since the last decision
    std::uint64_t resident_bytes = 0;  ///< of the ring and of others
    std::uint32_t queue_len = 0;       ///< in flight, or seen in the inbox
    std::uint32_t age_max = 0;         ///< of the last launch, as the fields below
    std::uint32_t hot_opcodes = 0;
    std::uint32_t hot_windows = 0;
};

/// The request that a policy is asked with: the same on host and device. `settings` has what does not change.
[[nodiscard]] constexpr Observation observe_service(const LaunchRequest& settings, std::optional<Bytes> budget,
                                                    const ServiceReadings& readings) {
    Observation observation;
    observation.request = settings;
    LaunchRequest& request = observation.request;
    request.queue_len = readings.queue_len;
    request.requeue_count = readings.requeues;
    request.max_priority_age = readings.age_max;
    request.hot_opcode_count = readings.hot_opcodes;
    request.hot_window_count = readings.hot_windows;
    observe_memory(Bytes(readings.resident_bytes), budget, request);
    return observation;
}

/// What the device decides by.
struct DecisionRules {
    LaunchPolicyParameters parameters{};
    LaunchRequest settings{};
    std::optional<Bytes> budget{};
    CompiledPolicy policy{};
    std::uint32_t age_threshold = 0;  ///< of items that are lifted where a recommendation says so
    std::uint64_t epoch_ns = 0;
    std::uint64_t own_bytes = 0;  ///< resident ones, without others'
};

enum class NoteKind : std::uint32_t {
    Launch,    ///< was carried out
    Refused,   ///< the policy did not answer; the host asks it for the reason
    Relaunch,  ///< decided, and needs groups of another size: the host starts the kernel anew
    Fault,     ///< a launch that a fault ended
};

/// One decision as the device tells it. Times are the device's clock.
struct ServiceNote {
    NoteKind kind{};
    std::uint32_t granted_groups = 0;  ///< 0: an empty launch
    ServiceReadings readings{};
    LaunchRecommendation recommendation{};
    std::uint64_t start_ns = 0;    ///< when it began to decide
    std::uint64_t decided_ns = 0;  ///< when it had decided
    std::uint64_t end_ns = 0;
    std::uint64_t items = 0;
    FaultRecord fault{};
};
inline constexpr std::uint32_t kNoteWords = sizeof(ServiceNote) / sizeof(std::uint32_t);
static_assert(std::is_trivially_copyable_v<ServiceNote> && sizeof(ServiceNote) % sizeof(std::uint32_t) == 0);

/// Where a service that decides for itself stands; kept while its kernel is parked.
struct DecisionLoop {
    PolicyState policy{};
    ServiceReadings next{};  ///< of the launches since the last decision; no queue, no bytes
    ServiceNote note{};      ///< of the launch that is on or waits
    std::uint64_t noted = 0;
    std::uint64_t tenants_end = 0;  ///< in the device's clock
    bool waits = false;             ///< decided; waits for groups of another size
};
static_assert(std::is_trivially_copyable_v<DecisionLoop> && std::is_trivially_copyable_v<DecisionRules>);

}  // namespace megabed
