#include "gpu/memory/device_pool.h"

#include "gpu/memory/cuda_check.h"

#include <fmt/format.h>
#include <algorithm>
#include <cassert>
#include <mutex>
#include <string>

namespace megabed {

struct DeviceBlock::Pool {
    std::unique_ptr<DeviceAllocator> allocator;
    std::optional<Bytes> cap;
    std::mutex mutex{};
    Bytes held{};
    Bytes held_max{};

    /// Requires: the mutex.
    [[nodiscard]] bool has_room_for(Bytes rounded) const {
        return !cap || (rounded <= *cap && held <= *cap - rounded);
    }
};

namespace {

/// Rounded up to the grain; absent where that does not fit.
std::optional<Bytes> rounded_up(Bytes size) {
    const std::uint64_t grain = DevicePool::kGrain.value();
    const std::uint64_t grains = div_ceil(size.value(), grain);
    if (grains > Bytes::max().value() / grain) {
        return std::nullopt;
    }
    return Bytes(grains * grain);
}

std::string cap_text(std::optional<Bytes> cap) {
    return cap ? fmt::format("{} bytes", cap->value()) : std::string("none");
}

}  // namespace

DeviceBlock::DeviceBlock(std::shared_ptr<Pool> pool, void* address, Bytes size)
    : pool_(std::move(pool)), address_(address), size_(size) {}

DeviceBlock::DeviceBlock(DeviceBlock&& other) noexcept
    : pool_(std::move(other.pool_)),
      address_(std::exchange(other.address_, nullptr)),
      size_(std::exchange(other.size_, Bytes(0))) {}

DeviceBlock& DeviceBlock::operator=(DeviceBlock&& other) noexcept {
    if (this != &other) {
        DeviceBlock old(std::move(*this));
        pool_ = std::move(other.pool_);
        address_ = std::exchange(other.address_, nullptr);
        size_ = std::exchange(other.size_, Bytes(0));
    }
    return *this;
}

DeviceBlock::~DeviceBlock() {
    if (address_ != nullptr) {
        const std::lock_guard lock(pool_->mutex);
        pool_->allocator->release(address_);
        pool_->held -= *rounded_up(size_);
    }
}

void DeviceBlock::abandon() {
    address_ = nullptr;
    size_ = Bytes(0);
}

Loaded<void> DeviceBlock::check_range(std::size_t offset, std::size_t bytes) const {
    if (offset > size_.value() || bytes > size_.value() - offset) {
        return cuda_refusal("device memory",
                            fmt::format("a copy of {} bytes from byte {} on of a block", bytes, offset),
                            fmt::format("bytes 0 to {}", size_.value()));
    }
    return {};
}

Loaded<void> DeviceBlock::upload(std::span<const std::byte> from, std::size_t offset) {
    auto checked = check_range(offset, from.size());
    if (!checked || from.empty()) {
        return checked;
    }
    const std::lock_guard lock(pool_->mutex);
    return pool_->allocator->upload(static_cast<std::byte*>(address_) + offset, from);
}

Loaded<void> DeviceBlock::download(std::span<std::byte> to, std::size_t offset) const {
    auto checked = check_range(offset, to.size());
    if (!checked || to.empty()) {
        return checked;
    }
    const std::lock_guard lock(pool_->mutex);
    return pool_->allocator->download(to, static_cast<const std::byte*>(address_) + offset);
}

Loaded<void> DeviceBlock::fill(std::byte value) {
    if (address_ == nullptr) {
        return {};
    }
    const std::lock_guard lock(pool_->mutex);
    return pool_->allocator->fill(address_, value, size_);
}

Loaded<DevicePool> DevicePool::on_device(std::optional<Bytes> cap) {
    auto allocator = cuda_allocator(cap);
    if (!allocator) {
        return Refusal(std::move(allocator.error()));
    }
    return DevicePool(std::move(*allocator), cap);
}

DevicePool::DevicePool(std::unique_ptr<DeviceAllocator> allocator, std::optional<Bytes> cap)
    : pool_(std::make_shared<DeviceBlock::Pool>()) {
    pool_->allocator = std::move(allocator);
    pool_->cap = cap;
}

Loaded<DeviceBlock> DevicePool::allocate(Bytes size, std::string_view name) {
    if (size == Bytes(0)) {
        return DeviceBlock(pool_, nullptr, size);
    }
    const auto rounded = rounded_up(size);
    const std::lock_guard lock(pool_->mutex);
    if (!rounded || !pool_->has_room_for(*rounded)) {
        return cuda_refusal("device memory",
                            fmt::format("{}: {} bytes asked, {} bytes held, and the cap is {}", name,
                                        size.value(), pool_->held.value(), cap_text(pool_->cap)),
                            "a larger budget, or less work at once");
    }
    auto address = pool_->allocator->allocate(*rounded);
    if (!address) {
        InputError error = std::move(address.error());
        error.problem = fmt::format("{}: {} bytes asked, {} bytes held, and the cap is {}: {}", name,
                                    size.value(), pool_->held.value(), cap_text(pool_->cap), error.problem);
        return Refusal(std::move(error));
    }
    pool_->held += *rounded;
    pool_->held_max = std::max(pool_->held_max, pool_->held);
    return DeviceBlock(pool_, *address, size);
}

std::optional<Bytes> DevicePool::cap() const { return pool_->cap; }

Bytes DevicePool::held() const {
    const std::lock_guard lock(pool_->mutex);
    return pool_->held;
}

Bytes DevicePool::held_max() const {
    const std::lock_guard lock(pool_->mutex);
    return pool_->held_max;
}

bool DevicePool::has_room_for(Bytes size) const {
    const auto rounded = rounded_up(size);
    const std::lock_guard lock(pool_->mutex);
    return rounded && pool_->has_room_for(*rounded);
}

std::string_view DevicePool::route() const { return pool_->allocator->route(); }

InputError DevicePool::too_large(std::size_t count, std::size_t each, std::string_view name) {
    return cuda_refusal(
               "device memory",
               fmt::format("{}: {} values of {} bytes asked, more than any memory holds", name, count, each),
               {})
        .value();
}

}  // namespace megabed
