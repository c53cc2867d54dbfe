#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// A scenario file as a study found it: settings are not applied.
struct StudyFile {
    std::string path;  ///< absolute
    std::string text;
    std::string digest;  ///< XXH3 of the text (64 bits), in hex
};

/// One run of a scenario file.
struct StudyScenario {
    std::size_t file = 0;  ///< index into `Study::files`
    std::string name;      ///< of the run
    std::string label;     ///< FILE/RUN
};

/// A policy under a name of the study's own.
struct StudyPolicy {
    std::string label;
    std::string name;                   ///< what `--policy` takes
    std::vector<std::string> settings;  ///< what `--set` takes, the study's own settings first
};

struct ParameterValue {
    std::string parameter;
    std::string value;
    std::optional<double> number{};  ///< where the value is one
};

/// One combination of the study's parameters.
struct StudyVariant {
    std::string label;  ///< "width=250, threshold=4000"; empty without parameters
    std::vector<std::string> settings;
    std::vector<ParameterValue> values;
};

/// One run of a study, as indices into its lists.
struct StudyPoint {
    std::uint64_t id = 0;  ///< from 1 on
    std::size_t scenario = 0;
    std::size_t policy = 0;
    std::size_t variant = 0;
    std::size_t backend = 0;
    std::size_t seed = 0;
};

/// The cross product of scenarios, policies, parameters, backends and seeds: plain data, checked.
struct Study {
    std::string name;  ///< stem of the file
    std::string summary;
    std::string question;
    std::string method;
    std::string baseline;  ///< label of the policy that others are compared with
    std::string path;      ///< absolute
    std::string text;
    std::string digest;  ///< XXH3 of the text, of all scenarios' and of all policies' settings, in hex
    std::vector<StudyFile> files;
    std::vector<StudyScenario> scenarios;
    std::vector<StudyPolicy> policies;
    std::vector<StudyVariant> variants;  ///< at least one
    std::vector<std::string> backends;
    std::vector<std::uint64_t> seeds;
    bool launch_cache = false;  ///< count what a launch cache would have served

    [[nodiscard]] std::uint64_t runs() const {
        return std::uint64_t{scenarios.size()} * policies.size() * variants.size() * backends.size() *
               seeds.size();
    }

    /// The run of that number; the seed runs fastest, then backend, variant, policy, scenario.
    /// Requires: 1 <= id <= runs().
    [[nodiscard]] StudyPoint point(std::uint64_t id) const {
        std::uint64_t rest = id - 1;
        const auto take = [&rest](std::size_t size) {
            const auto index = static_cast<std::size_t>(rest % size);
            rest /= size;
            return index;
        };
        StudyPoint point;
        point.id = id;
        point.seed = take(seeds.size());
        point.backend = take(backends.size());
        point.variant = take(variants.size());
        point.policy = take(policies.size());
        point.scenario = take(scenarios.size());
        return point;
    }
};

}  // namespace megabed
