#include "bench/run_outputs.h"

#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <utility>

namespace megabed {

namespace fs = std::filesystem;

Loaded<void> make_folder(const fs::path& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    std::error_code unused;
    if (!fs::is_directory(folder, unused)) {
        return Refusal(InputError{.where = "--out",
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("{} cannot be made: {}", printable(folder.string()),
                                                         code ? code.message() : "a file has that name"),
                                  .allowed = "a folder"});
    }
    return {};
}

Loaded<std::unique_ptr<RunOutputs>> RunOutputs::open(const fs::path& folder, const Scenario& scenario) {
    std::vector<fs::path> made;
    std::error_code code;
    for (fs::path at = folder; !at.empty() && !fs::exists(at, code) && at != at.parent_path();
         at = at.parent_path()) {
        made.push_back(at);
    }
    if (const auto folders = make_folder(folder); !folders) {
        return Refusal(folders.error());
    }
    auto launches = FileStream::create(folder / "launches.csv");
    if (!launches) {
        return Refusal(launches.error());
    }
    auto trace = FileStream::create(folder / "trace.json");
    if (!trace) {
        return Refusal(trace.error());
    }
    return std::unique_ptr<RunOutputs>(
        new RunOutputs(*std::move(launches), *std::move(trace), scenario, std::move(made)));
}

RunOutputs::RunOutputs(FileStream launches, FileStream trace, const Scenario& scenario,
                       std::vector<fs::path> made)
    : made_(std::move(made)), launches_(std::move(launches)), trace_(std::move(trace)), json_(scenario) {}

/// Folders that this made and that hold nothing go with the files that were not finished.
RunOutputs::~RunOutputs() {
    launches_.reset();
    trace_.reset();
    for (const fs::path& folder : made_) {
        std::error_code not_empty;
        fs::remove(folder, not_empty);
    }
}

void RunOutputs::record(const LaunchRecord& record) {
    csv_.record(record);
    launches_->append(csv_.take());
    json_.record(record);
    trace_->append(json_.take());
}

Loaded<void> RunOutputs::commit() {
    json_.close();
    launches_->append(csv_.take());
    trace_->append(json_.take());
    if (const auto written = launches_->commit(); !written) {
        return written;
    }
    return trace_->commit();
}

}  // namespace megabed
