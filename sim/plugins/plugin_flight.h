#pragma once

#include "policy/plugin_abi.h"
#include "sim/input_error.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace megabed {

/// The call that a plug-in is in, in memory that the watching parent shares.
struct PluginFlight {
    std::atomic<std::uint64_t> calls{0};  ///< odd while a call is in progress
    megabed_parameters parameters{};
    megabed_request request{};
    megabed_state state{};
    std::int32_t where = 0;  ///< what is being called: see `Where`

    enum Where : std::int32_t { kNothing, kLoading, kCreating, kDeciding };
};

/// The request of a flight in the words of scenario files, leaving out what was not read.
[[nodiscard]] std::string request_text(const PluginFlight& flight);

/// Splits the process: the child gets a flight recorder and returns, the parent watches the child, reports a
/// crash or a call longer than `deadline` on stderr with exit status 2, and otherwise ends as the child does.
/// `library` is how messages name the plug-in. Errors: the system has no memory or no process for it.
[[nodiscard]] Loaded<PluginFlight*> enter_watched_child(const std::string& library,
                                                        std::chrono::milliseconds deadline);

}  // namespace megabed
