#pragma once

#include "policy/launch_request.h"
#include "policy/units.h"
#include "sim/scenario.h"

namespace megabed {

/// The fields of a request that the scenario and its device set: what is asked for and the adapter's limits.
void fill_settings(const Scenario& scenario, LaunchRequest& request);

/// Resident bytes, the budget and the pressure that they make.
void fill_memory(const Scenario& scenario, Bytes resident, LaunchRequest& request);

}  // namespace megabed
