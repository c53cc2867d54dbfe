#include "sim/threads/service_tiles.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace megabed {
namespace {

SimTime time_at(const RingSlot& slot, std::uint32_t word) {
    return SimTime(
        static_cast<std::int64_t>(std::uint64_t{slot.argument[word + 1]} << 32 | slot.argument[word]));
}

}  // namespace

ServiceTiles::ServiceTiles(const ServiceWorkload& workload, std::vector<std::uint32_t> entry_of,
                           unsigned workers, OnDone on_done)
    : warm_up_(workload.warm_up),
      window_slots_(workload.window_slots.value()),
      entry_of_(std::move(entry_of)),
      on_done_(std::move(on_done)),
      tallies_(workers),
      window_epoch_(window_slots_ == 0 ? 0 : div_ceil(workload.ring_slots.value(), window_slots_)),
      window_before_(window_epoch_.size()) {
    for (ServiceTally& tally : tallies_) {
        tally.latencies.resize(workload.tenants.size());
    }
}

TileResult ServiceTiles::run(RingSlot& slot, unsigned worker) {
    const SimTime begin = now();
    if (window_slots_ != 0) {
        const auto index = static_cast<std::size_t>(&slot - slots_);
        window_epoch_[index / window_slots_].store(epoch_.load(std::memory_order_relaxed),
                                                   std::memory_order_relaxed);
    }
    // More threads than cores is the normal case here: only the end of a long item is spun.
    constexpr SimTime kSpun(100'000);
    const SimTime end = begin + time_at(slot, kServiceWork);
    if (end - begin > kSpun + kSpun) {
        std::this_thread::sleep_for(std::chrono::nanoseconds((end - begin - kSpun).value()));
    }
    SimTime time = now();
    while (time < end) {
        time = now();
    }
    ServiceTally& tally = tallies_[worker];
    const SimTime came = time_at(slot, kServiceCame);
    if (came >= warm_up_) {
        tally.latencies[entry_of_[slot.tenant]].add((time - came).value());
    }
    const auto since_warm_up = [&](SimTime from) {
        return static_cast<double>(std::max((time - std::max(from, warm_up_)).value(), std::int64_t{0}));
    };
    tally.in_flight += since_warm_up(came);
    tally.in_ring += since_warm_up(time_at(slot, kServiceEntered));
    tally.at_work += since_warm_up(begin);
    if (on_done_) {
        ServiceItem item;
        item.tenant = slot.tenant;
        item.entry = entry_of_[slot.tenant];
        item.publisher = slot.argument[kServicePublisher];
        on_done_(item, time);
    }
    return TileResult::Done;
}

std::uint32_t ServiceTiles::end_epoch() {
    const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed);
    std::uint32_t revisited = 0;
    for (std::size_t window = 0; window < window_epoch_.size(); ++window) {
        const std::uint32_t touched = window_epoch_[window].load(std::memory_order_relaxed);
        revisited += touched == epoch && window_before_[window] == epoch - 1 ? 1U : 0U;
        window_before_[window] = touched;
    }
    epoch_.store(epoch + 1, std::memory_order_relaxed);
    return revisited;
}

}  // namespace megabed
