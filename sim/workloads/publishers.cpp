#include "sim/workloads/publishers.h"

#include "sim/engine/draw.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint64_t kArrivalStream = 1000;
constexpr std::uint64_t kItemStream = 2'000'000'000'000;
constexpr double kNanoseconds = 1e9;

SimTime draw_work(CounterRandom& random, const ItemTime& item) {
    switch (item.law) {
    case ItemTimeLaw::Exponential:
        return draw_time(random, item.mean);
    case ItemTimeLaw::Uniform:
        return SimTime(
            static_cast<std::int64_t>(random.next() % (2 * static_cast<std::uint64_t>(item.mean.value()) + 1)));
    case ItemTimeLaw::Constant:
        break;
    }
    return item.mean;
}

}  // namespace

Publishers::Publishers(const ServiceWorkload& workload, std::uint64_t seed, EventScheduler& scheduler)
    : workload_(workload), scheduler_(scheduler) {
    for (const Tenant& tenant : workload.tenants) {
        opcodes_.insert(opcodes_.end(), tenant.opcodes.begin(), tenant.opcodes.end());
        if (const auto* const trace = std::get_if<TraceArrivals>(&tenant.arrivals)) {
            for (const TraceItem& item : trace->items) {
                opcodes_.push_back(item.opcode);
            }
        }
    }
    std::sort(opcodes_.begin(), opcodes_.end());
    opcodes_.erase(std::unique(opcodes_.begin(), opcodes_.end()), opcodes_.end());
    for (std::uint32_t entry = 0; entry < workload.tenants.size(); ++entry) {
        for (std::uint32_t twin = 0; twin < workload.tenants[entry].count; ++twin) {
            add_tenant(entry, seed);
        }
    }
}

void Publishers::add_tenant(std::uint32_t entry, std::uint64_t seed) {
    const Tenant& tenant = workload_.tenants[entry];
    const auto* const closed = std::get_if<ClosedArrivals>(&tenant.arrivals);
    const std::uint32_t clients = closed == nullptr ? 1 : closed->clients;
    for (std::uint32_t client = 0; client < clients; ++client) {
        add_publisher(entry, seed);
    }
    ++tenants_;
    keys_ += tenant.contended_keys;
}

void Publishers::add_publisher(std::uint32_t entry, std::uint64_t seed) {
    const auto number = static_cast<std::uint32_t>(publishers_.size());
    Publisher publisher{CounterRandom(seed, kArrivalStream + number),
                        CounterRandom(seed, kItemStream + number)};
    publisher.tenant = tenants_;
    publisher.entry = entry;
    publisher.first_key = keys_ + 1;
    publishers_.push_back(publisher);
    schedule_arrival(number);
    schedule_rate_change(number);
    schedule_opcode_change(number);
}

/// Tenants publish until the duration is over: later events would change nothing.
void Publishers::schedule(std::uint32_t publisher, SimTime wait, SimEvent::Kind kind) {
    const SimTime time = scheduler_.now() + wait;
    if (time >= workload_.duration) {
        return;
    }
    const EventHandle handle = scheduler_.schedule(time, {kind, publisher, 0});
    if (kind == SimEvent::Kind::Arrival) {
        publishers_[publisher].next_arrival = handle;
    }
}

void Publishers::schedule_arrival(std::uint32_t number) {
    Publisher& publisher = publishers_[number];
    const Tenant& tenant = workload_.tenants[publisher.entry];
    SimTime wait{};
    if (const auto* const open = std::get_if<OpenArrivals>(&tenant.arrivals)) {
        const double rate =
            open->states.empty() ? open->items_per_second : open->states[publisher.state].items_per_second;
        if (rate <= 0) {
            publisher.next_arrival = {};
            return;
        }
        wait = draw_time(publisher.arrivals, kNanoseconds / rate);
    } else if (const auto* const closed = std::get_if<ClosedArrivals>(&tenant.arrivals)) {
        wait = draw_time(publisher.arrivals, closed->think_mean);
    } else {
        const auto& items = std::get<TraceArrivals>(tenant.arrivals).items;
        if (publisher.next_item >= items.size()) {
            return;
        }
        wait = items[publisher.next_item].time - scheduler_.now();
    }
    schedule(number, wait, SimEvent::Kind::Arrival);
}

