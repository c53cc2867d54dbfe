#pragma once

#include "sim/launch_record.h"
#include "sim/scenario.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace megabed {

/// Builds trace.json in the Trace Event Format that Perfetto opens. Tracks: launches as slices named by
/// topology, with drain, relaunch, compilation and waves inside; decisions with the rule and the hold that made
/// each; counters for the queue (ring depth), density, pressure, resident memory beside the budget, worker
/// groups, and for every tenant the items done and in flight. With telemetry faults, what was true has counters
/// too. Times in microseconds of the backend's clock.
class TraceJson {
public:
    explicit TraceJson(const Scenario& scenario);
    void record(const LaunchRecord& record);
    /// Ends the document; call once, before the last `take`.
    void close();
    /// What was added since the last call.
    [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

private:
    std::string text_;
    std::vector<std::string> tenants_;
};

}  // namespace megabed
