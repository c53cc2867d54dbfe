#include "scenarios/ascii_outside_text.h"

#include <algorithm>

namespace megabed {
namespace {

/// The end of a string that starts at the front of `rest` with `quote`; a one-line string ends at its line's
/// end at the latest. Escapes count only in double quotes.
std::size_t string_length(std::string_view rest, char quote) {
    const bool multi_line = rest.size() >= 3 && rest[1] == quote && rest[2] == quote;
    std::size_t at = multi_line ? 3 : 1;
    while (at < rest.size()) {
        if (rest[at] == '\\' && quote == '"') {
            at += 2;
        } else if (!multi_line && (rest[at] == quote || rest[at] == '\n')) {
            return rest[at] == quote ? at + 1 : at;
        } else if (multi_line && rest.substr(at, 3) == rest.substr(0, 3)) {
            return at + 3;
        } else {
            ++at;
        }
    }
    return rest.size();
}

}  // namespace

std::optional<std::uint64_t> non_ascii_outside_text(std::string_view document) {
    std::size_t at = document.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // a byte-order mark is allowed
    while (at < document.size()) {
        const char symbol = document[at];
        if (static_cast<unsigned char>(symbol) > 0x7F) {
            const std::string_view before = document.substr(0, at);
            return static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n')) + 1;
        }
        if (symbol == '#') {
            at = std::min(document.find('\n', at), document.size());
        } else if (symbol == '"' || symbol == '\'') {
            at += string_length(document.substr(at), symbol);
        } else {
            ++at;
        }
    }
    return std::nullopt;
}

}  // namespace megabed
