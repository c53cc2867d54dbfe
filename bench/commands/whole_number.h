#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

namespace megabed {

/// Accepts whole numbers from `least` to `most`. CLI11 by itself wraps negative numbers and caps large ones in
/// silence.
[[nodiscard]] inline CLI::Validator whole_number(std::uint64_t most, std::uint64_t least = 0) {
    return {[most, least](const std::string& text) {
                std::uint64_t value = 0;
                const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
                const bool whole =
                    code == std::errc() && stop == text.data() + text.size() && value >= least && value <= most;
                return whole ? std::string() : fmt::format("is '{}'; allowed: {} to {}", text, least, most);
            },
            ""};
}

}  // namespace megabed
