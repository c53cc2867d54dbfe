#pragma once

#include "sim/input_error.h"

#include <filesystem>
#include <string>
#include <vector>

namespace megabed {

/// One file of the catalog: its stem and its `summary`.
struct CatalogEntry {
    std::string name;
    std::string summary;
    std::filesystem::path path;
};

/// The folder of the shipped scenarios: `MEGABED_SCENARIOS`, else where `find_shipped` finds it.
[[nodiscard]] std::filesystem::path catalog_directory();

/// The catalog's scenarios or device profiles by name. Errors: a file that cannot be read or has no summary.
[[nodiscard]] Loaded<std::vector<CatalogEntry>> list_scenarios();
[[nodiscard]] Loaded<std::vector<CatalogEntry>> list_devices();

/// The whole of a small text file. Errors: missing, a directory, unreadable, larger than 16 MiB.
[[nodiscard]] Loaded<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace megabed
