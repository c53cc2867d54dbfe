#include "sim/telemetry.h"

#include "sim/traversals/frontier_readings.h"

namespace megabed {

void fill_settings(const Scenario& scenario, LaunchRequest& request) {
    constexpr std::uint32_t kGroupsAMultiprocessor = 4;
    const DeviceProfile& device = scenario.device;
    request.requested_worker_groups =
        scenario.requested_worker_groups.value_or(device.multiprocessors * kGroupsAMultiprocessor);
    request.requested_hit_capacity = scenario.requested_hit_capacity;
    request.max_workgroup_size_x = device.max_workgroup_size_x;
    request.max_compute_workgroups_per_dimension = device.max_compute_workgroups_per_dimension;
    request.max_compute_invocations_per_workgroup = device.max_compute_invocations_per_workgroup;
}

void fill_memory(const Scenario& scenario, Bytes resident, LaunchRequest& request) {
    observe_memory(resident, scenario.memory.budget, request);
}

}  // namespace megabed
