#include "policy/requeue_accounting.h"
#include "sim/statistics/time_weighted_mean.h"
#include "sim/workloads/priority_ring.h"
#include "sim/workloads/publishers.h"
#include "sim/workloads/simulated_work.h"

#include <algorithm>
#include <deque>
#include <variant>
#include <vector>

namespace megabed {
namespace {

/// Which opcodes and slot windows were hot in the launch before.
class HotCounts {
public:
    HotCounts(std::size_t opcodes, std::uint32_t slots, std::uint32_t window_slots, BasisPoints share)
        : items_(opcodes, 0),
          window_slots_(window_slots),
          last_visit_(div_ceil(slots, window_slots), 0),
          slots_(slots),
          share_(share) {}

    void claimed(std::uint32_t opcode, std::uint64_t ticket) {
        if (items_[opcode]++ == 0) {
            touched_.push_back(opcode);
        }
        ++claimed_;
        std::uint64_t& last = last_visit_[ticket % slots_ / window_slots_];
        revisited_ += last + 1 == epoch_ ? 1 : 0;
        last = epoch_;
    }
    /// The launch is over: its counts are what the next request reports.
    void close() {
        hot_opcodes_ = 0;
        for (const std::uint32_t opcode : touched_) {
            hot_opcodes_ += ratio_floor(items_[opcode], claimed_) >= share_ ? 1 : 0;
            items_[opcode] = 0;
        }
        touched_.clear();
        hot_windows_ = revisited_;
        claimed_ = 0;
        revisited_ = 0;
        ++epoch_;
    }
    [[nodiscard]] std::uint32_t opcodes() const { return hot_opcodes_; }
    [[nodiscard]] std::uint32_t windows() const { return hot_windows_; }

    /// Between launches, when what was claimed has been counted.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& last_visit_& epoch_& hot_opcodes_& hot_windows_;
    }

private:
    std::vector<std::uint64_t> items_;    ///< claimed in this launch, by opcode
    std::vector<std::uint32_t> touched_;  ///< opcodes with items
    std::uint32_t window_slots_;
    std::vector<std::uint64_t> last_visit_;  ///< epoch in which each window was claimed from last
    std::uint32_t slots_;
    BasisPoints share_;
    std::uint64_t claimed_ = 0;
    std::uint64_t epoch_ = 2;  ///< so that "never" (0) is not the epoch before the first
    std::uint32_t revisited_ = 0;
    std::uint32_t hot_opcodes_ = 0;
    std::uint32_t hot_windows_ = 0;
};

/// The ring and its workers. A launch is a decision that holds until its slots are used up, nothing unfinished
/// is left, or the epoch is over; groups that are at work go on from one launch to the next, unless another
/// kernel has to be launched. An empty launch waits for the first item.
class ServiceWork final : public SimulatedWork {
public:
    ServiceWork(const Scenario& scenario, const CostModel& costs, EventScheduler& scheduler)
        : workload_(std::get<ServiceWorkload>(scenario.workload)),
          age_threshold_(scenario.parameters.priority_age_threshold),
          expected_hits_(scenario.expected_hits_per_item.value_or(1)),
          costs_(costs),
          scheduler_(scheduler),
          publishers_(workload_, scenario.seed, scheduler),
          ring_(workload_.ring_slots),
          hot_(publishers_.opcodes().size(), workload_.ring_slots.value(), workload_.window_slots.value(),
               workload_.hot_opcode_share),
          quotas_(publishers_.tenants()),
          locked_(publishers_.keys() + std::size_t{1}, 0) {
        totals_.tenants.resize(workload_.tenants.size());
        if (workload_.warm_up > SimTime(0)) {
            scheduler.schedule(workload_.warm_up, {SimEvent::Kind::WarmUpEnd, 0, 0});
        }
    }

    [[nodiscard]] bool done() const override {
        return scheduler_.now() >= workload_.duration && ring_.taken() == 0 && held_.empty();
    }

    void observe(Observation& observation) override {
        LaunchRequest& request = observation.request;
        request.queue_len = ring_.taken();
        taken_observed_ = ring_.taken();
        request.expected_hits_per_item = expected_hits_;
        request.requeue_count = requeues_.requeue_count;
        request.max_priority_age = std::max(requeues_.max_priority_age, saturate_u32(ring_.head_age(launch_)));
        request.hot_opcode_count = hot_.opcodes();
        request.hot_window_count = hot_.windows();
        requeues_ = {};
    }

    [[nodiscard]] Bytes resident() const override {
        constexpr std::uint64_t kSlotBytes = 64;
        return Bytes(workload_.ring_slots.value() * kSlotBytes);
    }

    [[nodiscard]] bool groups_at_work() const override { return busy_ > 0; }

