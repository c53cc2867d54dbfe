#include "sim/threads/tenant_arrivals.h"

#include "sim/engine/counter_random.h"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <variant>

namespace megabed {
namespace {

constexpr double kNanoseconds = 1e9;
constexpr std::uint64_t kTenantStream = 1000;

}  // namespace

TenantArrivals::TenantArrivals(const Tenant& tenant, const ServiceWorkload& workload, std::uint64_t seed,
                               std::uint64_t stream)
    : tenant_(tenant), workload_(workload), random_(CounterRandom(seed, kTenantStream + stream).next()) {
    if (tenant.opcode_length_mean > SimTime(0)) {
        opcode_until_ = exponential_time(tenant.opcode_length_mean);
    }
}

double TenantArrivals::exponential(double mean) {
    return boost::random::exponential_distribution<double>(1.0 / mean)(random_);
}

SimTime TenantArrivals::exponential_time(SimTime mean) {
    const auto drawn =
        static_cast<std::int64_t>(exponential(static_cast<double>(std::max(mean, SimTime(1)).value())));
    return SimTime(std::max<std::int64_t>(drawn, 1));
}

std::uint64_t TenantArrivals::below(std::uint64_t limit) {
    return boost::random::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
}

std::uint32_t TenantArrivals::clients() const {
    const auto* const closed = std::get_if<ClosedArrivals>(&tenant_.arrivals);
    return closed == nullptr ? 0 : closed->clients;
}

SimTime TenantArrivals::think() {
    return exponential_time(std::get<ClosedArrivals>(tenant_.arrivals).think_mean);
}

std::optional<SimTime> TenantArrivals::next(SimTime after) {
    if (const auto* const trace = std::get_if<TraceArrivals>(&tenant_.arrivals)) {
        return trace_at_ < trace->items.size() ? std::optional(trace->items[trace_at_].time) : std::nullopt;
    }
    if (const auto* const open = std::get_if<OpenArrivals>(&tenant_.arrivals)) {
        return next_of(*open, after);
    }
    return std::nullopt;
}

/// A Poisson process has no memory: what was drawn beyond the end of a state is drawn anew in the next.
SimTime TenantArrivals::next_of(const OpenArrivals& arrivals, SimTime after) {
    if (arrivals.states.empty()) {
        return after +
               exponential_time(SimTime(static_cast<std::int64_t>(kNanoseconds / arrivals.items_per_second)));
    }
    auto time = static_cast<double>(after.value());
    while (true) {
        const RateState& state = arrivals.states[state_];
        if (state_until_ < 0) {
            state_until_ = exponential(static_cast<double>(state.length_mean.value()));
        }
        if (state.items_per_second > 0) {
            const double arrival = time + exponential(kNanoseconds / state.items_per_second);
            if (arrival < state_until_) {
                return SimTime(std::max(static_cast<std::int64_t>(arrival), after.value() + 1));
            }
        }
        time = state_until_;
        // Past the end nobody asks: this also ends a process whose rates are all 0.
        if (time > static_cast<double>(workload_.duration.value())) {
            return SimTime(std::max(static_cast<std::int64_t>(time), after.value() + 1));
        }
        const std::uint64_t step = 1 + below(arrivals.states.size() - 1);
        state_ = (state_ + step) % arrivals.states.size();
        state_until_ = time + exponential(static_cast<double>(arrivals.states[state_].length_mean.value()));
    }
}

SimTime TenantArrivals::work_of(const ItemTime& time) {
    switch (time.law) {
    case ItemTimeLaw::Constant:
        return time.mean;
    case ItemTimeLaw::Exponential:
        return exponential_time(time.mean);
    case ItemTimeLaw::Uniform:
        return SimTime(static_cast<std::int64_t>(below(2 * static_cast<std::uint64_t>(time.mean.value()) + 1)));
    }
    return time.mean;
}

ArrivingItem TenantArrivals::item(SimTime time) {
    ArrivingItem made;
    while (tenant_.opcode_length_mean > SimTime(0) && opcode_until_ <= time) {
        opcode_at_ = (opcode_at_ + 1) % tenant_.opcodes.size();
        opcode_until_ += exponential_time(tenant_.opcode_length_mean);
    }
    made.opcode = tenant_.opcodes[opcode_at_];
    if (const auto* const trace = std::get_if<TraceArrivals>(&tenant_.arrivals)) {
        const TraceItem& line = trace->items[trace_at_++];
        made.opcode = line.opcode;
        made.work = line.work;
    }
    if (made.work == SimTime(0)) {
        made.work = work_of(tenant_.item.value_or(workload_.item));
    }
    if (tenant_.contended_keys != 0) {
        made.key = 1 + static_cast<std::uint32_t>(below(tenant_.contended_keys));
    }
    return made;
}

}  // namespace megabed
