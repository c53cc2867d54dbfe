#pragma once

#include "sim/input_error.h"

#include <benchmark/benchmark.h>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace megabed {

/// What a benchmark of the card does between Google Benchmark's flags and its measurements: registers its rows.
/// `words`: the arguments that are no flags. Errors: words that it does not know.
using AddRows = Loaded<void>(const std::vector<std::string_view>& words);

/// Adds no rows and knows no words. Errors: there is one.
[[nodiscard]] Loaded<void> take_no_words(const std::vector<std::string_view>& words);

/// The main of every benchmark of the card. With a card, measures, and puts the card's context and the clocks
/// seen into the JSON output. `--card` only prints the card's folder under bench/results.
/// Returns the exit status: 0, 1 where a row failed, 2 for arguments that are not known, 3 without a card.
[[nodiscard]] int card_benchmark_main(int argc, char** argv, AddRows* add_rows);

/// Looks at the card's clocks; to be called by rows right after measured work. Cheap when called often.
void look_at_clocks();

/// Ends a row with an error, which also is in the exit status.
void fail_row(benchmark::State& state, const std::string& why);

/// Writes Google Benchmark's JSON when all rows are done, so that its context can tell of the whole run.
/// `add_context`: called before the context is written.
class DeferredJson final : public benchmark::BenchmarkReporter {
public:
    explicit DeferredJson(void (*add_context)()) : add_context_(add_context) {}
    bool ReportContext(const Context& context) override;
    void ReportRuns(const std::vector<Run>& runs) override;
    void Finalize() override;

private:
    void (*add_context_)();
    std::vector<Context> context_;  ///< none or one: it cannot be made empty
    std::vector<std::vector<Run>> runs_;
};

}  // namespace megabed
