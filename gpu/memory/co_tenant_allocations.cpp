#include "gpu/memory/co_tenant_allocations.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace megabed {
namespace {

Bytes block_for(std::optional<Bytes> cap) {
    constexpr std::uint64_t kBlocksMax = 4096;
    const std::uint64_t least = CoTenantAllocations::kBlockMin.value();
    const std::uint64_t share = div_ceil(cap.value_or(Bytes(0)).value(), kBlocksMax);
    return Bytes(std::max<std::uint64_t>(div_ceil(share, least), 1) * least);
}

}  // namespace

CoTenantAllocations::CoTenantAllocations(DevicePool& pool) : CoTenantAllocations(pool, block_for(pool.cap())) {}

CoTenantAllocations::CoTenantAllocations(DevicePool& pool, Bytes block) : pool_(pool), block_(block) {
    assert(block >= kBlockMin);
}

Loaded<Bytes> CoTenantAllocations::hold(Bytes wanted) {
    if (wanted == held()) {
        return wanted;
    }
    const auto blocks = static_cast<std::size_t>(wanted.value() / block_.value());
    rest_ = {};
    if (blocks < blocks_.size()) {
        blocks_.resize(blocks);
    }
    while (blocks_.size() < blocks) {
        auto block = pool_.allocate(block_, "co-tenants");
        if (!block) {
            return Refusal(std::move(block.error()));
        }
        blocks_.push_back(std::move(*block));
    }
    auto rest = pool_.allocate(Bytes(wanted.value() % block_.value()), "co-tenants");
    if (!rest) {
        return Refusal(std::move(rest.error()));
    }
    rest_ = std::move(*rest);
    return held();
}

}  // namespace megabed
