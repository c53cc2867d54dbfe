#include "policy/requeue_accounting.h"
#include "sim/engine/counter_random.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <deque>
#include <map>
#include <variant>
#include <vector>

namespace megabed {
namespace {

/// One published item, waiting in the ring or being worked on.
struct Item {
    std::uint32_t tenant = 0;
    std::uint32_t age = 0;  ///< launches it was passed over
    SimTime came{};
};

/// A tenant's own random stream, and whether it is in a burst.
struct Publisher {
    boost::random::mt19937_64 random;
    bool bursting = false;
    std::deque<SimTime> waiting{};  ///< when each item came that is held back while the queue is saturated
};

/// First version of the service processes: Poisson tenants with on-off bursts, one bounded ring in order of
/// arrival, quotas a launch, requeue and ageing.
class ServiceWork final : public SimulatedWork {
public:
    ServiceWork(const Scenario& scenario, const CostModel& costs, EventScheduler& scheduler)
        : workload_(std::get<ServiceWorkload>(scenario.workload)),
          age_threshold_(scenario.parameters.priority_age_threshold),
          expected_hits_(scenario.expected_hits_per_item.value_or(1)),
          costs_(costs),
          scheduler_(scheduler) {
        for (std::uint32_t tenant = 0; tenant < workload_.tenants.size(); ++tenant) {
            constexpr std::uint64_t kTenantStream = 1000;
            CounterRandom seed(scenario.seed, kTenantStream + tenant);
            publishers_.push_back({boost::random::mt19937_64(seed.next()), false, {}});
            schedule_arrival(tenant);
            if (is_bursty(tenant)) {
                schedule_burst_edge(tenant);
            }
        }
    }

    [[nodiscard]] bool done() const override {
        return scheduler_.now() >= workload_.duration && ring_.empty() &&
               std::all_of(publishers_.begin(), publishers_.end(),
                           [](const Publisher& publisher) { return publisher.waiting.empty(); });
    }

    void observe(Observation& observation) override {
        LaunchRequest& request = observation.request;
        request.queue_len = static_cast<std::uint32_t>(ring_.size());
        request.expected_hits_per_item = expected_hits_;
        request.requeue_count = requeues_.requeue_count;
        request.max_priority_age = requeues_.max_priority_age;
        request.hot_opcode_count = hot_opcodes_;
        requeues_ = {};
    }

    [[nodiscard]] Bytes resident() const override {
        constexpr std::uint64_t kSlotBytes = 64;
        return Bytes(workload_.ring_slots.value() * kSlotBytes);
    }

    [[nodiscard]] WorkDone start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        saturated_ = recommendation.pressure == QueuePressure::Saturated;
        ++epochs_;
        if (!saturated_) {
            publish_waiting();
        }
        if (recommendation.topology == DispatchTopology::Empty || ring_.empty()) {
            // Nothing runs. The policy is asked again at once if items have come in, else when the epoch is
            // over or, if that is sooner, when the tenants stop.
            const SimTime rest = std::max(workload_.duration - scheduler_.now(), SimTime(1));
            return {ring_.empty() ? std::min(workload_.epoch, rest) : SimTime(1), 1, 0, 0};
        }
        if (recommendation.age_priority_work) {
            std::stable_partition(ring_.begin(), ring_.end(),
                                  [this](const Item& item) { return item.age >= age_threshold_; });
        }
        claim(recommendation.geometry.slot_count);
        note_hot_opcodes();
        return {costs_.service_batch(recommendation, grid, working_.size(), workload_.item.mean), 1,
                working_.size(), 0};
    }

    void finish() override {
        for (const Item& item : working_) {
            tenant_totals_.latency_ns.add((scheduler_.now() - item.came).value());
        }
        tenant_totals_.done += working_.size();
        working_.clear();
    }

    void on_event(const SimEvent& event) override {
        if (scheduler_.now() >= workload_.duration) {
            return;
        }
        if (event.kind == SimEvent::Kind::BurstEdge) {
            publishers_[event.subject].bursting = !publishers_[event.subject].bursting;
            schedule_burst_edge(event.subject);
        } else if (event.kind == SimEvent::Kind::Arrival) {
            arrive(event.subject);
            schedule_arrival(event.subject);
        }
    }

