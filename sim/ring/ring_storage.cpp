#include "sim/ring/ring_storage.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>

namespace megabed {

RingStorage::RingStorage(const RingSize& size)
    : slots_(size.slots),
      cells_(kRingQueues * std::size_t{std::bit_ceil(size.slots)}),
      tenants_(size.tenants),
      done_by_opcode_(size.opcodes),
      locks_(size.locks),
      workers_(size.workers) {
    assert(size.slots >= 1 && size.slots <= 1U << 30 && size.tenants >= 1 && size.opcodes >= 1 &&
           size.workers >= 1);
    view_.control = &control_;
    view_.slots = slots_.data();
    view_.cells = cells_.data();
    view_.tenants = tenants_.data();
    view_.done_by_opcode = done_by_opcode_.data();
    view_.locks = locks_.data();
    view_.workers = workers_.data();
    view_.slot_count = size.slots;
    view_.capacity_log2 = static_cast<std::uint32_t>(std::bit_width(std::bit_ceil(size.slots)) - 1);
    view_.tenant_count = size.tenants;
    view_.opcode_count = size.opcodes;
    view_.lock_count = size.locks;
    view_.worker_count = size.workers;
    // All slots in the free queue, their cells ready to be read.
    const std::size_t free_cells = std::size_t{kFreeQueue} << view_.capacity_log2;
    for (std::uint32_t slot = 0; slot < size.slots; ++slot) {
        cells_[free_cells + slot] = std::uint64_t{1} << 32 | slot;
    }
    control_.queues[kFreeQueue].tail = size.slots;
    control_.queues[kFreeQueue].items = size.slots;
}

const char* to_string(FaultReason reason) {
    constexpr std::array<const char*, 9> kWords{
        "no fault",
        "its opcode has no handler",
        "its tenant is unknown",
        "its lock is unknown",
        "a queue held the index of no published slot",
        "a worker did not finish it within the deadline",
        "no worker claimed it within the deadline",
        "its handler failed",
        "its priority class is unknown",
    };
    return kWords[static_cast<std::size_t>(reason)];
}

}  // namespace megabed
