#include "bench/study/check_study.h"

#include "bench/study/study_workers.h"
#include "sim/plugins/plugin_policy.h"
#include "sim/plugins/policy_source.h"

#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <utility>

namespace megabed {

Loaded<CheckResult> check_sample(const StoredSample& sample, unsigned jobs, std::stop_token stop) {
    std::map<std::int64_t, const StoredRun*> stored;
    for (const StoredRun& run : sample.runs) {
        if (is_plugin_path(run.spec.policy)) {
            if (const auto loaded = find_policy_source(run.spec.policy); !loaded) {
                return Refusal(loaded.error());
            }
        }
        stored.emplace(static_cast<std::int64_t>(run.spec.id), &run);
    }
    std::vector<PointSpec> specs;
    specs.reserve(sample.runs.size());
    for (const StoredRun& run : sample.runs) {
        specs.push_back(run.spec);
    }
    CheckResult result;
    StudyWorkers workers(jobs, std::move(stop));
    result.interrupted = !workers.run_all(specs, [&](const RunOutcome& outcome) {
        ++result.checked;
        const StoredRun& run = *stored.at(outcome.id);
        const std::string seen = outcome.error ? *outcome.error : outcome.digest.value_or("");
        if (seen != run.digest) {
            result.different.push_back(
                {run.spec.id, fmt::format("{} under {}, seed {}", run.spec.run, run.spec.policy, run.spec.seed),
                 run.digest, seen});
        }
    });
    std::sort(result.different.begin(), result.different.end(),
              [](const DifferentRun& left, const DifferentRun& right) { return left.id < right.id; });
    return result;
}

}  // namespace megabed
