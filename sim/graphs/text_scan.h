#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace megabed {

/// Takes tokens off the front of one line.
class TextScan {
public:
    explicit TextScan(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    /// The next run of characters that are not blanks; empty at the end.
    [[nodiscard]] std::string_view token() {
        skip_blanks();
        const char* const from = at_;
        while (at_ != end_ && !is_blank(*at_)) {
            ++at_;
        }
        return {from, static_cast<std::size_t>(at_ - from)};
    }

    /// An unsigned decimal number that fills the next token. On failure the position is kept, so that
    /// `token` returns what was there.
    template <class Integer>
    [[nodiscard]] std::optional<Integer> number() {
        skip_blanks();
        Integer value{};
        const auto [stop, code] = std::from_chars(at_, end_, value);
        if (code != std::errc() || (stop != end_ && !is_blank(*stop))) {
            return std::nullopt;
        }
        at_ = stop;
        return value;
    }

    [[nodiscard]] bool at_end() {
        skip_blanks();
        return at_ == end_;
    }

private:
    static bool is_blank(char symbol) { return symbol == ' ' || symbol == '\t'; }
    void skip_blanks() {
        while (at_ != end_ && is_blank(*at_)) {
            ++at_;
        }
    }

    const char* at_;
    const char* end_;
};

}  // namespace megabed
