#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace megabed {

/// One line on stderr that is overwritten while work goes on and removed at its end.
class ProgressLine {
public:
    /// Shows nothing unless `shown` and stderr is a terminal.
    ProgressLine(bool shown, std::string label);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

    /// At most ten times a second.
    void show(std::string_view text);

private:
    bool shown_;
    std::string label_;
    std::chrono::steady_clock::time_point next_{};
};

}  // namespace megabed
