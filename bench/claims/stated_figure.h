#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace megabed {

/// A figure as a page states it.
struct StatedFigure {
    double value = 0;
    int decimals = 0;        ///< digits behind the point
    bool thousands = false;  ///< 48,925
    std::size_t begin = 0;   ///< where in the page's text its digits stand
    std::size_t size = 0;
};

/// The places of a page that a quote describes: the words as they stand there, where any blanks and line ends
/// count as one blank, `{}` stands for the figure and `{#}` for any other number. More than one place states
/// the same. Errors: the quote has not one `{}`; no place has these words; places have different figures.
[[nodiscard]] tl::expected<std::vector<StatedFigure>, std::string> find_stated(std::string_view page,
                                                                               std::string_view quote);

/// A value to as many digits as the figure has, with commas if it has them.
[[nodiscard]] std::string as_stated(const StatedFigure& figure, double value);

}  // namespace megabed
