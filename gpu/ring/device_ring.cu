#include "gpu/ring/device_ring.h"

#include <cuda_runtime.h>
#include <array>
#include <cstdint>

namespace megabed {
namespace {

/// One array of a ring: where it lies on either side.
struct RingArray {
    void* host = nullptr;
    void* device = nullptr;
    std::size_t bytes = 0;
};

template <class Value>
RingArray array_of(Value* host, Value* device, std::size_t count) {
    return {host, device, count * sizeof(Value)};
}

std::array<RingArray, 7> arrays_of(const RingView& host, const RingView& device) {
    return {
        array_of(host.control, device.control, 1),
        array_of(host.slots, device.slots, host.slot_count),
        array_of(host.cells, device.cells, std::size_t{kRingQueues} << host.capacity_log2),
        array_of(host.tenants, device.tenants, host.tenant_count),
        array_of(host.done_by_opcode, device.done_by_opcode, host.opcode_count),
        array_of(host.locks, device.locks, host.lock_count),
        array_of(host.workers, device.workers, host.worker_count),
    };
}

/// Gives each array its place in one block. Returns the bytes.
template <class Value>
void place(Value*& array, std::size_t count, std::byte* base, std::size_t& used) {
    constexpr std::size_t kAlignment = 256;
    array = reinterpret_cast<Value*>(base + used);  // NOLINT: a pointer into device memory
    used += div_ceil(count * sizeof(Value), kAlignment) * kAlignment;
}

std::size_t lay_out(RingView& view, std::byte* base) {
    std::size_t used = 0;
    place(view.control, 1, base, used);
    place(view.slots, view.slot_count, base, used);
    place(view.cells, std::size_t{kRingQueues} << view.capacity_log2, base, used);
    place(view.tenants, view.tenant_count, base, used);
    place(view.done_by_opcode, view.opcode_count, base, used);
    place(view.locks, view.lock_count, base, used);
    place(view.workers, view.worker_count, base, used);
    return used;
}

}  // namespace

Loaded<DeviceRingStorage> DeviceRingStorage::make(const RingSize& size, RingAllocator& allocator) {
    const RingStorage image(size);
    DeviceRingStorage ring;
    ring.view_ = image.view();
    const std::size_t bytes = lay_out(ring.view_, nullptr);
    auto memory = DeviceMemory::make(allocator, Bytes(bytes));
    if (!memory) {
        return Refusal(memory.error());
    }
    ring.memory_ = std::move(*memory);
    lay_out(ring.view_, ring.memory_.data());
    for (const RingArray& array : arrays_of(image.view(), ring.view_)) {
        if (const cudaError_t code = cudaMemcpy(array.device, array.host, array.bytes, cudaMemcpyHostToDevice);
            code != cudaSuccess) {
            return cuda_failed("copying a ring to the device", code);
        }
    }
    return ring;
}

Loaded<bool> DeviceRingStorage::read(RingStorage& into, void* stream) const {
    const auto on = static_cast<cudaStream_t>(stream);
    for (const RingArray& array : arrays_of(into.view(), view_)) {
        if (const cudaError_t code =
                cudaMemcpyAsync(array.host, array.device, array.bytes, cudaMemcpyDeviceToHost, on);
            code != cudaSuccess) {
            return cuda_failed("copying a ring from the device", code);
        }
    }
    if (const cudaError_t code = cudaStreamSynchronize(on); code != cudaSuccess) {
        return cuda_failed("copying a ring from the device", code);
    }
    return true;
}

}  // namespace megabed
