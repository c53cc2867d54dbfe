#include "bench/fidelity/hardware_record.h"

#include "bench/run_outputs.h"
#include "scenarios/catalog.h"
#include "sim/file_output.h"
#include "sim/graphs/line_reader.h"

#include <fmt/format.h>
#include <algorithm>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;
namespace io = boost::iostreams;
using nlohmann::json;

constexpr int kFormat = 1;
constexpr std::string_view kHeader = "scenario,policy,launch,topology,queue_len,ns";

Refusal refusal(const fs::path& file, std::string key, std::string problem, std::string allowed,
                std::optional<std::uint64_t> line = {}) {
    return Refusal(InputError{.where = file.string(),
                              .line = line,
                              .key = std::move(key),
                              .problem = std::move(problem),
                              .allowed = std::move(allowed)});
}

std::string waves_text(const HardwareRecord& record) {
    std::string text = fmt::format("{}\n", kHeader);
    for (const RecordedRun& run : record.runs) {
        for (std::size_t at = 0; at < run.launches.size(); ++at) {
            const RecordedLaunch& launch = run.launches[at];
            text += fmt::format("{},{},{},{},{},{}\n", run.scenario, run.policy, at, launch.topology,
                                launch.queue_len, launch.ns);
        }
    }
    return text;
}

/// No name and no time is in it, so that the same waves give the same bytes.
std::string gzipped(const std::string& text) {
    std::ostringstream bytes;
    io::filtering_ostream out;
    out.push(io::gzip_compressor(io::gzip_params(io::gzip::best_compression)));
    out.push(bytes);
    out << text;
    io::close(out);
    return bytes.str();
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end == text.data() + text.size();
}

/// Fields of one line; none holds a comma.
std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
        const std::size_t comma = line.find(',');
        fields.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) {
            return fields;
        }
        line.remove_prefix(comma + 1);
    }
}

/// Puts every line's launch into its run.
Loaded<void> read_waves(const fs::path& path, HardwareRecord& record) {
    auto lines = LineReader::open(path);
    if (!lines) {
        return Refusal(lines.error());
    }
    std::map<std::pair<std::string, std::string>, RecordedRun*> runs;
    for (RecordedRun& run : record.runs) {
        runs[{run.scenario, run.policy}] = &run;
    }
    for (std::uint64_t number = 1;; ++number) {
        const auto read = lines->next();
        if (!read) {
            return Refusal(read.error());
        }
        if (!*read) {
            return {};
        }
        const std::string_view line = **read;
        if (number == 1) {
            if (line != kHeader) {
                return refusal(path, {}, fmt::format("begins with {}", line), std::string(kHeader), number);
            }
            continue;
        }
        constexpr std::size_t kFields = 6;
        const auto fields = fields_of(line);
        RecordedLaunch launch;
        std::size_t place = 0;
        if (fields.size() != kFields || !read_number(fields[2], place) ||
            !read_number(fields[4], launch.queue_len) || !read_number(fields[5], launch.ns) || launch.ns < 0) {
            return refusal(path, {}, fmt::format("holds {}", line), fmt::format("lines of {}", kHeader),
                           number);
        }
        const auto run = runs.find({std::string(fields[0]), std::string(fields[1])});
        if (run == runs.end() || run->second->launches.size() != place) {
            return refusal(path, {},
                           fmt::format("holds launch {} of {} under {}", fields[2], fields[0], fields[1]),
                           "the launches of record.json's runs, in order", number);
        }
        launch.topology = fields[3];
        run->second->launches.push_back(std::move(launch));
    }
}

Loaded<HardwareRecord> read_json(const fs::path& path) {
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    const json document = json::parse(*text, nullptr, false);
    constexpr const char* kAllowed = "a record that `megabed compare --record` wrote";
    if (!document.is_object() || document.value("format", json()) != json(kFormat)) {
        return refusal(path, "format", "is not a record of format 1", kAllowed);
    }
    HardwareRecord record;
    try {
        record.context = document.at("context").get<std::map<std::string, std::string>>();
        for (const json& run : document.at("runs")) {
            record.runs.push_back({run.at("scenario").get<std::string>(),
                                   run.at("policy").get<std::string>(),
                                   run.at("busy_ns").get<std::vector<std::int64_t>>(),
                                   {}});
            const auto& times = record.runs.back().busy_ns;
            if (times.empty() || std::ranges::any_of(times, [](std::int64_t time) { return time <= 0; })) {
                return refusal(path, fmt::format("runs[{}].busy_ns", record.runs.size() - 1),
                               "holds no times above 0", "nanoseconds, one a repetition");
            }
        }
    } catch (const json::exception& problem) {
        return refusal(path, {}, fmt::format("is not whole: {}", problem.what()), kAllowed);
    }
    return record;
}

}  // namespace

Loaded<void> write_record(const fs::path& folder, const HardwareRecord& record) {
    if (auto made = make_folder(folder); !made) {
        return made;
    }
    if (auto written = write_file(folder / "waves.csv.gz", gzipped(waves_text(record))); !written) {
        return written;
    }
    json document{{"format", kFormat}, {"context", record.context}, {"runs", json::array()}};
    for (const RecordedRun& run : record.runs) {
        document["runs"].push_back({{"scenario", run.scenario},
                                    {"policy", run.policy},
                                    {"launches", run.launches.size()},
                                    {"busy_ns", run.busy_ns}});
    }
    return write_file(folder / "record.json", fmt::format("{}\n", document.dump(1)));
}

Loaded<HardwareRecord> load_record(const fs::path& path) {
    std::error_code ignored;
    const fs::path file = fs::is_directory(path, ignored) ? path / "record.json" : path;
    auto record = read_json(file);
    if (!record) {
        return record;
    }
    if (const auto read = read_waves(file.parent_path() / "waves.csv.gz", *record); !read) {
        return Refusal(read.error());
    }
    return record;
}

}  // namespace megabed
