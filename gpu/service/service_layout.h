#pragma once

#include "gpu/service/service_mail.h"
#include "gpu/service/service_note.h"
#include "sim/ring/ring_layout.h"
#include "sim/statistics/histogram.h"

#include <cstdint>
#include <type_traits>

namespace megabed {

/// What the code behind an opcode does. The last ones are for tests of what can go wrong.
enum class ServiceHandler : std::uint32_t {
    None,           ///< there is none: a fault
    Spin,           ///< holds its group for the item's time
    Fails,          ///< a fault
    HangsPolitely,  ///< until the service is shut down
    HangsForever,
};

/// Greatest latency that has a bucket of its own: 2^40 ns, 18 minutes.
inline constexpr std::uint32_t kLatencyBuckets =
    static_cast<std::uint32_t>(Histogram::bucket_of((std::uint64_t{1} << 40) - 1)) + 1;

/// Latencies of one entry of the list of tenants.
struct LatencyCounts {
    std::uint64_t sum = 0;
    std::uint64_t least = ~std::uint64_t{0};
    std::uint64_t greatest = 0;
    std::uint64_t bucket[kLatencyBuckets] = {};
};

/// Item-time sums of one worker in ns, from the end of the warm-up on. The steward has one too.
struct alignas(64) WorkerTally {
    std::uint64_t in_flight = 0;  ///< from coming to done
    std::uint64_t in_ring = 0;    ///< from entering the inbox to done
    std::uint64_t at_work = 0;    ///< from the beginning of the work to done
};

/// What the service remembers while its kernel is parked.
struct ServiceMemory {
    std::uint64_t taken = 0;  ///< items taken out of the inbox
    std::uint32_t command = 0;
    std::uint32_t requeues = 0;       ///< of the ring's, those that were answered
    std::uint64_t answered_done = 0;  ///< items done when it answered last
    std::uint64_t warm_up = 0;        ///< its end, in the device's clock
    std::uint64_t notice[kNoticeBoxes] = {};
    std::uint32_t hot_windows = 0;  ///< windows of this epoch that were touched in the one before
    std::uint32_t groups_gone = 0;  ///< of the running kernel
};

/// Most groups of a kernel.
inline constexpr std::uint32_t kServiceGroupsMax = 8192;

/// An order of the steward to one group that waits: what to do in the bottom half, a tag in the top half. The
/// tag alternates, which is enough: the next order comes when this one is finished. 0: none yet.
struct alignas(32) GroupBox {
    std::uint64_t order = 0;
};
inline constexpr std::uint32_t kWakeOrder = 0xffff'ffff;  ///< claim from the ring; else: the slot of an item
[[nodiscard]] constexpr std::uint32_t order_tag(std::uint32_t parity) { return 1 + parity; }

/// Everything the kernel needs, by value.
struct ServiceState {
    RingView ring{};
    ServiceMail mail{};
    ServiceMemory* memory = nullptr;
    const std::uint32_t* handlers = nullptr;  ///< a ServiceHandler for each opcode
    const std::uint32_t* entry_of = nullptr;  ///< of each tenant
    std::uint64_t* done_before = nullptr;     ///< of each opcode, at the end of the epoch before
    std::uint32_t* window_epoch = nullptr;    ///< of each slot window, when it was touched last
    LatencyCounts* latencies = nullptr;       ///< of each entry
    WorkerTally* tallies = nullptr;           ///< of each worker, then the steward's
    GroupBox* boxes = nullptr;                ///< of each worker
    /// A bit of each worker, in words padded to whole warps: changes when the worker has finished an order.
    std::uint32_t* finished = nullptr;
    const DecisionRules* rules = nullptr;  ///< null: the host decides
    DecisionLoop* loop = nullptr;          ///< likewise
    std::uint32_t window_slots = 0;        ///< 0: windows are not counted
    std::uint32_t hot_share = 0;           ///< basis points
    std::uint64_t deadline = 0;            ///< ns for one item, and for any progress
};
static_assert(std::is_trivially_copyable_v<ServiceState>);

inline constexpr std::uint32_t kServiceLanesMax = 1024;  ///< of a group

/// Longest work of an item that the steward carries out itself, in ns: what handing it on would cost.
inline constexpr std::uint32_t kExpressWork = 500;

}  // namespace megabed
