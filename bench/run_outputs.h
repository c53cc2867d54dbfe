#pragma once

#include "bench/launches_csv.h"
#include "bench/trace_json.h"
#include "sim/file_output.h"
#include "sim/launch_record.h"

#include <filesystem>
#include <memory>
#include <vector>

namespace megabed {

/// Makes a folder and those above it. Errors: a file has that name; not permitted.
[[nodiscard]] Loaded<void> make_folder(const std::filesystem::path& folder);

/// Writes a run's launches.csv and trace.json launch by launch, so that memory does not grow with the run.
/// Until `commit` they have temporary names, and without it nothing remains.
class RunOutputs final : public RecordSink {
public:
    /// Errors: as make_folder and FileStream.
    [[nodiscard]] static Loaded<std::unique_ptr<RunOutputs>> open(const std::filesystem::path& folder,
                                                                  const Scenario& scenario);

    ~RunOutputs() override;

    void record(const LaunchRecord& record) override;
    [[nodiscard]] bool wants_tenants() const override { return true; }
    [[nodiscard]] Loaded<void> commit();

private:
    RunOutputs(FileStream launches, FileStream trace, const Scenario& scenario,
               std::vector<std::filesystem::path> made);

    std::vector<std::filesystem::path> made_;  ///< folders that were not there before, the innermost first
    std::optional<FileStream> launches_;
    std::optional<FileStream> trace_;
    LaunchesCsv csv_;
    TraceJson json_;
};

}  // namespace megabed
