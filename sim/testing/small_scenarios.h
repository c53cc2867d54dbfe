#pragma once

#include "policy/registry.h"
#include "sim/graphs/graph.h"
#include "sim/run_scenario.h"
#include "sim/scenario.h"
#include "sim/sim_backend.h"

#include <string>
#include <vector>

/// Scenarios and runs that several tests of the simulator share.
namespace megabed::testing {

/// Ten multiprocessors with round figures.
inline DeviceProfile small_device() {
    DeviceProfile device;
    device.name = "test";
    device.multiprocessors = 10;
    device.max_workgroup_size_x = 1024;
    device.max_compute_workgroups_per_dimension = 65'535;
    device.max_compute_invocations_per_workgroup = 1024;
    device.resident_lanes_per_multiprocessor = 2048;
    device.resident_groups_per_multiprocessor = 16;
    device.saturating_warps = 100;
    device.read_bytes_per_second = 1e12;
    device.gathers = {{Bytes(1000), 4e9}, {Bytes(3000), 2e9}};
    device.atomics = {{Bytes(1000), 1e9}};
    device.barriers = {{10, SimTime(1000)}, {20, SimTime(3000)}};
    device.tickets_per_second = 1e9;
    device.relaunch = SimTime(8000);
    device.host_decision = SimTime(2000);
    device.device_decision = SimTime(200);
    device.compile = SimTime(1'000'000);
    device.dependent_access = SimTime(1000);
    device.warp_step = SimTime(30);
    device.interpreter_dispatch = SimTime(60);
    device.frontier_vertex_bytes = Bytes(20);
    device.queue_entry_bytes = Bytes(4);
    device.row_bytes = Bytes(16);
    device.tile_items = 256;
    device.heavy_degree = 512;
    return device;
}

/// A device on which only the work itself takes time.
inline DeviceProfile ideal_device() {
    DeviceProfile device = small_device();
    constexpr double kEndless = 1e18;
    device.read_bytes_per_second = kEndless;
    device.gathers = {{Bytes(1000), kEndless}};
    device.atomics = {{Bytes(1000), kEndless}};
    device.tickets_per_second = kEndless;
    device.saturating_warps = 0xFFFF'FFFF;
    for (SimTime DeviceProfile::*const cost :
         {&DeviceProfile::relaunch, &DeviceProfile::host_decision, &DeviceProfile::device_decision,
          &DeviceProfile::compile, &DeviceProfile::dependent_access, &DeviceProfile::warp_step,
          &DeviceProfile::interpreter_dispatch}) {
        device.*cost = SimTime(0);
    }
    return device;
}

inline Scenario synthetic(std::uint64_t waves) {
    Scenario scenario;
    scenario.name = "test";
    scenario.file = "test.toml";
    scenario.device = small_device();
    scenario.kernels_cached = true;
    SyntheticWorkload workload;
    workload.vertices = 1000;
    workload.arcs = 4000;
    workload.low = BasisPoints(2000);
    workload.high = BasisPoints(2000);
    workload.waves = waves;
    scenario.workload = workload;
    return scenario;
}

/// One ring, `groups` workers, no tenants yet.
inline Scenario service(std::uint32_t groups, SimTime item, ItemTimeLaw law, SimTime duration) {
    Scenario scenario = synthetic(1);
    scenario.device = ideal_device();
    scenario.requested_worker_groups = groups;
    ServiceWorkload workload;
    workload.duration = duration;
    workload.epoch = SimTime(1'000'000);
    workload.item = {item, law};
    workload.ring_slots = SlotCount(1 << 20);
    workload.hot_opcode_share = BasisPoints(1000);
    scenario.workload = workload;
    return scenario;
}

inline ServiceWorkload& service_of(Scenario& scenario) { return std::get<ServiceWorkload>(scenario.workload); }

inline Tenant poisson(double items_per_second) {
    Tenant tenant;
    tenant.name = "t";
    tenant.arrivals = OpenArrivals{items_per_second, {}};
    return tenant;
}

class CountingSink final : public RecordSink {
public:
    void record(const LaunchRecord& record) override {
        ++records;
        refused += record.error ? 1 : 0;
        items += record.outcome.items;
        backwards = backwards || record.outcome.start < last || record.outcome.duration < SimTime(0);
        last = record.outcome.start + record.outcome.duration;
        if (record.decision) {
            topologies.push_back(record.decision->recommendation.topology);
        }
    }
    std::uint64_t records = 0;
    std::uint64_t refused = 0;
    std::uint64_t items = 0;
    bool backwards = false;
    SimTime last{};
    std::vector<DispatchTopology> topologies;
};

inline RunSummary run(const Scenario& scenario, CountingSink& sink, const CsrGraph* graph = nullptr) {
    const auto backend = make_sim_backend(scenario, graph);
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    return run_scenario(scenario, "sim", *policy, *backend, sink).value();
}

inline RunSummary run(const Scenario& scenario, const CsrGraph* graph = nullptr) {
    CountingSink sink;
    return run(scenario, sink, graph);
}

}  // namespace megabed::testing
