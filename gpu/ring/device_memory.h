#pragma once

#include "policy/units.h"
#include "sim/input_error.h"

#include <cstddef>
#include <utility>

namespace megabed {

/// Where device memory comes from: the runtime, or a pool with a budget.
class RingAllocator {
public:
    RingAllocator() = default;
    RingAllocator(const RingAllocator&) = delete;
    RingAllocator& operator=(const RingAllocator&) = delete;
    virtual ~RingAllocator() = default;
    /// Aligned to 256 bytes. Errors: Unavailable, with the bytes and CUDA's words.
    [[nodiscard]] virtual Loaded<void*> allocate(Bytes bytes) = 0;
    /// Requires: no kernel that uses the memory runs.
    virtual void release(void* memory) = 0;
};

/// cudaMalloc and cudaFree. The latter waits for every kernel of the device.
[[nodiscard]] RingAllocator& plain_ring_allocator();

/// One block of device memory.
class DeviceMemory {
public:
    DeviceMemory() = default;
    [[nodiscard]] static Loaded<DeviceMemory> make(RingAllocator& allocator, Bytes bytes);
    DeviceMemory(DeviceMemory&& other) noexcept
        : allocator_(other.allocator_), data_(std::exchange(other.data_, nullptr)) {}
    DeviceMemory& operator=(DeviceMemory&& other) noexcept {
        std::swap(allocator_, other.allocator_);
        std::swap(data_, other.data_);
        return *this;
    }
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    ~DeviceMemory();

    [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(data_); }
    /// Leaves the block behind: a kernel that cannot be stopped may still use it, or its context is lost.
    void abandon() { data_ = nullptr; }

private:
    RingAllocator* allocator_ = nullptr;
    void* data_ = nullptr;
};

/// Page-locked host memory that the device reads and writes in place, filled with zeros.
class MappedMemory {
public:
    MappedMemory() = default;
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
    void abandon() { host_ = nullptr; }

private:
    void* host_ = nullptr;
    void* device_ = nullptr;
};

/// Gives up everything the process has on the device, a lost context too, so that it can begin anew.
/// Requires: nobody uses or frees what was there. False: the device does not come back.
[[nodiscard]] bool reset_device();

/// The refusal for a CUDA call that failed, with CUDA's words. `code` is a cudaError_t.
[[nodiscard]] Refusal cuda_failed(const char* doing, int code);

}  // namespace megabed
