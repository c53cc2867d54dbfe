#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace megabed {

/// A TOML document in ASCII: bytes above 0x7F become `?` in comments, a byte-order mark is dropped. Anywhere
/// else such a byte is refused; the error is its 1-based line. Why: toml++ 3.3 runs into undefined behaviour
/// where it looks for blanks and meets some non-ASCII letters (its table of non-ASCII blanks is declared
/// exhaustive and is not).
[[nodiscard]] tl::expected<std::string, std::uint64_t> ascii_document(std::string_view document);

}  // namespace megabed
