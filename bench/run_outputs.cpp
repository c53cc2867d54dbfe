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
    if (const auto made = make_folder(folder); !made) {
        return Refusal(made.error());
    }
    auto launches = FileStream::create(folder / "launches.csv");
    if (!launches) {
        return Refusal(launches.error());
    }
    auto trace = FileStream::create(folder / "trace.json");
    if (!trace) {
        return Refusal(trace.error());
    }
    return std::unique_ptr<RunOutputs>(new RunOutputs(*std::move(launches), *std::move(trace), scenario));
}

RunOutputs::RunOutputs(FileStream launches, FileStream trace, const Scenario& scenario)
    : launches_(std::move(launches)), trace_(std::move(trace)), json_(scenario) {}

void RunOutputs::record(const LaunchRecord& record) {
    csv_.record(record);
    launches_.append(csv_.take());
    json_.record(record);
    trace_.append(json_.take());
}

Loaded<void> RunOutputs::commit() {
    json_.close();
    launches_.append(csv_.take());
    trace_.append(json_.take());
    if (const auto written = launches_.commit(); !written) {
        return written;
    }
    return trace_.commit();
}

}  // namespace megabed
