#include "bench/gpu/card_benchmark.h"

#include "bench/exit_code.h"
#include "bench/gpu/card_context.h"
#include "gpu/device_policy.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <memory>

namespace megabed {
namespace {

struct CardRun {
    std::unique_ptr<CardClocks> clocks;  ///< null without a card
    bool failed = false;
};

CardRun& card_run() {
    static CardRun run;
    return run;
}

void add_context(const CardContext& context) {
    for (const auto& [name, value] : context) {
        benchmark::AddCustomContext(name, value);
    }
}

void add_clocks() {
    if (card_run().clocks != nullptr) {
        add_context(card_run().clocks->context());
    }
}

bool has_flag(int argc, char** argv, std::string_view flag) {
    return std::any_of(argv + 1, argv + argc, [&](const char* argument) {
        const std::string_view text = argument;
        return text.starts_with(flag) && (text.size() == flag.size() || text[flag.size()] == '=');
    });
}

}  // namespace

Loaded<void> take_no_words(const std::vector<std::string_view>& words) {
    if (words.empty()) {
        return {};
    }
    return Refusal(InputError{.where = "this benchmark",
                              .line = {},
                              .key = {},
                              .problem = fmt::format("{} is not known", printable(words.front())),
                              .allowed = "flags, which --help shows"});
}

int card_benchmark_main(int argc, char** argv, AddRows* add_rows) {
    const bool lists = has_flag(argc, argv, "--benchmark_list_tests");
    const bool writes_file = has_flag(argc, argv, "--benchmark_out");
    benchmark::Initialize(&argc, argv);
    bool prints_card = false;
    std::vector<std::string_view> words;
    for (int at = 1; at < argc; ++at) {
        const std::string_view word = argv[at];
        if (word == "--card") {
            prints_card = true;
        } else if (word.starts_with('-')) {
            return refuse({.where = argv[0],
                           .line = {},
                           .key = {},
                           .problem = fmt::format("{} is no flag", printable(word)),
                           .allowed = "--card and Google Benchmark's flags, which --help shows"});
        } else {
            words.push_back(word);
        }
    }
    if (const auto added = add_rows(words); !added) {
        return refuse(added.error());
    }
    const auto device = cuda_device_name();
    if (!device && !lists) {
        return refuse(device.error());
    }
    if (prints_card && device) {
        (void)std::puts(results_folder_of(*device).c_str());
        return kExitDone;
    }
    if (device) {
        card_run().clocks = std::make_unique<CardClocks>();
        const auto context = card_context(*card_run().clocks);
        if (!context) {
            return refuse(context.error());
        }
        add_context(*context);
    }
    DeferredJson json(&add_clocks);
    benchmark::RunSpecifiedBenchmarks(nullptr, writes_file ? &json : nullptr);
    if (device && !lists) {
        for (const auto& [name, value] : card_run().clocks->context()) {
            (void)std::fprintf(stderr, "%s: %s\n", name.c_str(), value.c_str());
        }
    }
    benchmark::Shutdown();
    return card_run().failed ? kExitFailed : kExitDone;
}

void look_at_clocks() {
    if (card_run().clocks != nullptr) {
        card_run().clocks->look();
    }
}

void fail_row(benchmark::State& state, const std::string& why) {
    card_run().failed = true;
    state.SkipWithError(why.c_str());
}

bool DeferredJson::ReportContext(const Context& context) {
    context_.push_back(context);
    return true;
}

void DeferredJson::ReportRuns(const std::vector<Run>& runs) { runs_.push_back(runs); }

void DeferredJson::Finalize() {
    if (context_.empty()) {
        return;
    }
    add_context_();
    benchmark::JSONReporter json;
    json.SetOutputStream(&GetOutputStream());
    json.SetErrorStream(&GetErrorStream());
    if (json.ReportContext(context_.front())) {
        for (const std::vector<Run>& runs : runs_) {
            json.ReportRuns(runs);
        }
    }
    json.Finalize();
}

}  // namespace megabed
