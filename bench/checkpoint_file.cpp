#include "bench/checkpoint_file.h"

#include "bench/overrides_json.h"
#include "bench/version.h"
#include "sim/engine/digest.h"
#include "sim/file_output.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kKind = "megabed checkpoint 1";

std::string checksum(std::string_view state) { return hex(digest_of(std::as_bytes(std::span(state)))); }

}  // namespace

Loaded<void> write_checkpoint(const std::filesystem::path& path, const StoredCheckpoint& checkpoint) {
    Json json;
    json["kind"] = kKind;
    json["version"] = version();
    json["revision"] = revision();
    json["path"] = checkpoint.scenario_path;
    json["text"] = checkpoint.scenario_text;
    json["overrides"] = overrides_json(checkpoint.overrides);
    json["run"] = checkpoint.run;
    json["state_bytes"] = checkpoint.state.size();
    json["state_checksum"] = checksum(checkpoint.state);
    return write_file(path, json.dump() + "\n" + checkpoint.state);
}

Loaded<StoredCheckpoint> load_checkpoint(const std::filesystem::path& path) {
    const auto refuse = [&](std::string problem, std::string allowed) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = std::move(problem),
                                  .allowed = std::move(allowed)});
    };
    const std::string allowed = "a file that `megabed run --checkpoint` wrote";
    // A checkpoint is as large as the state of its run: what a search of a large graph has seen, for instance.
    std::error_code code;
    if (!std::filesystem::is_regular_file(path, code)) {
        return refuse("is no regular file", allowed);
    }
    std::string bytes(std::filesystem::file_size(path, code), '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file || !file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
        return refuse("cannot be read", "a readable file");
    }
    const std::size_t end = bytes.find('\n');
    const Json json = Json::parse(bytes.substr(0, end), nullptr, false);
    if (end == std::string::npos || !json.is_object() || json.value("kind", "") != kKind) {
        return refuse("is no checkpoint", allowed);
    }
    try {
        const std::string of =
            json.at("version").get<std::string>() + " " + json.at("revision").get<std::string>();
        const std::string here = std::string(version()) + " " + std::string(revision());
        if (of != here) {
            return refuse(fmt::format("was written by megabed {}, and this is {}", of, here),
                          "a checkpoint of the same version and revision");
        }
        StoredCheckpoint checkpoint;
        checkpoint.scenario_path = json.at("path").get<std::string>();
        checkpoint.scenario_text = json.at("text").get<std::string>();
        checkpoint.run = json.at("run").get<std::string>();
        checkpoint.state = bytes.substr(end + 1);
        const auto overrides = overrides_from_json(json.at("overrides"));
        if (!overrides || checkpoint.state.size() != json.at("state_bytes").get<std::size_t>() ||
            checksum(checkpoint.state) != json.at("state_checksum").get<std::string>()) {
            return refuse("is damaged: its checksum is another", allowed);
        }
        checkpoint.overrides = *overrides;
        return checkpoint;
    } catch (const Json::exception&) {
        return refuse("is damaged", allowed);
    }
}

}  // namespace megabed
