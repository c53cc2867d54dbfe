#include "gpu/service/cuda_service.h"

#include "gpu/memory/device_pool.h"
#include "gpu/service/mail_inlet.h"
#include "gpu/service/noted_launches.h"
#include "gpu/service/service_engine.h"
#include "policy/compiled_policy.h"
#include "sim/telemetry.h"
#include "sim/threads/publisher_thread.h"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <variant>

namespace megabed {
namespace {

/// How many lanes the groups have until a launch says it.
constexpr std::uint32_t kLanesAtFirst = 256;
constexpr int kPingsAtFirst = 32;
/// Device bytes of the work as the simulator counts them: the ring's slots.
Bytes ring_bytes(const ServiceWorkload& workload) {
    return Bytes(workload.ring_slots.value() * std::uint64_t{sizeof(RingSlot)});
}

std::uint32_t expected_hits(const Scenario& scenario) { return scenario.expected_hits_per_item.value_or(1); }

DecisionRules rules_of(const Scenario& scenario) {
    const auto& workload = std::get<ServiceWorkload>(scenario.workload);
    DecisionRules rules;
    rules.parameters = scenario.parameters;
    fill_settings(scenario, rules.settings);
    rules.settings.expected_hits_per_item = expected_hits(scenario);
    rules.budget = scenario.memory.budget;
    rules.policy = compiled_policy(scenario.policy).value_or(CompiledPolicy::Reference);
    rules.age_threshold = scenario.parameters.priority_age_threshold;
    rules.epoch_ns = static_cast<std::uint64_t>(workload.epoch.value());
    rules.own_bytes = ring_bytes(workload).value();
    return rules;
}

ServicePlan plan_of(const Scenario& scenario, const Publishers& publishers, const CudaServiceOptions& options) {
    const auto& workload = std::get<ServiceWorkload>(scenario.workload);
    ServicePlan plan;
    plan.slots = std::max(workload.ring_slots.value(), 1U);
    plan.locks = publishers.keys();
    plan.starvation_epochs = workload.starvation_age;
    plan.window_slots = workload.window_slots.value();
    plan.hot_share = workload.hot_opcode_share.value();
    plan.entries = std::max(static_cast<std::uint32_t>(workload.tenants.size()), 1U);
    plan.deadline = options.deadline;
    std::vector<std::uint32_t> entry_of;
    std::vector<std::uint32_t> quotas;
    for (std::uint32_t entry = 0; entry < workload.tenants.size(); ++entry) {
        const Tenant& tenant = workload.tenants[entry];
        entry_of.insert(entry_of.end(), tenant.count, entry);
        quotas.insert(quotas.end(), tenant.count, tenant.quota_items);
        if (const auto* const closed = std::get_if<ClosedArrivals>(&tenant.arrivals)) {
            plan.notices += closed->clients * tenant.count;
        }
    }
    if (!entry_of.empty()) {
        plan.entry_of = std::move(entry_of);
        plan.quotas = std::move(quotas);
    }
    plan.handlers = options.handlers;
    plan.handlers.resize(std::max(publishers.opcodes().size(), std::size_t{1}), ServiceHandler::Spin);
    if (options.decide == DecisionPlace::Device) {
        plan.rules = rules_of(scenario);
    }
    return plan;
}

class DeviceService final : public CudaService {
public:
    DeviceService(const Scenario& scenario, std::unique_ptr<PublisherThread> publishers, ServicePlan plan,
                  std::unique_ptr<ServiceEngine> engine)
        : workload_(std::get<ServiceWorkload>(scenario.workload)),
          age_threshold_(scenario.parameters.priority_age_threshold),
          expected_hits_(expected_hits(scenario)),
          plan_(std::move(plan)),
          engine_(std::move(engine)),
          inlet_(workload_, plan_, *engine_),
          publishers_(std::move(publishers)) {
        inlet_.set_publishers(*publishers_);
        if (engine_->run_with(kLanesAtFirst)) {
            (void)inlet_.align_clocks(kPingsAtFirst);
        }
        if (plan_.rules) {
            noted_.emplace(workload_, plan_.deadline, kLanesAtFirst, *engine_, inlet_, *publishers_);
        }
        publishers_->start(inlet_);
    }
    DeviceService(const DeviceService&) = delete;
    DeviceService& operator=(const DeviceService&) = delete;
    ~DeviceService() override {
        if (noted_ && !engine_->failed()) {
            noted_->halt();
        }
        noted_.reset();
        publishers_.reset();  // before what it sends to
    }

    [[nodiscard]] bool done() const override {
        if (noted_) {
            return noted_->done();
        }
        return publishers_->finished() && inlet_.in_flight() == 0 && now() >= workload_.duration;
    }

