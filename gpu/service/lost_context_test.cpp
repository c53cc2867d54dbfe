#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/service/service_engine.h"
#include "policy/registry.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"
#include "sim/threads/service_words.h"

#include <gtest/gtest.h>
#include <cstdio>

// A program of its own: it loses the CUDA context of its process on purpose, and that does not come back.
namespace megabed {
namespace {

ServicePlan hanging_plan() {
    ServicePlan plan;
    plan.slots = 16;
    plan.deadline = SimTime(80'000'000);
    plan.handlers = {ServiceHandler::HangsForever};
    return plan;
}

/// Serves one item whose worker never looks up; then gives the service up.
void lose_the_context() {
    auto pool = DevicePool::on_device(std::nullopt);
    ASSERT_TRUE(pool) << to_string(pool.error());
    auto engine = ServiceEngine::make(hanging_plan(), *pool);
    ASSERT_TRUE(engine) << to_string(engine.error());
    ASSERT_TRUE((*engine)->run_with(64)) << *(*engine)->failure();
    RingItem item;
    item.priority = 1;
    ASSERT_TRUE((*engine)->send(item, ItemRoute::Ring));
    ServiceOrder order;
    order.kind = ServiceCommand::Run;
    order.workers = 8;
    order.claims = 10;
    order.end = ~std::uint64_t{0};
    const auto answer = (*engine)->give(order, SimTime(5'000'000'000));
    ASSERT_TRUE(answer) << (*engine)->failure().value_or("");
    EXPECT_EQ(answer->word[kAnswerFaultReason], static_cast<std::uint32_t>(FaultReason::StuckWorker));
    EXPECT_FALSE((*engine)->context_lost());
    (*engine)->abort();
    // Else the kernel still runs, and the end of this process would wait for it.
    ASSERT_TRUE((*engine)->context_lost());
    std::printf("%s\n", (*engine)->failure().value_or("").c_str());
}

TEST(LostContext, A_worker_that_never_looks_up_takes_the_context_along_and_CUDA_is_refused_from_then_on) {
    if (const auto device = cuda_device_name(); !device) {
        GTEST_SKIP() << "no GPU: " << to_string(device.error());
    }
    Scenario scenario = testing::service(64, SimTime(2'000), ItemTimeLaw::Constant, SimTime(5'000'000));
    testing::service_of(scenario).tenants = {testing::poisson(50'000)};
    lose_the_context();
    const auto cause = cuda_context_lost();
    ASSERT_TRUE(cause);
    EXPECT_NE(cause->find("the service kernel"), std::string::npos) << *cause;

    for (int again = 0; again < 2; ++again) {
        const auto backend = make_cuda_backend(scenario, nullptr);
        ASSERT_FALSE(backend);
        const std::string said = to_string(backend.error());
        EXPECT_EQ(backend.error().kind, InputErrorKind::Unavailable);
        EXPECT_NE(said.find("lost its CUDA context by the service kernel"), std::string::npos) << said;
        EXPECT_NE(said.find("CUDA in a new one"), std::string::npos) << said;
        std::printf("%s\n", said.c_str());
    }
    EXPECT_FALSE(cuda_device_name());

    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto simulator = make_sim_backend(scenario, nullptr);
    NoRecords sink;
    const auto summary = run_scenario(scenario, "sim", *policy, *simulator, sink);
    ASSERT_TRUE(summary);
    EXPECT_FALSE(summary->stopped_by);
    EXPECT_GT(summary->service->sum().done, 0U);
}

}  // namespace
}  // namespace megabed
