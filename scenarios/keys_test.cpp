#include "scenarios/keys.h"

#include "sim/replicate.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace megabed {
namespace {

TEST(Keys, Name_every_metric) {
    std::string names;
    for (const MetricRow& row : metric_rows()) {
        names += names.empty() ? "" : ", ";
        names += row.name;
    }
    const auto keys = scenario_keys();
    const auto spec = std::find_if(keys.begin(), keys.end(), [](const KeySpec& key) {
        return key.section == "replications" && key.key == "metric";
    });
    ASSERT_NE(spec, keys.end());
    EXPECT_EQ(spec->allowed, names);
}

TEST(Keys, Are_unique_and_the_shipped_table_is_up_to_date) {
    std::set<std::string> names;
    for (const KeySpec& spec : scenario_keys()) {
        EXPECT_TRUE(names.insert(std::string(spec.section) + "." + std::string(spec.key)).second) << spec.key;
    }
    const std::string path = MEGABED_SOURCE_DIR "/scenarios/KEYS.md";
    if (std::getenv("MEGABED_UPDATE_GOLDENS") != nullptr) {
        std::ofstream(path) << keys_as_markdown();
    }
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), keys_as_markdown())
        << "MEGABED_UPDATE_GOLDENS=1 rewrites the file";
}

}  // namespace
}  // namespace megabed
