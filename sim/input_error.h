#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace megabed {

/// Why something from outside was refused.
enum class InputErrorKind : std::uint8_t {
    Invalid,      ///< the input is wrong; the command exits 2
    Unavailable,  ///< this machine or build lacks what was asked; the command exits 3
    Interrupted,  ///< the user stopped it; the command exits 130
};

/// A refusal of outside input, with the place and what would be accepted.
struct InputError {
    InputErrorKind kind = InputErrorKind::Invalid;
    std::string where;                  ///< file, flag or graph SPEC
    std::optional<std::uint64_t> line;  ///< 1-based
    std::string key;                    ///< dotted key, column or header field; may be empty
    std::string problem;                ///< what is wrong, with the value
    std::string allowed;                ///< what is accepted; may be empty
};

template <class Value>
using Loaded = tl::expected<Value, InputError>;

using Refusal = tl::unexpected<InputError>;

/// One line: `where:line: key: problem; allowed: ...`.
[[nodiscard]] std::string to_string(const InputError& error);

/// Text from outside made safe to print: control and non-ASCII bytes escaped, cut after `shown` characters.
[[nodiscard]] std::string printable(std::string_view text, std::size_t shown = 40);

/// The candidate nearest to a misspelt name, if one is near enough to suggest.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view name,
                                                      const std::vector<std::string_view>& candidates);

/// Names separated by commas, for `InputError::allowed`.
[[nodiscard]] std::string listed(const std::vector<std::string_view>& names);

}  // namespace megabed