    void observe(Observation& observation) override {
        LaunchRequest& request = observation.request;
        request.expected_hits_per_item = expected_hits_;
        if (noted_) {
            const ServiceReadings readings = noted_->observe();
            request = observe_service(request, std::nullopt, readings).request;
            resident_ = Bytes(readings.resident_bytes);
            if (engine_->failure()) {
                stop();
            }
            return;
        }
        resident_ = ring_bytes(workload_) + Bytes(co_tenants_.load(std::memory_order_relaxed));
        request.queue_len = saturate_u32(inlet_.in_flight());
        request.requeue_count = std::exchange(requeues_, 0);
        request.max_priority_age = age_max_;
        request.hot_opcode_count = last_.word[kAnswerHotOpcodes];
        request.hot_window_count = last_.word[kAnswerHotWindows];
    }

    [[nodiscard]] Bytes resident() const override { return resident_; }
    void set_co_tenant_bytes(Bytes bytes) override {
        co_tenants_.store(bytes.value(), std::memory_order_relaxed);
        engine_->set_co_tenant_bytes(bytes.value());
    }

    LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        if (noted_) {
            return hand_out(recommendation);
        }
        LaunchOutcome outcome;
        outcome.start = now();
        outcome.waves = 1;
        if (recommendation.topology != DispatchTopology::Empty) {
            outcome.granted_groups = granted_groups(recommendation.geometry);
        }
        outcome.items = carry_out(recommendation, outcome.start, outcome.granted_groups);
        outcome.duration = now() - outcome.start;
        return outcome;
    }

    [[nodiscard]] std::uint64_t levels() const override { return epochs_; }
    [[nodiscard]] SimTime now() const override { return inlet_.now(); }

    [[nodiscard]] const ServiceTotals* service_totals() const override {
        refresh_counts();
        totals_ = {};
        totals_.tenants.resize(workload_.tenants.size());
        for (std::uint32_t tenant = 0; tenant < tenants(); ++tenant) {
            TenantTotals& totals = totals_.tenants[plan_.entry_of[tenant]];
            const std::uint64_t sent = inlet_.sent(tenant);
            const std::uint64_t rejected = publishers_->counts(tenant).rejected;
            const TenantControl control = counts_ ? counts_->tenants[tenant] : TenantControl{};
            totals.published += sent + rejected;
            totals.rejected += rejected;
            totals.done += control.done;
            totals.requeued += control.requeued;
            totals.starved += control.starved;
            totals.in_flight += sent - control.done;
        }
        const auto measured = static_cast<double>((now() - workload_.warm_up).value());
        if (counts_) {
            for (std::size_t entry = 0; entry < totals_.tenants.size(); ++entry) {
                totals_.tenants[entry].latency_ns = counts_->latencies[entry];
            }
            if (measured > 0) {  // Little's law, as in the thread backend
                const WorkerTally& sum = counts_->sum;
                totals_.ring_depth_mean = static_cast<double>(sum.in_ring - sum.at_work) / measured;
                totals_.in_flight_mean = static_cast<double>(sum.in_flight) / measured;
                totals_.workers_busy_mean = static_cast<double>(sum.at_work) / measured;
            }
        }
        return &totals_;
    }

    void add_results(Digest& digest) const override {
        for (std::uint32_t tenant = 0; tenant < tenants(); ++tenant) {
            const bool closed =
                std::holds_alternative<ClosedArrivals>(workload_.tenants[plan_.entry_of[tenant]].arrivals);
            digest.add(closed ? 0 : publishers_->counts(tenant).came);
        }
        const TenantTotals sum = service_totals()->sum();
        digest.add(std::uint64_t{sum.in_flight == 0});
    }

    [[nodiscard]] std::optional<std::string> failure() const override {
        if (fault_) {
            return fault_;
        }
        return noted_ && noted_->failure() ? noted_->failure() : engine_->failure();
    }
    [[nodiscard]] bool context_lost() const override { return engine_->context_lost(); }
    void park() override {
        if (noted_) {
            noted_->halt();
        }
        engine_->park();
    }
    [[nodiscard]] std::optional<double> deciding_ns() const override {
        if (!noted_ || noted_->launches() == 0) {
            return std::nullopt;
        }
        return static_cast<double>(noted_->deciding().value()) / static_cast<double>(noted_->launches());
    }

    [[nodiscard]] RingCounts ring_counts() const override {
        refresh_counts();
        const RingControl control = counts_ ? counts_->control : RingControl{};
        return {control.published, control.claimed, control.done,
                control.requeued,  control.faults,  control.in_flight};
    }

private:
    [[nodiscard]] std::uint32_t tenants() const {
        return workload_.tenants.empty() ? 0 : static_cast<std::uint32_t>(plan_.quotas.size());
    }

    /// Groups that a launch of this geometry gets: those of grid.x that can be resident, at least one.
    [[nodiscard]] std::uint32_t granted_groups(const LaunchGeometry& geometry) {
        if (geometry.workgroup_size_x != asked_lanes_) {
            asked_lanes_ = geometry.workgroup_size_x;
            groups_max_ = engine_->groups_max(asked_lanes_).value_or(1);
        }
        return std::clamp(geometry.dispatch_grid[0], 1U, groups_max_);
    }

