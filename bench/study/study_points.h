#pragma once

#include "bench/study/point_runner.h"
#include "bench/study/study.h"

#include <memory>
#include <string>
#include <vector>

namespace megabed {

/// The runs of a study by number, with all that it takes to carry them out. Requires: the study outlives it.
class StudyPoints {
public:
    explicit StudyPoints(const Study& study) : study_(study) {
        for (const StudyFile& file : study.files) {
            texts_.push_back(std::make_shared<const std::string>(file.text));
        }
    }

    [[nodiscard]] PointSpec spec(std::uint64_t id) const {
        const StudyPoint point = study_.point(id);
        const StudyScenario& scenario = study_.scenarios[point.scenario];
        const StudyPolicy& policy = study_.policies[point.policy];
        const StudyVariant& variant = study_.variants[point.variant];
        PointSpec spec;
        spec.id = id;
        spec.path = study_.files[scenario.file].path;
        spec.text = texts_[scenario.file];
        spec.run = scenario.name;
        spec.policy = policy.name;
        spec.settings = policy.settings;
        spec.settings.insert(spec.settings.end(), variant.settings.begin(), variant.settings.end());
        spec.backend = study_.backends[point.backend];
        spec.seed = study_.seeds[point.seed];
        spec.timeline = point.variant == 0 && point.seed == 0;
        spec.launch_cache = study_.launch_cache;
        return spec;
    }

private:
    const Study& study_;
    std::vector<std::shared_ptr<const std::string>> texts_;
};

}  // namespace megabed
