#include "bench/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>
#include <cstdio>
#include <utility>

namespace megabed {

ProgressLine::ProgressLine(bool shown, std::string label)
    : shown_(shown && ::isatty(STDERR_FILENO) == 1), label_(std::move(label)) {}

ProgressLine::~ProgressLine() {
    if (shown_) {
        (void)std::fputs("\r\033[K", stderr);
    }
}

void ProgressLine::show(std::string_view text) {
    constexpr std::chrono::milliseconds kInterval(100);
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && now >= next_) {
        next_ = now + kInterval;
        (void)std::fputs(fmt::format("\r\033[K{}: {}", label_, text).c_str(), stderr);
        (void)std::fflush(stderr);
    }
}

}  // namespace megabed
