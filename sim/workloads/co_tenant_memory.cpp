#include "sim/workloads/co_tenant_memory.h"

#include "sim/engine/draw.h"

#include <algorithm>
#include <cassert>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint64_t kMemoryStream = 1'000'000'000'000;

std::uint64_t held_by(const MemoryRamp& ramp, SimTime time) {
    if (time <= ramp.start) {
        return ramp.from.value();
    }
    if (time >= ramp.end) {
        return ramp.to.value();
    }
    const double share =
        static_cast<double>((time - ramp.start).value()) / static_cast<double>((ramp.end - ramp.start).value());
    const auto from = static_cast<double>(ramp.from.value());
    const auto to = static_cast<double>(ramp.to.value());
    return static_cast<std::uint64_t>(from + share * (to - from));
}

std::uint64_t held_by(const MemoryLeak& leak, SimTime time) {
    if (time <= leak.start) {
        return 0;
    }
    constexpr double kNanoseconds = 1e9;
    const double leaked =
        leak.bytes_per_second * static_cast<double>((time - leak.start).value()) / kNanoseconds;
    return leaked < static_cast<double>(leak.most.value()) ? static_cast<std::uint64_t>(leaked)
                                                           : leak.most.value();
}

}  // namespace

CoTenantMemory::CoTenantMemory(const MemorySettings& settings, std::uint64_t seed, EventScheduler& scheduler)
    : settings_(settings), scheduler_(scheduler) {
    for (std::uint32_t process = 0; process < settings.co_tenants.size(); ++process) {
        states_.push_back({CounterRandom(seed, kMemoryStream + process)});
        schedule_arrival(process);
    }
}

Bytes CoTenantMemory::held(SimTime now) const {
    std::uint64_t bytes = 0;
    for (std::size_t process = 0; process < states_.size(); ++process) {
        const MemoryProcess& settings = settings_.co_tenants[process];
        if (const auto* const ramp = std::get_if<MemoryRamp>(&settings)) {
            bytes += held_by(*ramp, now);
        } else if (const auto* const leak = std::get_if<MemoryLeak>(&settings)) {
            bytes += held_by(*leak, now);
        } else {
            bytes += states_[process].held;
        }
    }
    return Bytes(bytes);
}

void CoTenantMemory::on_event(const SimEvent& event) {
    State& state = states_[event.subject];
    if (event.kind == SimEvent::Kind::MemoryRelease) {
        state.held -= state.blocks[event.detail];
        state.free_blocks.push_back(event.detail);
        return;
    }
    const MemoryProcess& settings = settings_.co_tenants[event.subject];
    if (const auto* const allocations = std::get_if<MemoryAllocations>(&settings)) {
        const double size = draw_exponential(state.random, static_cast<double>(allocations->size_mean.value()));
        const SimTime lifetime = draw_time(state.random, allocations->lifetime_mean);
        take(event.subject, static_cast<std::uint64_t>(size) + 1, lifetime);
    } else if (const auto* const spikes = std::get_if<MemorySpikes>(&settings)) {
        take(event.subject, spikes->size.value(), spikes->length);
    }
    schedule_arrival(event.subject);
}

void CoTenantMemory::schedule_arrival(std::uint32_t process) {
    constexpr double kNanoseconds = 1e9;
    const MemoryProcess& settings = settings_.co_tenants[process];
    CounterRandom& random = states_[process].random;
    SimTime wait{};
    if (const auto* const allocations = std::get_if<MemoryAllocations>(&settings)) {
        wait = draw_time(random, kNanoseconds / allocations->per_second);
    } else if (const auto* const spikes = std::get_if<MemorySpikes>(&settings)) {
        wait = draw_time(random, spikes->every_mean);
    } else {
        return;
    }
    scheduler_.schedule(scheduler_.now() + wait, {SimEvent::Kind::MemoryArrival, process, 0});
}

void CoTenantMemory::take(std::uint32_t process, std::uint64_t bytes, SimTime length) {
    State& state = states_[process];
    std::uint64_t block = state.blocks.size();
    if (state.free_blocks.empty()) {
        state.blocks.push_back(bytes);
    } else {
        block = state.free_blocks.back();
        state.free_blocks.pop_back();
        state.blocks[block] = bytes;
    }
    state.held += bytes;
    scheduler_.schedule(scheduler_.now() + length, {SimEvent::Kind::MemoryRelease, process, block});
}

}  // namespace megabed