    /// A launch that the device has decided and carried out.
    LaunchOutcome hand_out(const LaunchRecommendation& recommendation) {
        ++epochs_;
        const LaunchOutcome outcome = noted_->launch(recommendation);
        if (noted_->fault()) {
            note_fault(*noted_->fault());
        } else if (engine_->failure()) {
            stop();
        }
        return outcome;
    }

    /// A launch that the host has decided. Returns the items done.
    std::uint64_t carry_out(const LaunchRecommendation& recommendation, SimTime start,
                            std::uint32_t granted_groups) {
        const SimTime left = start < workload_.duration ? workload_.duration - start : workload_.epoch;
        const SimTime end = start + std::min(workload_.epoch, left);
        publishers_->hold(recommendation.pressure == QueuePressure::Saturated);
        ++epochs_;
        if (recommendation.topology == DispatchTopology::Empty) {
            rest(end);
            return 0;
        }
        if (failure() || !engine_->run_with(recommendation.geometry.workgroup_size_x) ||
            !inlet_.align_now_and_then()) {
            stop();
            return 0;
        }
        ServiceOrder order;
        order.kind = ServiceCommand::Run;
        order.workers = std::min(granted_groups, std::max(recommendation.worker_groups, 1U));
        order.claims = std::max(recommendation.geometry.slot_count.value(), 1U);
        order.lift_age = recommendation.age_priority_work ? saturating_add(age_threshold_, 1) : 0;
        order.end = inlet_.on_device(end);
        order.warm_up = inlet_.on_device(workload_.warm_up);
        // The device's own watchdog needs a deadline to find a stuck item and one to wait for the others.
        const SimTime patience = end - start + SimTime(3 * plan_.deadline.value()) + SimTime(1'000'000'000);
        const auto answer = engine_->give(order, patience);
        if (!answer) {
            stop();
            return 0;
        }
        last_ = *answer;
        requeues_ += last_.word[kAnswerRequeues];
        age_max_ = std::max(last_.word[kAnswerRequeueAge], last_.word[kAnswerHeadAge]);
        if (last_.word[kAnswerStatus] == static_cast<std::uint32_t>(ServiceStatus::Fault)) {
            note_fault({last_.word[kAnswerFaultReason], last_.word[kAnswerFaultSlot],
                        last_.word[kAnswerFaultOpcode], last_.word[kAnswerFaultTenant],
                        last_.word[kAnswerFaultTicket], 0});
        }
        return last_.word[kAnswerItems];
    }

    /// Nothing runs: until there is something, the epoch is over or everything is.
    void rest(SimTime end) {
        while (inlet_.in_flight() == 0 && now() < end && !done()) {
            std::this_thread::yield();  // a sleep would take longer than most items
        }
    }

    void note_fault(const FaultRecord& record) {
        const std::string slot = record.slot == kNoSlot ? "no slot" : fmt::format("slot {}", record.slot);
        fault_ = fmt::format("{} (opcode {} service, tenant {}, ticket {}): {}; the deadline is {} ms", slot,
                             record.opcode, record.tenant, record.ticket,
                             to_string(static_cast<FaultReason>(record.reason)),
                             static_cast<double>(plan_.deadline.value()) / 1e6);
        stop();
    }

    /// Nothing will be carried out any more. Counts first: a worker that has to be stopped by force takes
    /// them along.
    void stop() {
        refresh_counts();
        stopped_ = true;
        engine_->abort();
    }

    void refresh_counts() const {
        if (stopped_) {
            return;
        }
        if (auto counts = engine_->counts()) {
            counts_ = std::move(*counts);
        }
    }

    const ServiceWorkload& workload_;
    std::uint32_t age_threshold_;
    std::uint32_t expected_hits_;
    ServicePlan plan_;
    std::unique_ptr<ServiceEngine> engine_;
    MailInlet inlet_;
    std::unique_ptr<PublisherThread> publishers_;
    ServiceAnswer last_;
    std::uint64_t requeues_ = 0;
    std::uint32_t age_max_ = 0;
    std::uint64_t epochs_ = 0;
    bool stopped_ = false;
    std::optional<std::string> fault_;
    mutable std::optional<ServiceCounts> counts_;
    mutable ServiceTotals totals_;
    std::uint32_t asked_lanes_ = 0;
    std::uint32_t groups_max_ = 1;
    Bytes resident_{};
    std::atomic<std::uint64_t> co_tenants_ = 0;
    std::optional<NotedLaunches> noted_{};  ///< where the device decides
};

}  // namespace

Loaded<std::unique_ptr<CudaService>> make_cuda_service(const Scenario& scenario, DevicePool& pool,
                                                       const CudaServiceOptions& options) {
    auto publishers = std::make_unique<PublisherThread>(scenario);
    ServicePlan plan = plan_of(scenario, publishers->publishers(), options);
    auto engine = ServiceEngine::make(plan, pool);
    if (!engine) {
        return Refusal(engine.error());
    }
    return std::make_unique<DeviceService>(scenario, std::move(publishers), std::move(plan),
                                           std::move(*engine));
}

}  // namespace megabed
