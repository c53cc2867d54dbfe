#include "gpu/service/mail_inlet.h"

#include "sim/threads/service_words.h"

#include <algorithm>
#include <variant>

namespace megabed {
namespace {

/// Of each publisher, in the order in which `Publishers` numbers them, its entry.
std::vector<std::uint32_t> entries_of_publishers(const ServiceWorkload& workload) {
    std::vector<std::uint32_t> entries;
    for (std::uint32_t entry = 0; entry < workload.tenants.size(); ++entry) {
        const Tenant& tenant = workload.tenants[entry];
        const auto* const closed = std::get_if<ClosedArrivals>(&tenant.arrivals);
        const std::size_t clients = closed == nullptr ? 1 : closed->clients;
        entries.insert(entries.end(), clients * tenant.count, entry);
    }
    return entries;
}

SimTime time_at(const RingItem& item, std::uint32_t word) {
    return SimTime(
        static_cast<std::int64_t>(std::uint64_t{item.argument[word + 1]} << 32 | item.argument[word]));
}

}  // namespace

MailInlet::MailInlet(const ServiceWorkload& workload, const ServicePlan& plan, ServiceEngine& engine)
    : workload_(workload),
      plan_(plan),
      engine_(engine),
      entry_of_publisher_(entries_of_publishers(workload)),
      sent_(plan.quotas.size()) {}

SimTime MailInlet::now() const {
    return SimTime(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_)
            .count());
}

std::uint64_t MailInlet::on_device(SimTime time) const {
    return static_cast<std::uint64_t>(time.value() + device_minus_host_.load(std::memory_order_relaxed));
}

SimTime MailInlet::on_host(std::uint64_t device_time) const {
    return SimTime(static_cast<std::int64_t>(device_time) - device_minus_host_.load(std::memory_order_relaxed));
}

std::uint64_t MailInlet::in_flight() const {
    const std::uint64_t done = engine_.done();  // first, so that the difference is not below 0
    return engine_.sent() - done;
}

void MailInlet::put_device_time(RingItem& item, std::uint32_t word) const {
    put_time(item.argument, word, SimTime(static_cast<std::int64_t>(on_device(time_at(item, word)))));
}

PublishResult MailInlet::publish(const RingItem& item) {
    if (item.tenant >= plan_.quotas.size()) {
        return PublishResult::UnknownTenant;
    }
    if (item.priority >= kRingClasses) {
        return PublishResult::UnknownClass;
    }
    if (in_flight() >= plan_.slots) {
        return PublishResult::Full;
    }
    RingItem made = item;
    put_device_time(made, kServiceCame);
    put_device_time(made, kServiceEntered);
    const Tenant& tenant = workload_.tenants[plan_.entry_of[item.tenant]];
    const bool waited_for = std::holds_alternative<ClosedArrivals>(tenant.arrivals);
    // Said here, by one clock, so that no item is on the wrong side of the warm-up's end.
    const bool measured = time_at(item, kServiceCame) >= workload_.warm_up;
    made.argument[kServiceFlags] = (waited_for ? kWaitedFor : 0) | (measured ? kMeasured : 0);
    const bool spins =
        item.opcode < plan_.handlers.size() && plan_.handlers[item.opcode] == ServiceHandler::Spin;
    const bool is_short = spins && time_at(item, kServiceWork) <= SimTime(kExpressWork);
    auto route = ItemRoute::Ring;
    if (item.lock == 0 && plan_.quotas[item.tenant] == 0) {
        route = is_short ? ItemRoute::Steward : ItemRoute::Straight;
    }
    if (!engine_.send(made, route)) {
        return PublishResult::Full;
    }
    sent_[item.tenant].fetch_add(1, std::memory_order_acq_rel);
    unnoticed_ += waited_for ? 1U : 0U;
    return PublishResult::Published;
}

bool MailInlet::look_for_notices() {
    while (unnoticed_ != 0) {
        const std::optional<std::uint32_t> publisher = engine_.next_notice();
        if (!publisher) {
            break;
        }
        --unnoticed_;
        ServiceItem item;
        item.publisher = *publisher;
        item.entry = entry_of_publisher_[*publisher];
        publishers_->item_done(item, now());
    }
    return unnoticed_ != 0 && !engine_.failed();
}

bool MailInlet::align_now_and_then() {
    constexpr SimTime kAlignEvery(20'000'000);  // clocks drift apart by some 10 ns in a millisecond
    constexpr int kPings = 2;
    return now() - aligned_ < kAlignEvery || align_clocks(kPings);
}

bool MailInlet::align_clocks(int pings) {
    constexpr SimTime kPatience(1'000'000'000);
    SimTime best = SimTime::max();
    for (int ping = 0; ping < pings; ++ping) {
        const SimTime before = now();
        const auto answer = engine_.give({.kind = ServiceCommand::Ping}, kPatience);
        const SimTime after = now();
        if (!answer) {
            return false;
        }
        if (after - before < best) {
            best = after - before;
            const std::int64_t middle = before.value() + best.value() / 2;
            device_minus_host_.store(static_cast<std::int64_t>(answer->clock()) - middle,
                                     std::memory_order_relaxed);
        }
    }
    aligned_ = now();
    return true;
}

}  // namespace megabed
