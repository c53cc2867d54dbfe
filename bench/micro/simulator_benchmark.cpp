#include "policy/registry.h"
#include "scenarios/scenario_loader.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <cstdint>
#include <string>

/// How fast the simulator is: launches of synthetic frontiers, policy included, and items of services.
namespace megabed {
namespace {

Scenario parsed(const std::string& run) {
    const std::string head =
        "format = 1\nsummary = 's'\n[device]\nkernels_cached = true\n[[run]]\nname = 'r'\n";
    return parse_scenario(head + run, "benchmark.toml").value().runs.front();
}

RunSummary simulate(const Scenario& scenario) {
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto backend = make_sim_backend(scenario, nullptr);
    NoRecords sink;
    return run_scenario(scenario, "sim", *policy, *backend, sink).value();
}

void synthetic(benchmark::State& state, const std::string& shape, const std::string& policy) {
    constexpr std::int64_t kWaves = 200'000;
    Scenario scenario = parsed(fmt::format(
        "[run.synthetic]\nshape = '{}'\nvertices = 100000\narcs = 250000\nlow_bps = 100\nhigh_bps = "
        "6000\nperiod_waves = 50\nstep_bps = 200\nwaves = {}\n",
        shape, kWaves));
    scenario.policy = policy;
    std::uint64_t launches = 0;
    for (auto _ : state) {
        launches += simulate(scenario).launches;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(launches));
    state.SetLabel("items are launches");
}

/// Items of `tenants` publishers: the cost of one must not grow with the tenants or the items.
void service(benchmark::State& state, std::uint64_t tenants, double items) {
    constexpr double kSeconds = 0.1;
    Scenario scenario =
        parsed(fmt::format("[run.service]\nduration = '100 ms'\nitem = '2 us'\nring_slots = "
                           "1048576\n[[run.service.tenant]]\nname = "
                           "'t'\ncount = {}\nitems_per_second = {}\n",
                           tenants, items / kSeconds / static_cast<double>(tenants)));
    std::uint64_t done = 0;
    for (auto _ : state) {
        done += simulate(scenario).service->sum().done;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(done));
    state.SetLabel("items are work items done");
}

BENCHMARK_CAPTURE(synthetic, random_walk_reference, "random-walk", "reference")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(synthetic, random_walk_hardened, "random-walk", "hardened")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(synthetic, random_walk_gap, "random-walk", "gap")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(synthetic, square_reference, "square", "reference")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(synthetic, square_stateless, "square", "stateless")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(service, a_few_tenants_1e5_items, 10, 1e5)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(service, a_million_tenants_1e5_items, 1'000'000, 1e5)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(service, a_million_tenants_1e6_items, 1'000'000, 1e6)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(service, a_million_tenants_1e7_items, 1'000'000, 1e7)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace megabed