    [[nodiscard]] bool driven_by_events() const override { return true; }
    [[nodiscard]] SimTime start(const LaunchRecommendation& recommendation,
                                const GrantedGrid& /*grid*/) override {
        ++launch_;
        const SimTime now = scheduler_.now();
        start_ = now;
        items_before_ = items_done_;
        begun_ = 0;
        empty_ = recommendation.topology == DispatchTopology::Empty;
        epoch_over_ = false;
        saturated_ = recommendation.pressure == QueuePressure::Saturated;
        slots_left_ = empty_ ? 0 : recommendation.geometry.slot_count.value();
        groups_ = costs_.service_groups(recommendation);
        claim_ns_ = costs_.claim_ns(recommendation);
        warps_a_group_ = std::max(div_ceil(recommendation.geometry.workgroup_size_x, kWarp), 1U);
        const SimTime left = now < workload_.duration ? workload_.duration - now : workload_.epoch;
        epoch_end_ =
            scheduler_.schedule(now + std::min(workload_.epoch, left), {SimEvent::Kind::EpochEnd, 0, 0});
        if (recommendation.age_priority_work) {
            ring_.lift_aged(launch_, age_threshold_);
        }
        publish_held();
        claim();
        return SimTime(0);
    }

    [[nodiscard]] bool launch_over() const override {
        if (epoch_over_) {
            return true;
        }
        if (empty_) {
            return ring_.taken() > taken_observed_;  // an item has come since the policy looked
        }
        // A launch that found nothing to begin must not end at the time it started, or time would stand still.
        const bool used_up = slots_left_ == 0 && (begun_ > 0 || scheduler_.now() > start_);
        return used_up || ring_.taken() == 0;
    }

    [[nodiscard]] WorkDone finish() override {
        scheduler_.cancel(epoch_end_);
        slots_left_ = 0;
        hot_.close();
        return {1, items_done_ - items_before_, 0};
    }

    void on_event(const SimEvent& event) override {
        switch (event.kind) {
        case SimEvent::Kind::EpochEnd:
            epoch_over_ = true;
            break;
        case SimEvent::Kind::WarmUpEnd:
            for (TimeWeightedMean* const mean : {&depth_, &in_flight_, &at_work_}) {
                mean->restart(scheduler_.now());
            }
            break;
        case SimEvent::Kind::ItemDone:
            finish_item(event.subject);
            break;
        default:
            if (const auto item = publishers_.on_event(event)) {
                arrive(*item);
            }
            break;
        }
    }

    [[nodiscard]] std::uint64_t levels() const override { return launch_; }

    [[nodiscard]] const ServiceTotals* service_totals() const override {
        const SimTime now = scheduler_.now();
        totals_.ring_depth_mean = depth_.mean(now);
        totals_.in_flight_mean = in_flight_.mean(now);
        totals_.workers_busy_mean = at_work_.mean(now);
        return &totals_;
    }

    void save(CheckpointWriter& writer) const override {
        const_cast<ServiceWork*>(this)->archive(writer);  // Boost's operators take both directions by reference
    }
    void load(CheckpointReader& reader) override { archive(reader); }

private:
    struct Quota {
        std::uint64_t launch = 0;
        std::uint32_t taken = 0;
    };
    static constexpr std::uint32_t kWarp = 32;

    /// Between launches only: what a launch sets at its start is not part of the state.
    template <class Archive>
    void archive(Archive& archive) {
        archive& publishers_& ring_& hot_& depth_& in_flight_& at_work_;
        archive& totals_.tenants;
        archive& totals_.latency_order;
        archive& totals_.latency_batches;
        archive_plain_items(archive, held_);
        archive_plain_items(archive, working_);
        archive_plain_items(archive, free_places_);
        archive_plain_items(archive, quotas_);
        archive_plain(archive, requeues_);
        archive& locked_& busy_& launch_& items_done_& tickets_& saturated_& groups_& warps_a_group_& claim_ns_;
    }

    /// Under Saturated pressure tenants hold their items back; behind a full ring, those that wait do.
    void arrive(const ServiceItem& item) {
        const bool waits = workload_.tenants[item.entry].when_full == FullRing::Wait;
        if (saturated_ || (waits && (ring_.full() || !held_.empty()))) {
            held_.push_back(item);
        } else {
            publish(item);
        }
        claim();
    }

    void publish(ServiceItem item) {
        TenantTotals& totals = totals_.tenants[item.entry];
        ++totals.published;
        if (ring_.full()) {
            ++totals.rejected;
            publishers_.item_rejected(item);
            return;
        }
        ++totals.in_flight;
        item.launch = launch_;
        ring_.publish(item);
        note_levels();
    }

    void publish_held() {
        while (!saturated_ && !held_.empty()) {
            const ServiceItem item = held_.front();
            if (ring_.full() && workload_.tenants[item.entry].when_full == FullRing::Wait) {
                return;
            }
            held_.pop_front();
            publish(item);
        }
    }

