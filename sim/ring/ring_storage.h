#pragma once

#include "sim/ring/ring_layout.h"

#include <cstdint>
#include <vector>

namespace megabed {

/// How large a ring is.
struct RingSize {
    std::uint32_t slots = 0;
    std::uint32_t tenants = 1;
    std::uint32_t opcodes = 1;
    std::uint32_t locks = 0;
    std::uint32_t workers = 1;
};

/// A ring in host memory, every slot free.
class RingStorage {
public:
    /// Requires: at least one slot, and at most 2^30; at least one tenant, opcode and worker.
    explicit RingStorage(const RingSize& size);
    RingStorage(const RingStorage&) = delete;
    RingStorage& operator=(const RingStorage&) = delete;

    [[nodiscard]] const RingView& view() const { return view_; }

private:
    RingControl control_;
    std::vector<RingSlot> slots_;
    std::vector<std::uint64_t> cells_;
    std::vector<TenantControl> tenants_;
    std::vector<std::uint64_t> done_by_opcode_;
    std::vector<std::uint32_t> locks_;
    std::vector<WorkerRecord> workers_;
    RingView view_;
};

/// In words, for messages.
[[nodiscard]] const char* to_string(FaultReason reason);

}  // namespace megabed
