#include "scenarios/catalog.h"
#include "bench/scenario_runner.h"
#include "scenarios/scenario_loader.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace megabed {
namespace {

/// `FILE RUN DIGEST LAUNCHES MAKESPAN_NS` of every run of every scenario of the catalog.
std::string catalog_digests() {
    std::string text;
    const auto scenarios = list_scenarios();
    EXPECT_TRUE(scenarios);
    for (const CatalogEntry& entry : *scenarios) {
        const auto file = load_scenario(entry.path);
        EXPECT_TRUE(file) << to_string(file.error());
        const auto runs = run_all(*file, {});
        EXPECT_TRUE(runs) << to_string(runs.error());
        for (const FinishedRun& run : runs->runs) {
            EXPECT_FALSE(run.summary.stopped_by) << entry.name << ' ' << *run.summary.stopped_by;
            text += fmt::format("{} {} {} {} {}\n", entry.path.filename().string(), run.summary.name,
                                hex(run.summary.digest), run.summary.launches, run.summary.makespan.value());
        }
    }
    return text;
}

TEST(Catalog, Every_scenario_finishes_with_its_registered_digest) {
    const std::string path = MEGABED_SOURCE_DIR "/scenarios/digests.txt";
    const std::string digests = catalog_digests();
    if (std::getenv("MEGABED_UPDATE_GOLDENS") != nullptr) {
        std::ofstream(path) << digests;
    }
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), digests)
        << "MEGABED_UPDATE_GOLDENS=1 rewrites the file; review the difference";
}

}  // namespace
}  // namespace megabed
