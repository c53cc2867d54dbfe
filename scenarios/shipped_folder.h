#pragma once

#include <filesystem>
#include <string_view>

namespace megabed {

/// A folder of data that ships with megabed.
struct ShippedFolder {
    const char* variable;             ///< of the environment: names the folder outright
    std::string_view name;            ///< under share/megabed of an installation
    std::filesystem::path source;     ///< in the checkout that this was built from
    std::filesystem::path installed;  ///< where the build was configured to install it
};

/// Where the data are: what the environment names, else share/megabed beside the bin that the running program
/// is in, so that an installation can be moved, else the checkout, else where the build meant to install them.
/// The last is given even where it does not exist, for the message of whoever opens it.
[[nodiscard]] std::filesystem::path find_shipped(const ShippedFolder& folder);

}  // namespace megabed