    /// Groups without work claim items as long as the launch has slots. Each item is looked at once.
    void claim() {
        std::uint32_t look_at = ring_.waiting();
        double delay_ns = 0;
        while (busy_ < groups_ && slots_left_ > 0 && look_at > 0) {
            --slots_left_;
            --look_at;
            delay_ns += claim_ns_;
            ServiceItem item = ring_.claim();
            ++tickets_;
            if (locked_[item.key] != 0 || over_quota(item)) {
                put_back_.push_back(item);
            } else {
                begin(item, delay_ns);
                delay_ns = 0;
            }
        }
        for (const ServiceItem& item : put_back_) {
            requeue(item);
        }
        put_back_.clear();
        note_levels();
    }

    [[nodiscard]] bool over_quota(const ServiceItem& item) {
        const std::uint32_t limit = workload_.tenants[item.entry].quota_items;
        if (limit == 0) {
            return false;
        }
        Quota& quota = quotas_[item.tenant];
        if (quota.launch != launch_) {
            quota = {launch_, 0};
        }
        if (quota.taken >= limit) {
            return true;
        }
        ++quota.taken;
        return false;
    }

    void requeue(const ServiceItem& item) {
        ++totals_.tenants[item.entry].requeued;
        // The counter would have to pass 2^64 requeues between two launches to refuse.
        (void)requeues_.record_requeue(saturate_u32(launch_ - item.launch));
        ring_.requeue(item);
    }

    void begin(ServiceItem item, double delay_ns) {
        if (workload_.starvation_age != 0 && launch_ - item.launch > workload_.starvation_age) {
            ++totals_.tenants[item.entry].starved;
        }
        locked_[item.key] = item.key == 0 ? 0 : 1;
        hot_.claimed(item.opcode, tickets_);
        ++begun_;
        ++busy_;
        std::uint32_t place = static_cast<std::uint32_t>(working_.size());
        if (free_places_.empty()) {
            working_.push_back(item);
        } else {
            place = free_places_.back();
            free_places_.pop_back();
            working_[place] = item;
        }
        const std::uint64_t warps = std::uint64_t{busy_} * warps_a_group_;
        const SimTime time = costs_.item(item.work, delay_ns, warps);
        scheduler_.schedule(scheduler_.now() + time, {SimEvent::Kind::ItemDone, place, 0});
    }

    void finish_item(std::uint32_t place) {
        const ServiceItem item = working_[place];
        free_places_.push_back(place);
        locked_[item.key] = 0;
        --busy_;
        ring_.release();
        ++items_done_;
        TenantTotals& totals = totals_.tenants[item.entry];
        ++totals.done;
        --totals.in_flight;
        if (item.came >= workload_.warm_up) {
            const std::int64_t latency = (scheduler_.now() - item.came).value();
            totals.latency_ns.add(latency);
            totals_.latency_order.add(static_cast<double>(latency));
            totals_.latency_batches.add(static_cast<double>(latency));
        }
        publishers_.item_left(item);
        publish_held();
        claim();
    }

    void note_levels() {
        const SimTime now = scheduler_.now();
        depth_.set(now, ring_.waiting());
        in_flight_.set(now, ring_.taken() + static_cast<std::int64_t>(held_.size()));
        at_work_.set(now, busy_);
    }

    const ServiceWorkload& workload_;
    std::uint32_t age_threshold_;
    std::uint32_t expected_hits_;
    const CostModel& costs_;
    EventScheduler& scheduler_;
    Publishers publishers_;
    PriorityRing ring_;
    std::deque<ServiceItem> held_;       ///< came, but not published yet, in the order in which they came
    std::vector<ServiceItem> put_back_;  ///< claimed and not begun, while `claim` looks at the others
    std::vector<ServiceItem> working_;   ///< by place
    std::vector<std::uint32_t> free_places_;
    HotCounts hot_;
    std::vector<Quota> quotas_;         ///< by tenant
    std::vector<std::uint8_t> locked_;  ///< by key; key 0 is never locked
    PriorityRequeueAccounting requeues_;
    mutable ServiceTotals totals_;
    TimeWeightedMean depth_;
    TimeWeightedMean in_flight_;
    TimeWeightedMean at_work_;
    std::uint64_t launch_ = 0;
    std::uint64_t items_done_ = 0;
    std::uint64_t tickets_ = 0;
    std::uint32_t busy_ = 0;
    bool saturated_ = false;

    // Of the launch that is on.
    SimTime start_{};
    EventHandle epoch_end_{};
    std::uint64_t items_before_ = 0;
    std::uint64_t begun_ = 0;
    std::uint32_t taken_observed_ = 0;
    std::uint32_t slots_left_ = 0;
    std::uint32_t groups_ = 0;
    std::uint32_t warps_a_group_ = 1;
    double claim_ns_ = 0;
    bool empty_ = false;
    bool epoch_over_ = false;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_service_work(const Scenario& scenario, const CostModel& costs,
                                                 EventScheduler& scheduler) {
    return std::make_unique<ServiceWork>(scenario, costs, scheduler);
}

}  // namespace megabed
