#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

namespace megabed {

/// Accepts whole numbers from 0 to `most`. CLI11 by itself wraps negative numbers and caps large ones in
/// silence.
[[nodiscard]] inline CLI::Validator whole_number(std::uint64_t most) {
    return {[most](const std::string& text) {
                std::uint64_t value = 0;
                const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
                const bool whole = code == std::errc() && stop == text.data() + text.size() && value <= most;
                return whole ? std::string() : fmt::format("is '{}'; allowed: 0 to {}", text, most);
            },
            ""};
}

}  // namespace megabed