    [[nodiscard]] std::uint64_t levels() const override { return epochs_; }
    [[nodiscard]] const ServiceTotals* service_totals() const override {
        totals_.tenants = {tenant_totals_};
        return &totals_;
    }

private:
    /// Takes items in ring order up to the slot count; items over their tenant's quota go back, one older.
    void claim(SlotCount slots) {
        std::vector<std::uint32_t> taken(workload_.tenants.size(), 0);
        std::vector<Item> put_back;
        const std::size_t looked_at = std::min<std::size_t>(ring_.size(), slots.value());
        for (std::size_t at = 0; at < looked_at; ++at) {
            Item item = ring_.front();
            ring_.pop_front();
            const std::uint32_t quota = workload_.tenants[item.tenant].quota_items;
            if (quota != 0 && taken[item.tenant] >= quota) {
                ++item.age;
                // The counter would have to pass 2^64 requeues between two launches to refuse.
                (void)requeues_.record_requeue(item.age);
                ++tenant_totals_.requeued;
                put_back.push_back(item);
            } else {
                ++taken[item.tenant];
                working_.push_back(item);
            }
        }
        ring_.insert(ring_.begin(), put_back.begin(), put_back.end());
    }

    void note_hot_opcodes() {
        std::map<std::uint32_t, std::uint64_t> items_by_opcode;
        for (const Item& item : working_) {
            ++items_by_opcode[workload_.tenants[item.tenant].opcodes[0]];
        }
        hot_opcodes_ = static_cast<std::uint32_t>(
            std::count_if(items_by_opcode.begin(), items_by_opcode.end(), [this](const auto& entry) {
                return ratio_floor(entry.second, working_.size()) >= workload_.hot_opcode_share;
            }));
    }

    /// An item has come. Under Saturated pressure its tenant holds it back until the pressure falls.
    void arrive(std::uint32_t tenant) {
        if (saturated_) {
            publishers_[tenant].waiting.push_back(scheduler_.now());
        } else {
            publish(tenant, scheduler_.now());
        }
    }

    /// A full ring rejects. Latency counts from when the item came, the time it was held back included.
    void publish(std::uint32_t tenant, SimTime came) {
        ++tenant_totals_.published;
        if (ring_.size() >= workload_.ring_slots.value()) {
            ++tenant_totals_.rejected;
            return;
        }
        ring_.push_back({tenant, 0, came});
    }

    void publish_waiting() {
        for (std::uint32_t tenant = 0; tenant < publishers_.size(); ++tenant) {
            auto& waiting = publishers_[tenant].waiting;
            for (; !waiting.empty(); waiting.pop_front()) {
                publish(tenant, waiting.front());
            }
        }
    }

    SimTime draw_exponential(std::uint32_t tenant, double mean_ns) {
        boost::random::exponential_distribution<double> distribution(1.0 / mean_ns);
        const double drawn = distribution(publishers_[tenant].random);
        return SimTime(std::max<std::int64_t>(static_cast<std::int64_t>(drawn), 1));
    }

    [[nodiscard]] const OpenArrivals& arrivals_of(std::uint32_t tenant) const {
        return std::get<OpenArrivals>(workload_.tenants[tenant].arrivals);
    }
    [[nodiscard]] bool is_bursty(std::uint32_t tenant) const { return !arrivals_of(tenant).states.empty(); }

    void schedule_arrival(std::uint32_t tenant) {
        constexpr double kNanoseconds = 1e9;
        const OpenArrivals& settings = arrivals_of(tenant);
        const double rate =
            publishers_[tenant].bursting ? settings.states[1].items_per_second : settings.items_per_second;
        const SimTime wait = draw_exponential(tenant, kNanoseconds / rate);
        scheduler_.schedule(scheduler_.now() + wait, {SimEvent::Kind::Arrival, tenant});
    }

    void schedule_burst_edge(std::uint32_t tenant) {
        const OpenArrivals& settings = arrivals_of(tenant);
        const SimTime mean = settings.states[publishers_[tenant].bursting ? 1 : 0].length_mean;
        const SimTime wait = draw_exponential(tenant, static_cast<double>(mean.value()));
        scheduler_.schedule(scheduler_.now() + wait, {SimEvent::Kind::BurstEdge, tenant});
    }

    const ServiceWorkload& workload_;
    std::uint32_t age_threshold_;
    std::uint32_t expected_hits_;
    const CostModel& costs_;
    EventScheduler& scheduler_;
    std::vector<Publisher> publishers_;
    std::deque<Item> ring_;
    std::vector<Item> working_;
    PriorityRequeueAccounting requeues_;
    TenantTotals tenant_totals_;
    mutable ServiceTotals totals_;
    std::uint32_t hot_opcodes_ = 0;
    std::uint64_t epochs_ = 0;
    bool saturated_ = false;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_service_work(const Scenario& scenario, const CostModel& costs,
                                                 EventScheduler& scheduler) {
    return std::make_unique<ServiceWork>(scenario, costs, scheduler);
}

}  // namespace megabed
