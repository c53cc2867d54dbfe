#pragma once

#include "bench/commands/command_words.h"

#include <string>

namespace megabed {

/// `megabed`, or `megabed-run` for its command `run`.
[[nodiscard]] std::string page_name(const CommandWords& program, const CommandWords* command);

/// The manual page of a command, or of the program where `command` is null: troff with the man macros, in
/// ASCII. Everything in it but ENVIRONMENT stands in --help as well: footers give EXAMPLES ("Example: ...", a
/// line each), EXIT STATUS (from the words "Exit status" on) and the rest of DESCRIPTION. `version` and `date`
/// (of the revision; may be empty) stand in the footer of the page.
[[nodiscard]] std::string man_page(const CommandWords& program, const CommandWords* command,
                                   const std::string& version, const std::string& date);

}  // namespace megabed
