#include "scenarios/catalog.h"

#include "scenarios/section_reader.h"
#include "scenarios/shipped_folder.h"

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace megabed {
namespace {

namespace fs = std::filesystem;

Loaded<std::vector<CatalogEntry>> list_folder(const fs::path& folder) {
    std::vector<CatalogEntry> entries;
    std::error_code code;
    for (const auto& file : fs::directory_iterator(folder, code)) {
        if (file.path().extension() != ".toml") {
            continue;
        }
        const auto text = read_text_file(file.path());
        if (!text) {
            return Refusal(text.error());
        }
        const auto table = parse_toml(*text, file.path().string());
        if (!table) {
            return Refusal(table.error());
        }
        entries.push_back(
            {file.path().stem().string(), (*table)["summary"].value_or(std::string()), file.path()});
    }
    if (code) {
        return Refusal(InputError{.where = folder.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("the catalog cannot be read: {}", code.message()),
                                  .allowed = "MEGABED_SCENARIOS names its folder"});
    }
    std::sort(entries.begin(), entries.end(),
              [](const CatalogEntry& left, const CatalogEntry& right) { return left.name < right.name; });
    return entries;
}

}  // namespace

fs::path catalog_directory() {
    return find_shipped({.variable = "MEGABED_SCENARIOS",
                         .name = "scenarios",
                         .source = MEGABED_CATALOG_SOURCE,
                         .installed = MEGABED_CATALOG_INSTALLED});
}

Loaded<std::vector<CatalogEntry>> list_scenarios() { return list_folder(catalog_directory()); }
Loaded<std::vector<CatalogEntry>> list_devices() { return list_folder(catalog_directory() / "devices"); }

Loaded<std::string> read_text_file(const fs::path& path) {
    const auto refuse = [&](std::string problem, std::string allowed) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = std::move(problem),
                                  .allowed = std::move(allowed)});
    };
    constexpr std::size_t kLargest = std::size_t{16} << 20;
    std::error_code code;
    if (fs::is_directory(path, code)) {
        return refuse("is a directory", "a file");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return refuse(fmt::format("cannot be read: {}", std::generic_category().message(errno)),
                      "a readable file");
    }
    // Piece by piece: making room for the largest file at once would take a millisecond for the smallest.
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    std::string text;
    while (file && text.size() <= kLargest) {
        const std::size_t before = text.size();
        text.resize(before + kPiece);
        file.read(text.data() + before, kPiece);
        text.resize(before + static_cast<std::size_t>(file.gcount()));
    }
    if (text.size() > kLargest) {
        return refuse("is larger than 16 MiB", "a scenario or profile");
    }
    return text;
}

}  // namespace megabed
