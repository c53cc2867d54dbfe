#pragma once

#include "gpu/ring/device_memory.h"
#include "sim/ring/ring_storage.h"

#include <cstddef>

namespace megabed {

/// A ring in device memory, every slot free.
class DeviceRingStorage {
public:
    DeviceRingStorage() = default;
    /// Requires: as `RingStorage`. Errors: Unavailable, in CUDA's words.
    [[nodiscard]] static Loaded<DeviceRingStorage> make(const RingSize& size, RingAllocator& allocator);

    /// Where it lies on the device.
    [[nodiscard]] const RingView& view() const { return view_; }
    /// Copies all of it into a ring of the same size in host memory, by way of `stream` (a cudaStream_t).
    /// Errors: Unavailable, in CUDA's words.
    [[nodiscard]] Loaded<bool> read(RingStorage& into, void* stream) const;
    void abandon() { memory_.abandon(); }

private:
    DeviceMemory memory_;
    RingView view_;
};

}  // namespace megabed
