#include "gpu/service/cuda_service.h"

#include "gpu/device_policy.h"
#include "gpu/memory/device_pool.h"
#include "gpu/service/service_engine.h"
#include "policy/registry.h"
#include "sim/ring/host_atomics.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"
#include "sim/threads/service_words.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace megabed {
namespace {

#define SKIP_WITHOUT_GPU()                                           \
    do {                                                             \
        if (const auto device = cuda_device_name(); !device) {       \
            GTEST_SKIP() << "no GPU: " << to_string(device.error()); \
        }                                                            \
    } while (false)

constexpr SimTime kMillisecond(1'000'000);

// ---- the engine: mail, orders, failures ----

DevicePool& test_pool() {
    static DevicePool pool = DevicePool::on_device(std::nullopt).value();
    return pool;
}

ServicePlan small_plan() {
    ServicePlan plan;
    plan.slots = 64;
    plan.notices = 64;
    plan.deadline = SimTime(200 * kMillisecond.value());
    return plan;
}

RingItem spin_item(SimTime work, bool waited_for, std::uint32_t publisher = 0) {
    RingItem item;
    item.priority = 1;
    put_time(item.argument, kServiceWork, work);
    item.argument[kServicePublisher] = publisher;
    item.argument[kServiceFlags] = kMeasured | (waited_for ? kWaitedFor : 0);
    return item;
}

ServiceOrder run_until(std::uint64_t end, std::uint32_t claims) {
    ServiceOrder order;
    order.kind = ServiceCommand::Run;
    order.workers = 100'000;
    order.claims = claims;
    order.end = end;
    return order;
}

std::unique_ptr<ServiceEngine> engine_of(const ServicePlan& plan) {
    auto engine = ServiceEngine::make(plan, test_pool());
    EXPECT_TRUE(engine) << to_string(engine.error());
    return engine ? std::move(*engine) : nullptr;
}

constexpr SimTime kPatience(2'000'000'000);

std::uint64_t device_now(ServiceEngine& engine) {
    const auto answer = engine.give({}, kPatience);
    EXPECT_TRUE(answer) << engine.failure().value_or("");
    return answer ? answer->clock() : 0;
}

TEST(ServiceEngine, Pings_are_answered_and_parking_keeps_everything) {
    SKIP_WITHOUT_GPU();
    const auto engine = engine_of(small_plan());
    ASSERT_TRUE(engine);
    ASSERT_TRUE(engine->run_with(64)) << *engine->failure();
    const std::uint64_t first = device_now(*engine);
    EXPECT_GT(device_now(*engine), first);
    for (std::uint32_t publisher = 0; publisher < 10; ++publisher) {
        ASSERT_TRUE(engine->send(spin_item(SimTime(2000), true, publisher), ItemRoute::Ring));
    }
    ASSERT_TRUE(engine->park());
    EXPECT_FALSE(engine->runs());
    EXPECT_EQ(engine->done(), 0U);
    ASSERT_TRUE(engine->run_with(128));
    EXPECT_EQ(engine->starts(), 2U);
    const auto answer = engine->give(run_until(device_now(*engine) + 1'000'000'000, 1000), kPatience);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->word[kAnswerItems], 10U);
    EXPECT_EQ(answer->word[kAnswerStatus], static_cast<std::uint32_t>(ServiceStatus::Done));
    std::vector<std::uint32_t> noticed;
    while (const auto publisher = engine->next_notice()) {
        noticed.push_back(*publisher);
    }
    std::sort(noticed.begin(), noticed.end());
    EXPECT_EQ(noticed, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(ServiceEngine, A_launch_ends_when_its_claims_are_used_up_or_its_time_is_over) {
    SKIP_WITHOUT_GPU();
    const auto engine = engine_of(small_plan());
    ASSERT_TRUE(engine && engine->run_with(64));
    for (int item = 0; item < 50; ++item) {
        ASSERT_TRUE(engine->send(spin_item(SimTime(1000), false), ItemRoute::Ring));
    }
    const std::uint64_t far = device_now(*engine) + 1'000'000'000;
    const auto some = engine->give(run_until(far, 20), kPatience);
    ASSERT_TRUE(some);
    EXPECT_EQ(some->word[kAnswerItems], 20U);
    EXPECT_EQ(some->word[kAnswerClaimsLeft], 0U);
    const auto late = engine->give(run_until(device_now(*engine), 1000), kPatience);  // over at once
    ASSERT_TRUE(late);
    EXPECT_LE(late->word[kAnswerItems], 30U);
    const auto rest = engine->give(run_until(far, 1000), kPatience);
    ASSERT_TRUE(rest);
    EXPECT_EQ(20U + late->word[kAnswerItems] + rest->word[kAnswerItems], 50U);
    const auto nothing = engine->give(run_until(far, 1000), kPatience);
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->word[kAnswerItems], 0U);
    const auto counts = engine->counts();
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->control.published, 50U);
    EXPECT_EQ(counts->control.claimed, 50U);
    EXPECT_EQ(counts->control.in_flight, 0U);
    EXPECT_EQ(counts->tenants[0].done, 50U);
}

TEST(ServiceEngine, Short_items_that_come_while_a_launch_is_on_are_carried_out_at_once) {
    SKIP_WITHOUT_GPU();
    const auto engine = engine_of(small_plan());
    ASSERT_TRUE(engine && engine->run_with(64));
    // A long item keeps the launch on, most of the time.
    constexpr std::uint32_t kShort = 200;
    ASSERT_TRUE(engine->send(spin_item(SimTime(50 * kMillisecond.value()), false), ItemRoute::Ring));
    std::thread sender([&engine] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        for (std::uint32_t publisher = 0; publisher < kShort; ++publisher) {
            ASSERT_TRUE(engine->send(spin_item(SimTime(0), true, publisher % 64), ItemRoute::Steward));
            while (!engine->next_notice() && !engine->failed()) {
            }
        }
    });
    std::uint32_t done = 0;
    while (done < kShort + 1) {
        const auto answer = engine->give(run_until(device_now(*engine) + 1'000'000'000, 10'000), kPatience);
        if (!answer) {
            break;
        }
        done += answer->word[kAnswerItems];
    }
    sender.join();
    ASSERT_EQ(done, kShort + 1) << engine->failure().value_or("");
    const auto counts = engine->counts();
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->control.published, kShort + 1);
    EXPECT_EQ(counts->control.claimed, kShort + 1);
    EXPECT_EQ(counts->latencies[0].count(), kShort + 1);
    // The others came between two launches, or behind one that waited.
    EXPECT_LT(counts->control.queues[1].tail, kShort / 2) << "most short items went through the ring";
}

TEST(ServiceEngine, Items_go_straight_to_groups_that_wait_and_are_counted_as_any_other) {
    SKIP_WITHOUT_GPU();
    ServicePlan plan = small_plan();
    plan.slots = 8;  // so that every slot is used again and again
    const auto engine = engine_of(plan);
    ASSERT_TRUE(engine && engine->run_with(64));
    constexpr std::uint32_t kItems = 400;
    constexpr std::uint32_t kAtOnce = 4;
    ASSERT_TRUE(engine->send(spin_item(SimTime(20 * kMillisecond.value()), false), ItemRoute::Ring));
    std::atomic<bool> over = false;
    std::thread sender([&] {
        std::uint32_t noticed = 0;
        for (std::uint32_t sent = 0; noticed < kItems && !engine->failed();) {
            if (sent < kItems && sent - noticed < kAtOnce && engine->sent() - engine->done() < 8 &&
                engine->send(spin_item(SimTime(1'000), true, sent % 64), ItemRoute::Straight)) {
                ++sent;
            }
            noticed += engine->next_notice() ? 1 : 0;
        }
        over = true;
    });
    std::uint32_t done = 0;
    while (done < kItems + 1) {
        const auto answer = engine->give(run_until(device_now(*engine) + 1'000'000'000, 10'000), kPatience);
        if (!answer) {
            break;
        }
        EXPECT_EQ(answer->word[kAnswerStatus], static_cast<std::uint32_t>(ServiceStatus::Done));
        done += answer->word[kAnswerItems];
    }
    sender.join();
    ASSERT_TRUE(over);
    ASSERT_EQ(done, kItems + 1) << engine->failure().value_or("");
    const auto counts = engine->counts();
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->control.published, kItems + 1);
    EXPECT_EQ(counts->control.claimed, kItems + 1);
    EXPECT_EQ(counts->control.in_flight, 0U);
    EXPECT_EQ(counts->tenants[0].done, kItems + 1);
    EXPECT_EQ(counts->latencies[0].count(), kItems + 1);
    EXPECT_GE(counts->latencies[0].quantile(0.01), 1'000);
    std::printf("%u of %u items went through the queue\n",
                static_cast<unsigned>(counts->control.queues[1].tail), kItems + 1);
    ASSERT_TRUE(engine->park());
    RingStorage image(engine->ring_size());
    ASSERT_TRUE(engine->read_ring(image));
    EXPECT_EQ(image.view().control->queues[kFreeQueue].items, 8);  // none is kept back
    EXPECT_EQ(image.view().control->gate & ~HostRing::kOpen, 0U);
}

TEST(ServiceEngine, An_item_that_goes_straight_and_gets_stuck_is_named) {
    SKIP_WITHOUT_GPU();
    ServicePlan plan = small_plan();
    plan.handlers = {ServiceHandler::Spin, ServiceHandler::HangsPolitely};
    const auto engine = engine_of(plan);
    ASSERT_TRUE(engine && engine->run_with(64));
    ASSERT_TRUE(engine->send(spin_item(SimTime(20 * kMillisecond.value()), false), ItemRoute::Ring));
    std::thread sender([&engine] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        RingItem item = spin_item(SimTime(100), false);
        item.opcode = 1;
        EXPECT_TRUE(engine->send(item, ItemRoute::Straight));
    });
    const auto answer = engine->give(run_until(device_now(*engine) + 1'000'000'000, 1000), kPatience);
    sender.join();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->word[kAnswerStatus], static_cast<std::uint32_t>(ServiceStatus::Fault));
    EXPECT_EQ(answer->word[kAnswerFaultReason], static_cast<std::uint32_t>(FaultReason::StuckWorker));
    EXPECT_EQ(answer->word[kAnswerFaultOpcode], 1U);
    EXPECT_NE(answer->word[kAnswerFaultSlot], kNoSlot);
    engine->abort();
    EXPECT_FALSE(engine->context_lost());
}

TEST(ServiceEngine, What_no_publisher_should_send_is_a_fault_that_is_named) {
    SKIP_WITHOUT_GPU();
    struct Bad {
        RingItem item;
        FaultReason reason;
        bool in_slot;
    };
    std::vector<Bad> all(4, {spin_item(SimTime(100), false), FaultReason::UnknownOpcode, true});
    all[0].item.opcode = 7;
    all[1].item.lock = 3;
    all[1].reason = FaultReason::UnknownLock;
    all[2].item.tenant = 5;
    all[2].reason = FaultReason::UnknownTenant;
    all[2].in_slot = false;
    all[3].item.priority = 9;
    all[3].reason = FaultReason::UnknownClass;
    all[3].in_slot = false;
    for (const Bad& bad : all) {
        const auto engine = engine_of(small_plan());
        ASSERT_TRUE(engine && engine->run_with(64));
        ASSERT_TRUE(engine->send(spin_item(SimTime(100), false), ItemRoute::Ring));
        ASSERT_TRUE(engine->send(bad.item, ItemRoute::Steward));
        const auto answer = engine->give(run_until(device_now(*engine) + 1'000'000'000, 1000), kPatience);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->word[kAnswerStatus], static_cast<std::uint32_t>(ServiceStatus::Fault));
        EXPECT_EQ(answer->word[kAnswerFaultReason], static_cast<std::uint32_t>(bad.reason));
        EXPECT_EQ(answer->word[kAnswerFaultSlot] != kNoSlot, bad.in_slot);
        EXPECT_EQ(answer->word[kAnswerFaultOpcode], bad.item.opcode);
        EXPECT_EQ(answer->word[kAnswerFaultTenant], bad.item.tenant);
    }
}

// ---- the service, driven by a policy as the backend drives it ----

/// As much of a backend as a service needs.
class ServiceBackend final : public Backend {
public:
    ServiceBackend(const Scenario& scenario, std::unique_ptr<CudaService> work)
        : scenario_(scenario), work_(std::move(work)) {}
    [[nodiscard]] bool done() const override { return work_->done(); }
    [[nodiscard]] Observation observe() override {
        Observation observation;
        work_->observe(observation);
        LaunchRequest& request = observation.request;
        request.max_workgroup_size_x = 256;
        request.max_compute_workgroups_per_dimension = 65'535;
        request.max_compute_invocations_per_workgroup = 1024;
        request.requested_worker_groups = scenario_.requested_worker_groups.value_or(128);
        return observation;
    }
    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        return work_->launch(recommendation);
    }
    void pause(SimTime time) override { std::this_thread::sleep_for(std::chrono::nanoseconds(time.value())); }
    [[nodiscard]] SimTime now() const override { return work_->now(); }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return work_->service_totals(); }
    [[nodiscard]] std::optional<std::string> failure() const override { return work_->failure(); }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::uint64_t digest() const override {
        Digest digest;
        work_->add_results(digest);
        return digest.value();
    }
    [[nodiscard]] CudaService& work() { return *work_; }

private:
    const Scenario& scenario_;
    std::unique_ptr<CudaService> work_;
};

class CountedRecords final : public RecordSink {
public:
    void record(const LaunchRecord& record) override { launches += record.decision ? 1 : 0; }
    std::uint64_t launches = 0;
};

Tenant tenant(double items_per_second) {
    Tenant made = testing::poisson(items_per_second);
    return made;
}

Scenario service_scenario(std::vector<Tenant> tenants, std::uint32_t ring_slots) {
    Scenario scenario = testing::service(64, SimTime(2'000), ItemTimeLaw::Constant, SimTime(20'000'000));
    ServiceWorkload& workload = testing::service_of(scenario);
    workload.ring_slots = SlotCount(ring_slots);
    workload.window_slots = SlotCount(4);
    workload.starvation_age = 5;
    workload.tenants = std::move(tenants);
    return scenario;
}

struct Ran {
    RunSummary summary;
    RingCounts ring;
    std::uint64_t launches = 0;
    std::uint64_t results = 0;
    bool context_lost = false;
};

void run_on_device(const Scenario& scenario, const CudaServiceOptions& options, Ran& ran) {
    auto work = make_cuda_service(scenario, test_pool(), options);
    ASSERT_TRUE(work) << to_string(work.error());
    ServiceBackend backend(scenario, std::move(*work));
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    CountedRecords sink;
    ran.summary = run_scenario(scenario, "cuda", *policy, backend, sink).value();
    ran.ring = backend.work().ring_counts();
    ran.launches = sink.launches;
    ran.results = backend.digest();
    ran.context_lost = backend.work().context_lost();
}

void expect_ring_is_whole(const RingCounts& ring) {
    EXPECT_EQ(ring.published, ring.done);
    EXPECT_EQ(ring.claimed, ring.done + ring.requeued);
    EXPECT_EQ(ring.in_flight, 0U);
    EXPECT_EQ(ring.faults, 0U);
}

/// The mean as the quantiles tell it.
double mean_of_buckets(const Histogram& histogram) {
    constexpr int kSteps = 1000;
    double sum = 0;
    for (int step = 0; step < kSteps; ++step) {
        sum += static_cast<double>(histogram.quantile((step + 0.5) / kSteps));
    }
    return sum / kSteps;
}

void expect_all_accounted(const Ran& ran) {
    ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
    ASSERT_TRUE(ran.summary.service);
    for (const TenantTotals& totals : ran.summary.service->tenants) {
        EXPECT_EQ(totals.published, totals.done + totals.rejected + totals.in_flight);
        EXPECT_EQ(totals.in_flight, 0U);
        ASSERT_EQ(totals.latency_ns.count(), totals.done);
        // The device finds the bucket of each latency: all in the last one would have any sum.
        EXPECT_NEAR(mean_of_buckets(totals.latency_ns), totals.latency_ns.mean(),
                    0.02 * totals.latency_ns.mean() + static_cast<double>(totals.latency_ns.greatest()) / 500);
        ASSERT_GT(totals.done, 0U);
        std::printf("%llu items, latency p50 %.1f us, p99 %.1f us, %llu put back, %llu rejected\n",
                    static_cast<unsigned long long>(totals.done),
                    static_cast<double>(totals.latency_ns.quantile(0.5)) / 1e3,
                    static_cast<double>(totals.latency_ns.quantile(0.99)) / 1e3,
                    static_cast<unsigned long long>(totals.requeued),
                    static_cast<unsigned long long>(totals.rejected));
    }
    expect_ring_is_whole(ran.ring);
}

TEST(CudaService, Every_kind_of_tenant_is_served_and_nothing_is_lost) {
    SKIP_WITHOUT_GPU();
    Tenant bursty = tenant(0);
    bursty.arrivals =
        OpenArrivals{0, {{20'000, SimTime(2'000'000)}, {200'000, SimTime(500'000)}, {0, SimTime(500'000)}}};
    bursty.priority = 0;
    bursty.count = 3;
    bursty.opcodes = {4, 9};
    bursty.opcode_length_mean = SimTime(1'000'000);
    Tenant clients = tenant(0);
    clients.arrivals = ClosedArrivals{5, SimTime(200'000)};
    clients.item = ItemTime{SimTime(5'000), ItemTimeLaw::Exponential};
    Tenant trace = tenant(0);
    TraceArrivals lines;
    for (std::int64_t line = 0; line < 50; ++line) {
        lines.items.push_back({SimTime(line * 100'000), 7, SimTime(line % 2 * 10'000)});
    }
    trace.arrivals = lines;
    trace.contended_keys = 2;
    trace.priority = 3;
    Tenant capped = tenant(30'000);
    capped.quota_items = 3;
    capped.when_full = FullRing::Wait;
    for (const std::uint32_t slots : {32U, 1000U}) {
        const Scenario scenario = service_scenario({bursty, clients, trace, capped}, slots);
        Ran ran;
        run_on_device(scenario, {}, ran);
        expect_all_accounted(ran);
        EXPECT_EQ(ran.summary.service->tenants[2].published, 50U);
        EXPECT_EQ(ran.summary.service->tenants[3].rejected, 0U);
        EXPECT_GE(ran.summary.makespan, SimTime(20'000'000));
        EXPECT_GT(ran.summary.service->workers_busy_mean, 0.0);
        EXPECT_GE(ran.summary.service->in_flight_mean, ran.summary.service->ring_depth_mean);
    }
}

TEST(CudaService, As_many_items_come_as_in_the_simulator_and_two_runs_agree) {
    SKIP_WITHOUT_GPU();
    const Scenario scenario = service_scenario({tenant(100'000), tenant(50'000)}, 4096);
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto simulator = make_sim_backend(scenario, nullptr);
    NoRecords sink;
    const auto summary = run_scenario(scenario, "sim", *policy, *simulator, sink).value();
    Ran one;
    Ran two;
    run_on_device(scenario, {}, one);
    run_on_device(scenario, {}, two);
    expect_all_accounted(one);
    EXPECT_EQ(one.results, two.results);  // decisions depend on time, what came does not
    for (std::size_t entry = 0; entry < 2; ++entry) {
        EXPECT_EQ(one.summary.service->tenants[entry].published, summary.service->tenants[entry].published);
    }
}

TEST(CudaService, An_item_takes_its_time_and_few_groups_make_a_queue) {
    SKIP_WITHOUT_GPU();
    Scenario scenario = service_scenario({tenant(100'000)}, 4096);
    testing::service_of(scenario).item.mean = SimTime(15'000);  // load 1.5 of one group
    scenario.requested_worker_groups = 128;
    Ran many;
    run_on_device(scenario, {}, many);
    expect_all_accounted(many);
    const TenantTotals& quick = many.summary.service->tenants[0];
    EXPECT_GE(quick.latency_ns.quantile(0.5), 15'000);
    EXPECT_NEAR(many.summary.service->workers_busy_mean, 1.5, 0.4);
}

TEST(CudaService, A_full_ring_rejects_and_counts) {
    SKIP_WITHOUT_GPU();
    const Scenario scenario = service_scenario({tenant(2e6)}, 4);
    Ran ran;
    run_on_device(scenario, {}, ran);
    expect_all_accounted(ran);
    EXPECT_GT(ran.summary.service->tenants[0].rejected, 0U);
}

TEST(CudaService, A_closed_loop_never_has_more_items_out_than_clients) {
    SKIP_WITHOUT_GPU();
    Tenant clients = tenant(0);
    clients.arrivals = ClosedArrivals{3, SimTime(0)};
    Ran ran;
    run_on_device(service_scenario({clients}, 8), {}, ran);
    expect_all_accounted(ran);
    EXPECT_EQ(ran.summary.service->tenants[0].rejected, 0U);
    EXPECT_LE(ran.summary.service->in_flight_mean, 3.1);
    EXPECT_GT(ran.summary.service->tenants[0].done, 1000U);
}

void expect_fault(const Ran& ran, const char* words) {
    ASSERT_TRUE(ran.summary.stopped_by);
    EXPECT_NE(ran.summary.stopped_by->find(words), std::string::npos) << *ran.summary.stopped_by;
    const TenantTotals sum = ran.summary.service->sum();
    EXPECT_EQ(sum.published, sum.done + sum.rejected + sum.in_flight);
    EXPECT_GE(sum.in_flight, 1U);
    std::printf("%s\n", ran.summary.stopped_by->c_str());
}

Scenario with_bad_opcode() {
    Tenant odd = tenant(2'000);
    odd.opcodes = {3};
    Tenant good = tenant(50'000);
    good.opcodes = {1};
    return service_scenario({good, odd}, 256);
}

TEST(CudaService, A_handler_that_fails_or_is_missing_ends_the_run_and_its_slot_is_named) {
    SKIP_WITHOUT_GPU();
    Ran failed;
    run_on_device(with_bad_opcode(), {.handlers = {ServiceHandler::Spin, ServiceHandler::Fails}}, failed);
    expect_fault(failed, "its handler failed");
    Ran missing;
    run_on_device(with_bad_opcode(), {.handlers = {ServiceHandler::Spin, ServiceHandler::None}}, missing);
    expect_fault(missing, "its opcode has no handler");
}

TEST(CudaService, A_stuck_worker_is_named_within_the_deadline_and_the_process_is_as_usable_as_before) {
    SKIP_WITHOUT_GPU();
    CudaServiceOptions options;
    options.deadline = SimTime(80'000'000);
    options.handlers = {ServiceHandler::Spin, ServiceHandler::HangsPolitely};
    const auto begin = std::chrono::steady_clock::now();
    Ran stuck;
    run_on_device(with_bad_opcode(), options, stuck);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    expect_fault(stuck, "a worker did not finish it within the deadline");
    EXPECT_FALSE(stuck.context_lost);
    Ran after;
    run_on_device(service_scenario({tenant(50'000)}, 64), {}, after);
    expect_all_accounted(after);
}

}  // namespace
}  // namespace megabed
