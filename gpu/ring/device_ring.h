#pragma once

#include "gpu/memory/device_pool.h"
#include "sim/ring/ring_storage.h"

#include <cstddef>

namespace megabed {

/// A ring in device memory, every slot free.
class DeviceRingStorage {
public:
    DeviceRingStorage() = default;
    /// Requires: as `RingStorage`. Errors: as DevicePool::allocate.
    [[nodiscard]] static Loaded<DeviceRingStorage> make(const RingSize& size, DevicePool& pool);

    /// Where it lies on the device.
    [[nodiscard]] const RingView& view() const { return view_; }
    /// The bytes that the view's arrays lie in.
    [[nodiscard]] DeviceBlock& block() { return block_; }
    [[nodiscard]] const DeviceBlock& block() const { return block_; }
    /// Copies all of it into a ring of the same size in host memory. Errors: as DeviceBlock::download.
    [[nodiscard]] Loaded<void> read(RingStorage& into) const;

private:
    DeviceBlock block_;
    RingView view_;
};

}  // namespace megabed