void Publishers::schedule_rate_change(std::uint32_t number) {
    Publisher& publisher = publishers_[number];
    const auto* const open = std::get_if<OpenArrivals>(&workload_.tenants[publisher.entry].arrivals);
    if (open != nullptr && !open->states.empty()) {
        schedule(number, draw_time(publisher.arrivals, open->states[publisher.state].length_mean),
                 SimEvent::Kind::RateChange);
    }
}

void Publishers::schedule_opcode_change(std::uint32_t number) {
    Publisher& publisher = publishers_[number];
    const Tenant& tenant = workload_.tenants[publisher.entry];
    if (tenant.opcodes.size() > 1 && tenant.opcode_length_mean > SimTime(0)) {
        schedule(number, draw_time(publisher.arrivals, tenant.opcode_length_mean),
                 SimEvent::Kind::OpcodeChange);
    }
}

std::optional<ServiceItem> Publishers::on_event(const SimEvent& event) {
    Publisher& publisher = publishers_[event.subject];
    const Tenant& tenant = workload_.tenants[publisher.entry];
    if (event.kind == SimEvent::Kind::OpcodeChange) {
        publisher.opcode = (publisher.opcode + 1) % static_cast<std::uint32_t>(tenant.opcodes.size());
        schedule_opcode_change(event.subject);
        return std::nullopt;
    }
    if (event.kind == SimEvent::Kind::RateChange) {
        const auto states = static_cast<std::uint32_t>(std::get<OpenArrivals>(tenant.arrivals).states.size());
        const auto leap = static_cast<std::uint32_t>(publisher.arrivals.next() % (states - 1));
        publisher.state = (publisher.state + 1 + leap) % states;
        // What has not come yet comes at the new rate: a Poisson process has no memory.
        scheduler_.cancel(std::exchange(publisher.next_arrival, {}));
        schedule_arrival(event.subject);
        schedule_rate_change(event.subject);
        return std::nullopt;
    }
    assert(event.kind == SimEvent::Kind::Arrival);
    const ServiceItem item = draw_item(event.subject);
    publisher.next_arrival = {};
    if (!std::holds_alternative<ClosedArrivals>(tenant.arrivals)) {
        schedule_arrival(event.subject);
    }
    return item;
}

void Publishers::item_left(const ServiceItem& item) {
    if (std::holds_alternative<ClosedArrivals>(workload_.tenants[item.entry].arrivals)) {
        schedule_arrival(item.publisher);
    }
}

void Publishers::item_rejected(const ServiceItem& item) {
    const auto* const closed = std::get_if<ClosedArrivals>(&workload_.tenants[item.entry].arrivals);
    if (closed != nullptr && closed->think_mean == SimTime(0)) {
        // At once would be at the same nanosecond, again and again: time would stand still.
        schedule(item.publisher, std::max(workload_.item.mean, SimTime(1)), SimEvent::Kind::Arrival);
    } else {
        item_left(item);
    }
}

ServiceItem Publishers::draw_item(std::uint32_t number) {
    Publisher& publisher = publishers_[number];
    const Tenant& tenant = workload_.tenants[publisher.entry];
    ServiceItem item;
    item.came = scheduler_.now();
    item.publisher = number;
    item.tenant = publisher.tenant;
    item.entry = publisher.entry;
    item.priority = tenant.priority;
    item.work = draw_work(publisher.items, tenant.item.value_or(workload_.item));
    item.opcode = place_of(tenant.opcodes[publisher.opcode]);
    if (tenant.contended_keys > 0) {
        item.key =
            publisher.first_key + static_cast<std::uint32_t>(publisher.items.next() % tenant.contended_keys);
    }
    if (const auto* const trace = std::get_if<TraceArrivals>(&tenant.arrivals)) {
        const TraceItem& recorded = trace->items[publisher.next_item++];
        item.opcode = place_of(recorded.opcode);
        item.work = recorded.work > SimTime(0) ? recorded.work : item.work;
    }
    return item;
}

std::uint32_t Publishers::place_of(std::uint32_t opcode) const {
    return static_cast<std::uint32_t>(std::lower_bound(opcodes_.begin(), opcodes_.end(), opcode) -
                                      opcodes_.begin());
}

}  // namespace megabed
