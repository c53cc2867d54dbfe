#include "gpu/ring/device_ring.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>

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

Loaded<DeviceRingStorage> DeviceRingStorage::make(const RingSize& size, DevicePool& pool) {
    const RingStorage image(size);
    DeviceRingStorage ring;
    ring.view_ = image.view();
    const std::size_t bytes = lay_out(ring.view_, nullptr);
    auto block = pool.allocate(Bytes(bytes), "the ring of a service");
    if (!block) {
        return Refusal(block.error());
    }
    ring.block_ = std::move(*block);
    lay_out(ring.view_, static_cast<std::byte*>(ring.block_.address()));
    for (const RingArray& array : arrays_of(image.view(), ring.view_)) {
        const std::span host(static_cast<const std::byte*>(array.host), array.bytes);
        if (const auto copied = ring.block_.upload(host, offset_in(ring.block_, array.device)); !copied) {
            return Refusal(copied.error());
        }
    }
    return ring;
}

Loaded<void> DeviceRingStorage::read(RingStorage& into) const {
    for (const RingArray& array : arrays_of(into.view(), view_)) {
        const std::span host(static_cast<std::byte*>(array.host), array.bytes);
        if (auto copied = block_.download(host, offset_in(block_, array.device)); !copied) {
            return copied;
        }
    }
    return {};
}

}  // namespace megabed
