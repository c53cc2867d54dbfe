#include "scenarios/synthetic_reader.h"

#include "scenarios/trace_file.h"

#include <fmt/format.h>
#include <array>
#include <string>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

constexpr std::array<std::pair<std::string_view, DensityShape>, 7> kShapes{{
    {"constant", DensityShape::Constant},
    {"square", DensityShape::Square},
    {"sawtooth", DensityShape::Sawtooth},
    {"random-walk", DensityShape::RandomWalk},
    {"ornstein-uhlenbeck", DensityShape::OrnsteinUhlenbeck},
    {"recorded", DensityShape::Recorded},
    {"adversarial", DensityShape::Adversarial},
}};

DensityShape shape_of(const std::string& name) {
    for (const auto& [known, shape] : kShapes) {
        if (known == name) {
            return shape;
        }
    }
    return DensityShape::Constant;
}

/// A key that says nothing for the shape would be a mistake that nobody sees.
void refuse_if_given(SectionReader& keys, std::string_view key, bool is_given, std::string_view shapes) {
    if (is_given) {
        keys.refuse(key, "says nothing for this shape", fmt::format("for {} alone", shapes));
    }
}

}  // namespace

SyntheticWorkload read_synthetic(const RunTables& tables, const std::filesystem::path& folder,
                                 FirstError& errors) {
    SectionReader keys(scenario_keys(), "run.synthetic", tables.own("synthetic"), errors);
    SyntheticWorkload workload;
    workload.shape = shape_of(keys.text("shape").value_or("constant"));
    workload.vertices = keys.u32("vertices").value_or(1);
    workload.arcs = keys.u32("arcs").value_or(1);
    const bool recorded = workload.shape == DensityShape::Recorded;
    const auto low = keys.bps("low_bps");
    workload.low = low.value_or(BasisPoints(0));
    workload.high = keys.bps("high_bps").value_or(workload.low);
    workload.period_waves = static_cast<std::uint64_t>(keys.integer("period_waves").value_or(2));
    constexpr BasisPoints kStep{100};
    workload.step = keys.bps("step_bps").value_or(kStep);
    workload.noise = keys.bps("noise_bps").value_or(kStep);
    workload.reversion = keys.bps("reversion_bps").value_or(BasisPoints(500));
    workload.waves = static_cast<std::uint64_t>(keys.integer("waves").value_or(1));
    workload.hot_opcode_count = keys.u32("hot_opcode_count").value_or(0);
    workload.hot_window_count = keys.u32("hot_window_count").value_or(0);
    workload.hot_period_waves = static_cast<std::uint64_t>(keys.integer("hot_period_waves").value_or(0));
    workload.goal =
        keys.text("goal").value_or("flaps") == "regret" ? AdversaryGoal::Regret : AdversaryGoal::Flaps;
    constexpr std::uint32_t kSearchRuns = 2000;
    workload.search_runs = keys.u32("search_runs").value_or(kSearchRuns);
    if (!recorded && !low) {
        keys.refuse("shape", "has no low_bps", "low_bps for every shape but recorded");
    }
    if (workload.high < workload.low) {
        keys.refuse("high_bps", fmt::format("is {}, below low_bps", workload.high.value()),
                    fmt::format("{} to 10000 bps", workload.low.value()));
    }
    const auto file = keys.text("file");
    refuse_if_given(keys, "file", file.has_value() && !recorded, "recorded");
    refuse_if_given(keys, "goal", keys.text("goal").has_value() && workload.shape != DensityShape::Adversarial,
                    "adversarial");
    constexpr std::uint64_t kAdversaryWaves = 10'000;
    if (workload.shape == DensityShape::Adversarial && workload.waves > kAdversaryWaves) {
        keys.refuse("waves", fmt::format("is {}", workload.waves),
                    fmt::format("1 to {} for an adversarial shape", kAdversaryWaves));
    }
    if (recorded && !file) {
        keys.refuse("shape", "is recorded without a file", "file, a CSV with a column density_bps");
    }
    std::error_code code;
    if (recorded && file && !std::filesystem::exists(folder / *file, code)) {
        constexpr std::size_t kPathShown = 1000;
        keys.refuse("file", fmt::format("{} does not exist", printable((folder / *file).string(), kPathShown)),
                    "a CSV file relative to the scenario");
    } else if (recorded && file) {
        auto trajectory = load_density_trace(folder / *file);
        if (!trajectory) {
            errors.report(trajectory.error());
        } else {
            workload.trajectory = *std::move(trajectory);
        }
    }
    if (workload.trajectory.empty()) {
        workload.trajectory = {workload.low};  // an adversary starts from it
    }
    keys.refuse_unknown();
    return workload;
}

}  // namespace megabed
