#include "scenarios/ascii_text.h"

#include <algorithm>
#include <cstddef>

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

bool is_beyond_ascii(char symbol) { return static_cast<unsigned char>(symbol) > 0x7F; }

}  // namespace

tl::expected<std::string, std::uint64_t> ascii_document(std::string_view document) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (document.starts_with(kByteOrderMark)) {
        document.remove_prefix(kByteOrderMark.size());
    }
    std::string ascii(document);
    std::size_t at = 0;
    while (at < document.size()) {
        std::size_t end = at + 1;
        if (document[at] == '#') {
            end = std::min(document.find('\n', at), document.size());
            std::replace_if(ascii.begin() + static_cast<std::ptrdiff_t>(at),
                            ascii.begin() + static_cast<std::ptrdiff_t>(end), is_beyond_ascii, '?');
        } else if (document[at] == '"' || document[at] == '\'') {
            end = std::min(at + string_length(document.substr(at), document[at]), document.size());
        }
        at = end;
    }
    const auto beyond = std::find_if(ascii.begin(), ascii.end(), is_beyond_ascii);
    if (beyond != ascii.end()) {
        return tl::unexpected(static_cast<std::uint64_t>(std::count(ascii.begin(), beyond, '\n')) + 1);
    }
    return ascii;
}

}  // namespace megabed
