#pragma once

#include "gpu/memory/device_pool.h"
#include "policy/units.h"

#include <vector>

namespace megabed {

/// What others hold on the device, as real allocations in the pool that the work allocates from too.
/// The pool's cap bites both: where the work holds most of it, the others get less than they want.
class CoTenantAllocations {
public:
    static constexpr Bytes kBlockMin{std::uint64_t{2} << 20};

    /// Blocks of 2 MiB, or of a 4096th of the cap where that is more: a change is a few calls.
    explicit CoTenantAllocations(DevicePool& pool);
    /// Requires: block >= kBlockMin; the pool outlives this.
    CoTenantAllocations(DevicePool& pool, Bytes block);

    /// Grows or shrinks to `wanted` (what `CoTenantMemory::held` says): whole blocks, and one smaller one for
    /// what is left, or the memory pressure of a small budget would move in steps of hundreds of basis points.
    /// Gives the bytes held then. Errors: as DevicePool::allocate; what could be had until then stays held.
    [[nodiscard]] Loaded<Bytes> hold(Bytes wanted);

    [[nodiscard]] Bytes held() const { return Bytes(blocks_.size() * block_.value()) + rest_.size(); }
    [[nodiscard]] Bytes block() const { return block_; }

private:
    DevicePool& pool_;
    Bytes block_;
    std::vector<DeviceBlock> blocks_;
    DeviceBlock rest_;
};

}  // namespace megabed
