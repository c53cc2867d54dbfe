#pragma once

#include "gpu/memory/device_allocator.h"
#include "policy/units.h"
#include "sim/input_error.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace megabed {

/// Bytes of a pool, given back when this is destroyed. Requires: all device work that uses them has finished
/// then.
class DeviceBlock {
public:
    DeviceBlock() = default;
    DeviceBlock(DeviceBlock&& other) noexcept;
    DeviceBlock& operator=(DeviceBlock&& other) noexcept;
    ~DeviceBlock();

    /// An address of the device; null for a block of no bytes.
    [[nodiscard]] void* address() const { return address_; }
    /// As asked for.
    [[nodiscard]] Bytes size() const { return size_; }

    /// Copies of any part. Errors: a range outside the block; what the device says.
    [[nodiscard]] Loaded<void> upload(std::span<const std::byte> from, std::size_t offset = 0);
    [[nodiscard]] Loaded<void> download(std::span<std::byte> to, std::size_t offset = 0) const;
    [[nodiscard]] Loaded<void> fill(std::byte value);

    /// Leaves the bytes behind: a kernel that cannot be ended may still use them. They count as held for good.
    void abandon();

private:
    friend class DevicePool;
    struct Pool;
    DeviceBlock(std::shared_ptr<Pool> pool, void* address, Bytes size);
    [[nodiscard]] Loaded<void> check_range(std::size_t offset, std::size_t bytes) const;

    std::shared_ptr<Pool> pool_;
    void* address_ = nullptr;
    Bytes size_{};
};

/// Where an address of a block lies in it.
[[nodiscard]] inline std::size_t offset_in(const DeviceBlock& block, const void* address) {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                    static_cast<const std::byte*>(block.address()));
}

/// An array of `size()` values in a pool.
template <class Value>
class DeviceBuffer {
    static_assert(std::is_trivially_copyable_v<Value>, "it is copied byte by byte");

public:
    DeviceBuffer() = default;
    explicit DeviceBuffer(DeviceBlock block) : block_(std::move(block)) {}

    [[nodiscard]] Value* data() const { return static_cast<Value*>(block_.address()); }
    [[nodiscard]] std::size_t size() const { return block_.size().value() / sizeof(Value); }
    [[nodiscard]] Bytes bytes() const { return block_.size(); }

    /// Values from `first` on. Errors: as DeviceBlock.
    [[nodiscard]] Loaded<void> upload(std::span<const Value> from, std::size_t first = 0) {
        return block_.upload(std::as_bytes(from), first * sizeof(Value));
    }
    [[nodiscard]] Loaded<void> download(std::span<Value> to, std::size_t first = 0) const {
        return block_.download(std::as_writable_bytes(to), first * sizeof(Value));
    }
    /// Sets every byte, so 0 or all bits.
    [[nodiscard]] Loaded<void> fill_bytes(std::byte value) { return block_.fill(value); }

private:
    DeviceBlock block_;
};

/// Device memory with a cap: nothing is allocated beyond it, whoever asks, and a refusal leaves all else as it
/// was. Blocks keep what they need of the pool alive. Several threads may allocate and free at once.
class DevicePool {
public:
    /// What blocks are rounded up to; `held` and the cap count rounded bytes.
    static constexpr Bytes kGrain{512};

    /// A pool on the current CUDA device; without a cap the card is the limit.
    /// Errors: Unavailable, where there is no CUDA.
    [[nodiscard]] static Loaded<DevicePool> on_device(std::optional<Bytes> cap);
    DevicePool(std::unique_ptr<DeviceAllocator> allocator, std::optional<Bytes> cap);

    /// `name` is what the memory is for, for messages.
    /// Errors: Unavailable, with what was asked, what is held and the cap; what the device says.
    [[nodiscard]] Loaded<DeviceBlock> allocate(Bytes size, std::string_view name);

    template <class Value>
    [[nodiscard]] Loaded<DeviceBuffer<Value>> buffer(std::size_t count, std::string_view name) {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(Value)) {
            return Refusal(too_large(count, sizeof(Value), name));
        }
        auto block = allocate(Bytes(count * sizeof(Value)), name);
        if (!block) {
            return Refusal(std::move(block.error()));
        }
        return DeviceBuffer<Value>(std::move(*block));
    }

    [[nodiscard]] std::optional<Bytes> cap() const;
    [[nodiscard]] Bytes held() const;
    [[nodiscard]] Bytes held_max() const;
    /// Whether the cap has room for a block now. The device may still refuse it.
    [[nodiscard]] bool has_room_for(Bytes size) const;
    /// For the records: how memory is had.
    [[nodiscard]] std::string_view route() const;

private:
    [[nodiscard]] static InputError too_large(std::size_t count, std::size_t each, std::string_view name);

    std::shared_ptr<DeviceBlock::Pool> pool_;
};

}  // namespace megabed
