#pragma once

#include "policy/units.h"
#include "sim/input_error.h"

#include <cstddef>
#include <utility>

namespace megabed {

/// Page-locked host memory that the device reads and writes in place, filled with zeros. It is no part of a
/// pool: no budget of the device covers it.
class MappedMemory {
public:
    MappedMemory() = default;
    /// Errors: Unavailable, in CUDA's words.
    [[nodiscard]] static Loaded<MappedMemory> make(Bytes bytes);
    MappedMemory(MappedMemory&& other) noexcept
        : host_(std::exchange(other.host_, nullptr)), device_(std::exchange(other.device_, nullptr)) {}
    MappedMemory& operator=(MappedMemory&& other) noexcept {
        std::swap(host_, other.host_);
        std::swap(device_, other.device_);
        return *this;
    }
    MappedMemory(const MappedMemory&) = delete;
    MappedMemory& operator=(const MappedMemory&) = delete;
    ~MappedMemory();

    [[nodiscard]] std::byte* host() const { return static_cast<std::byte*>(host_); }
    /// The same bytes as the device addresses them.
    [[nodiscard]] std::byte* device() const { return static_cast<std::byte*>(device_); }
    /// Leaves the bytes behind: a kernel that cannot be ended may still use them.
    void abandon() { host_ = nullptr; }

private:
    void* host_ = nullptr;
    void* device_ = nullptr;
};

}  // namespace megabed
