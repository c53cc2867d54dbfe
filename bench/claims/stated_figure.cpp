#include "bench/claims/stated_figure.h"

#include "sim/input_error.h"

#include <fmt/format.h>
#include <algorithm>
#include <cctype>
#include <optional>

namespace megabed {
namespace {

constexpr std::string_view kFigure = "{}";
constexpr std::string_view kNumber = "{#}";

/// Text with every run of blanks and line ends as one blank, and where each character comes from.
struct FlatText {
    explicit FlatText(std::string_view text) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            const char character = text[at];
            const bool blank = character == ' ' || character == '\n' || character == '\t';
            if (!blank || (!flat.empty() && flat.back() != ' ')) {
                flat += blank ? ' ' : character;
                from.push_back(at);
            }
        }
    }
    std::string flat;
    std::vector<std::size_t> from;
};

bool is_digit(char character) { return std::isdigit(static_cast<unsigned char>(character)) != 0; }

bool digits_at(std::string_view text, std::size_t at, std::size_t count) {
    return at + count <= text.size() &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                       text.begin() + static_cast<std::ptrdiff_t>(at + count), is_digit);
}

/// The whole number, with or without digits behind a point, that begins here: 0.270, -3, 48,925.
std::optional<StatedFigure> number_at(std::string_view text, std::size_t begin) {
    constexpr std::size_t kGroup = 3;
    const bool behind_mark =
        begin > 1 && (text[begin - 1] == '.' || text[begin - 1] == ',') && is_digit(text[begin - 2]);
    const bool within = behind_mark || (begin != 0 && is_digit(text[begin - 1]));
    std::size_t at = begin;
    if (at < text.size() && text[at] == '-') {
        ++at;
    }
    if (within || !digits_at(text, at, 1)) {
        return std::nullopt;
    }
    StatedFigure number;
    number.begin = begin;
    std::string digits(text.substr(begin, at - begin));
    while (digits_at(text, at, 1)) {
        digits += text[at++];
        const bool group = at < text.size() && text[at] == ',' && digits_at(text, at + 1, kGroup) &&
                           !digits_at(text, at + 1 + kGroup, 1);
        if (group) {
            number.thousands = true;
            ++at;
        }
    }
    if (at < text.size() && text[at] == '.' && digits_at(text, at + 1, 1)) {
        digits += text[at++];
        while (digits_at(text, at, 1)) {
            digits += text[at++];
            ++number.decimals;
        }
    }
    number.size = at - begin;
    number.value = std::stod(digits);
    return number;
}

/// The figure of the quote's words if they stand here.
std::optional<StatedFigure> figure_at(std::string_view text, std::size_t at, std::string_view quote) {
    StatedFigure figure;
    while (!quote.empty()) {
        const bool is_figure = quote.starts_with(kFigure);
        if (is_figure || quote.starts_with(kNumber)) {
            const auto number = number_at(text, at);
            if (!number) {
                return std::nullopt;
            }
            at += number->size;
            if (is_figure) {
                figure = *number;
            }
            quote.remove_prefix(is_figure ? kFigure.size() : kNumber.size());
        } else if (at < text.size() && text[at] == quote.front()) {
            ++at;
            quote.remove_prefix(1);
        } else {
            return std::nullopt;
        }
    }
    return figure;
}

}  // namespace

tl::expected<std::vector<StatedFigure>, std::string> find_stated(std::string_view page,
                                                                 std::string_view quote) {
    const std::size_t marked = quote.find(kFigure);
    if (marked == std::string_view::npos || quote.find(kFigure, marked + 1) != std::string_view::npos) {
        return tl::unexpected(fmt::format("{} has not one {{}}", printable(quote)));
    }
    const FlatText text(page);
    const FlatText words(quote);
    std::vector<StatedFigure> places;
    for (std::size_t at = 0; at < text.flat.size(); ++at) {
        if (auto figure = figure_at(text.flat, at, words.flat)) {
            figure->begin = text.from[figure->begin];
            places.push_back(*figure);
        }
    }
    if (places.empty()) {
        return tl::unexpected(fmt::format("{} is not in it", printable(quote)));
    }
    if (std::any_of(places.begin(), places.end(),
                    [&](const StatedFigure& place) { return place.value != places.front().value; })) {
        return tl::unexpected(fmt::format("{} is in it with different figures", printable(quote)));
    }
    return places;
}

std::string as_stated(const StatedFigure& figure, double value) {
    std::string text = fmt::format("{:.{}f}", value, figure.decimals);
    if (figure.thousands) {
        constexpr std::size_t kGroup = 3;
        const std::size_t first = text.starts_with('-') ? 1 : 0;
        for (std::size_t at = std::min(text.find('.'), text.size()); at > first + kGroup;) {
            at -= kGroup;
            text.insert(at, 1, ',');
        }
    }
    return text;
}

}  // namespace megabed
