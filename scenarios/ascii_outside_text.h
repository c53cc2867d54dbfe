#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace megabed {

/// The 1-based line of the first byte above 0x7F that stands outside strings and comments of a TOML document.
/// TOML allows none there, and toml++ 3.3 runs into undefined behaviour on some of them (its table of non-ASCII
/// blanks is declared exhaustive and is not), so they are found before it sees the text.
[[nodiscard]] std::optional<std::uint64_t> non_ascii_outside_text(std::string_view document);

}  // namespace megabed
