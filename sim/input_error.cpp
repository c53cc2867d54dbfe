#include "sim/input_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <iterator>
#include <numeric>

namespace megabed {
namespace {

std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < left.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const std::size_t substituted = diagonal + (left[i] == right[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

/// Keeps a message on one line whatever a path, a key or a library's text holds.
std::string on_one_line(std::string_view text) {
    std::string safe;
    for (const char symbol : text) {
        const auto byte = static_cast<unsigned char>(symbol);
        if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(std::back_inserter(safe), "\\x{:02x}", byte);
        } else {
            safe += symbol;
        }
    }
    return safe;
}

}  // namespace

std::string to_string(const InputError& error) {
    std::string text = error.where;
    if (error.line) {
        text += fmt::format(":{}", *error.line);
    }
    if (!error.key.empty()) {
        text += fmt::format(": {}", error.key);
    }
    text += fmt::format(": {}", error.problem);
    if (!error.allowed.empty()) {
        text += fmt::format("; allowed: {}", error.allowed);
    }
    return on_one_line(text);
}

std::string printable(std::string_view text, std::size_t shown) {
    std::string safe = "'";
    for (const char symbol : text.substr(0, shown)) {
        const auto byte = static_cast<unsigned char>(symbol);
        if (byte < 0x20 || byte >= 0x7F) {
            safe += fmt::format("\\x{:02x}", byte);
        } else {
            safe += symbol;
        }
    }
    return safe + (text.size() > shown ? "...'" : "'");
}

std::optional<std::string_view> nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates) {
    constexpr std::size_t kComparable = 64;
    if (candidates.empty() || name.size() > kComparable) {
        return std::nullopt;
    }
    const auto best = std::min_element(candidates.begin(), candidates.end(), [&](auto left, auto right) {
        return edit_distance(name, left) < edit_distance(name, right);
    });
    const std::size_t tolerated = std::max<std::size_t>(2, best->size() / 3);
    if (edit_distance(name, *best) > tolerated) {
        return std::nullopt;
    }
    return *best;
}

std::string listed(const std::vector<std::string_view>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace megabed
