#pragma once

#include "bench/claims/stated_figure.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// Which way of a figure is the better one: a speed, or a time.
enum class Better : std::uint8_t { More, Less };

/// A figure that a page states, and how it is measured again.
struct Claim {
    std::string id;
    std::filesystem::path page;          ///< absolute
    std::string quote;                   ///< words of the page that hold the figure (find_stated)
    std::vector<StatedFigure> places{};  ///< of the page that state it
    double value = 0;
    int decimals = 0;  ///< that the page states it with
    double tolerance =
        0;  ///< share of the value; 0: the figure is reproducible, and what is measured rounds to it
    std::string unit;
    Better better = Better::Less;
    std::vector<std::string> command;  ///< a megabed command with --json
    std::vector<std::string> program;  ///< or another program, relative to the checkout, that prints JSON
    std::filesystem::path record;  ///< absolute; a stored result, read where the program or a card is missing
    std::string row;               ///< name of a benchmark's row; empty: the document itself
    std::string read;              ///< JSON pointer to the figure, within the row if there is one
    std::string
        record_read;   ///< the same in the record, where that is of another form: without rows, in `unit`
    std::string over;  ///< JSON pointer, beside `read`: what it is divided by; empty: by nothing
    double minus = 0;  ///< taken off what is read, such as 1 for a ratio that is stated as a loss
    double scale = 1;  ///< what is left times this is in `unit`
    std::uint64_t repeats = 1;
    bool needs_card = false;
};

/// Reads a claims file, and the figures from the pages that state them. Paths in it are relative to `root`.
/// Errors: file, line, key, value and what is allowed.
[[nodiscard]] Loaded<std::vector<Claim>> load_claims(const std::filesystem::path& path,
                                                     const std::filesystem::path& root);

}  // namespace megabed
