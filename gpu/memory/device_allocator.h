#pragma once

#include "policy/units.h"
#include "sim/input_error.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace megabed {

/// Where a pool's bytes come from: the card, or a stand-in for tests. Calls may come from several threads, one
/// at a time.
class DeviceAllocator {
public:
    DeviceAllocator() = default;
    DeviceAllocator(const DeviceAllocator&) = delete;
    DeviceAllocator& operator=(const DeviceAllocator&) = delete;
    virtual ~DeviceAllocator() = default;

    /// Usable from every stream on return. Requires: size > 0. Errors: what the device says.
    [[nodiscard]] virtual Loaded<void*> allocate(Bytes size) = 0;
    /// Requires: from `allocate`, and all work that uses it has finished.
    virtual void release(void* address) noexcept = 0;

    /// Copies that have happened on return; a kernel that stays resident does not hold them up.
    [[nodiscard]] virtual Loaded<void> upload(void* to, std::span<const std::byte> from) = 0;
    [[nodiscard]] virtual Loaded<void> download(std::span<std::byte> to, const void* from) = 0;
    /// Sets every byte.
    [[nodiscard]] virtual Loaded<void> fill(void* to, std::byte value, Bytes size) = 0;

    /// "stream-ordered pool" or "cudaMalloc", for the records.
    [[nodiscard]] virtual std::string_view route() const = 0;
};

/// Memory of the current CUDA device: a stream-ordered pool of its own of at most `cap`, that keeps what is
/// freed for the next allocation; cudaMalloc on cards without such pools. Errors: Unavailable, where there is
/// no CUDA.
[[nodiscard]] Loaded<std::unique_ptr<DeviceAllocator>> cuda_allocator(std::optional<Bytes> cap);

}  // namespace megabed
