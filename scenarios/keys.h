#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace megabed {

/// What a key holds. Times and bytes have more than one spelling: see `spellings`.
enum class KeyType : std::uint8_t {
    Text,
    Choice,  ///< one of the words in `allowed`
    Flag,
    Count,
    Bps,   ///< the key ends in `_bps`
    Size,  ///< `KEY_bytes = 2048` or `KEY = "2 KiB"`
    Time,  ///< `KEY_ns = 3000`, `KEY_us = 3` or `KEY = "3 us"`
    Rate,  ///< a positive number a second
};

/// One key of the scenario or device format: the loader checks against it and the documentation is made from
/// it.
struct KeySpec {
    std::string_view section;  ///< dotted table; empty for the top level
    std::string_view key;
    KeyType type{};
    std::int64_t least = 0;  ///< Count, Bps, Size, Time (ns)
    std::int64_t most = 0;
    std::string_view fallback;  ///< default as written in a file; "required" if there is none
    std::string_view meaning;
    std::string_view allowed{};  ///< Choice: words separated by ", "
};

[[nodiscard]] std::span<const KeySpec> scenario_keys();
[[nodiscard]] std::span<const KeySpec> device_keys();

/// Both tables as Markdown: the content of scenarios/KEYS.md.
[[nodiscard]] std::string keys_as_markdown();

/// The allowed values of a key in words, for messages and documentation.
[[nodiscard]] std::string allowed_values(const KeySpec& spec);
/// As above, for one of the key's spellings.
[[nodiscard]] std::string allowed_values(const KeySpec& spec, std::string_view spelling);

}  // namespace megabed
