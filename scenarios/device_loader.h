#pragma once

#include "sim/costs/device_profile.h"
#include "sim/input_error.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace megabed {

/// Reads a device profile. Errors: file, line and key of the first mistake; tables that do not ascend.
[[nodiscard]] Loaded<DeviceProfile> load_device(const std::filesystem::path& path);
[[nodiscard]] Loaded<DeviceProfile> parse_device(std::string_view text, const std::string& source);

}  // namespace megabed
