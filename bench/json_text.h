#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace megabed {

/// A document as indented text with a line end. Bytes that are not UTF-8, from a file name say, become U+FFFD.
[[nodiscard]] inline std::string json_text(const nlohmann::ordered_json& document) {
    return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace megabed
